// SPDX-License-Identifier: Apache-2.0
#include "probes/log/files_probe.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "probes/log/access_stats.h"
#include "tests/unit/probes/fake_root.h"
#include "tests/unit/probes/recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* kError = "/var/log/app/error.log";

// A host with a log directory and a service that has its files open.
struct Bed {
  Bed() {
    settings.log_files = {"/var/log/app/*.log", "/var/log/nginx/*.log"};
    root.write("proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
    root.mkdir("var/log/app");
    root.mkdir("var/log/nginx");
  }
  void start() {
    under_test.emplace(log_files_probe, root, settings);
    REQUIRE_MESSAGE(under_test->probe, under_test->error);
    read();
  }
  std::string at(const std::string& path) const { return root.path() + path; }
  void append(const std::string& path, const std::string& text) const {
    std::ofstream(at(path), std::ios::binary | std::ios::app) << text;
  }
  void read() {
    now += std::chrono::seconds(1);
    REQUIRE(under_test->probe->read(now, sink));
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // the worker looks for the writer
  }
  void read(int seconds) {
    for (int i = 0; i < seconds; ++i) read();
  }
  // The file's writer is looked for when it first grows.
  void settle(const std::string& path) {
    append(path, "INFO: settled\n");
    for (int i = 0; i < 60 && records(path, "INFO") < 1; ++i) read();
    REQUIRE(records(path, "INFO") == 1);
  }
  double value(const std::string& key) const {
    const auto found = sink.values.find(key);
    return found == sink.values.end() ? -1 : found->second.value_or(-2);
  }
  double records(const std::string& path, const std::string& severity, const std::string& who = "host") const {
    return value(who + " hostmedic.log.records{log.file.path=" + path + ",log.severity=" + severity + "}");
  }
  void written_by(int pid, const std::string& unit, const std::string& path) const {
    const std::string process = "proc/" + std::to_string(pid);
    root.write(process + "/cgroup", "0::/system.slice/" + unit + "\n");
    root.write(process + "/comm", "app\n");
    root.write(process + "/fdinfo/5", "pos:\t0\nflags:\t0102001\n");
    root.mkdir(process + "/fd");
    fs::create_symlink(at(path), at("/" + process + "/fd/5"));
  }

  FakeRoot root;
  ProbeSettings settings;
  std::optional<ProbeUnderTest> under_test;
  RecordingSink sink;
  MonoTime now = at_second(1000);
};

}  // namespace

TEST_CASE("lines are counted by severity from the end of the file on, under the service that writes it") {
  Bed bed;
  bed.append(kError, "ERROR: of yesterday\n");
  bed.written_by(77, "app.service", kError);
  bed.start();
  bed.append(kError, "ERROR: boom\nWARN: hm\nplain\nERROR: trace\n  at a\n  at b\n");
  bed.read(12);
  const std::string who = "service:app.service";
  CHECK(bed.records(kError, "ERROR", who) == 2);
  CHECK(bed.records(kError, "WARN", who) == 1);
  CHECK(bed.records(kError, "FATAL", who) == 0);
  CHECK(bed.records(kError, "UNSPECIFIED", who) == 1);
  CHECK(bed.value(who + " hostmedic.log.templates.known{log.file.path=/var/log/app/error.log}") == 4);
}

TEST_CASE("a file that does not grow has no series") {
  Bed bed;
  bed.append(kError, "ERROR: of yesterday\n");
  bed.start();
  bed.read(15);
  for (const std::string& key : bed.sink.keys) CHECK(key.find("error.log") == std::string::npos);
}

TEST_CASE("renamed away: what is still written to the old file and what the new one says, all once") {
  Bed bed;
  bed.append(kError, "");
  bed.start();
  bed.settle(kError);
  bed.append(kError, "ERROR: 1\n");
  fs::rename(bed.at(kError), bed.at("/var/log/app/error.log.1"));
  bed.append("/var/log/app/error.log.1", "ERROR: 2\n");  // the writer has not reopened it
  bed.append(kError, "ERROR: 3\n");
  bed.read(6);
  CHECK(bed.records(kError, "ERROR") == 3);
  bed.append("/var/log/app/error.log.1", "ERROR: 4\nERROR: 5 without an end");
  bed.append(kError, "ERROR: 6\n");
  bed.read();
  CHECK(bed.records(kError, "ERROR") == 5);
  bed.read(40);  // the old one is let go, with its last line
  CHECK(bed.records(kError, "ERROR") == 6);
}

TEST_CASE("renamed to a name that fits the pattern too: not a new file") {
  Bed bed;
  bed.append(kError, "");
  bed.start();
  bed.settle(kError);
  bed.append(kError, "ERROR: 1\n");
  fs::rename(bed.at(kError), bed.at("/var/log/app/error-20261121.log"));
  bed.append(kError, "ERROR: 2\n");
  bed.read(20);
  CHECK(bed.records(kError, "ERROR") == 2);
  CHECK(bed.records("/var/log/app/error-20261121.log", "ERROR") == -1);
}

TEST_CASE("copied and truncated: goes on at the beginning") {
  Bed bed;
  bed.append(kError, "");
  bed.start();
  bed.settle(kError);
  bed.append(kError, "ERROR: a line that is long enough\nERROR: and another one of the kind\n");
  bed.read();
  fs::copy_file(bed.at(kError), bed.at("/var/log/app/error.log.1"));
  fs::resize_file(bed.at(kError), 0);
  bed.append(kError, "ERROR: new\n");
  bed.read(10);
  CHECK(bed.records(kError, "ERROR") == 3);
}

TEST_CASE("rotated by logrotate with compression") {
  Bed bed;
  if (::access("/usr/sbin/logrotate", X_OK) != 0 || ::geteuid() != 0) {
    MESSAGE("not tested here: needs logrotate and root");
    return;
  }
  bed.append(kError, "");
  bed.start();
  bed.settle(kError);
  bed.root.write("conf", bed.at(kError) + " {\n  rotate 3\n  compress\n  create 0644 root root\n}\n");
  const std::string command = "/usr/sbin/logrotate --force --state " + bed.at("/state") + " " + bed.at("/conf");
  for (int i = 0; i < 3; ++i) {
    bed.append(kError, "ERROR: before\n");
    bed.read();
    bed.append(kError, "ERROR: just before\n");
    fs::permissions(bed.at("/conf"), fs::perms::owner_read | fs::perms::owner_write);
    REQUIRE(std::system(command.c_str()) == 0);
    bed.append(kError, "ERROR: after\n");
    bed.read(7);
  }
  CHECK(fs::exists(bed.at("/var/log/app/error.log.2.gz")));
  CHECK(bed.records(kError, "ERROR") == 9);
}

TEST_CASE("deleted and made again; deleted for good") {
  Bed bed;
  bed.append(kError, "");
  bed.written_by(77, "app.service", kError);
  bed.start();
  bed.append(kError, "ERROR: 1\n");
  bed.read(10);
  bed.append(kError, "ERROR: 2\n");
  fs::remove(bed.at(kError));
  bed.read(10);
  bed.append(kError, "ERROR: 3\n");
  bed.read(10);
  CHECK(bed.records(kError, "ERROR", "service:app.service") == 3);
  fs::remove(bed.at(kError));
  bed.read(50);
  CHECK(bed.sink.retired.empty());
  bed.read(30);
  CHECK(bed.sink.retired == std::vector<std::string>{"service:app.service"});
}

TEST_CASE("a line counts when it has its end, once") {
  Bed bed;
  bed.append(kError, "ERROR: the rest of this line is");
  bed.start();
  bed.append(kError, " no line of its own: ERROR: x\n");
  bed.settle(kError);
  CHECK(bed.records(kError, "ERROR") == 0);
  bed.append(kError, "ERROR: half");
  bed.read(3);
  CHECK(bed.records(kError, "ERROR") == 0);
  bed.append(kError, " and half\nERR");
  bed.read();
  CHECK(bed.records(kError, "ERROR") == 1);
  bed.append(kError, "OR: rest\n");
  bed.read();
  CHECK(bed.records(kError, "ERROR") == 2);
}

TEST_CASE("giant lines and bytes of any kind are lines like others") {
  Bed bed;
  bed.append(kError, "");
  bed.start();
  bed.settle(kError);
  bed.append(kError, "ERROR: " + std::string(700000, 'x'));
  bed.read(2);
  CHECK(bed.records(kError, "ERROR") == 1);  // as soon as it is too long to wait for
  bed.append(kError, std::string(9000, 'y') + "\nERROR: next\n");
  bed.read(2);
  CHECK(bed.records(kError, "ERROR") == 2);
  std::string garbage;
  for (int i = 0; i < 20000; ++i) garbage += static_cast<char>(i * 7919 >> 3);
  bed.append(kError, garbage + "\nERROR: after\n");
  bed.read(2);
  CHECK(bed.records(kError, "ERROR") == 3);
}

TEST_CASE("more than can be looked at is scaled up and told") {
  Bed bed;
  bed.append(kError, "");
  bed.start();
  bed.settle(kError);
  std::string text;
  constexpr int kLines = 100000;
  for (int i = 0; i < kLines; ++i) text += "ERROR: worker " + std::to_string(100000 + i) + " is out of luck\n";
  bed.append(kError, text);
  bed.read();
  CHECK(bed.records(kError, "ERROR") == doctest::Approx(kLines).epsilon(0.001));
  CHECK(bed.value("agent:probe.log-files hostmedic.log.skipped") > 2e6);
}

TEST_CASE("an access log is counted by status, bytes and duration, for the server") {
  Bed bed;
  const std::string path = "/var/log/nginx/access.log";
  bed.append(path, "");
  bed.written_by(80, "nginx.service", path);
  bed.start();
  const auto request = [&](int status, const std::string& seconds) {
    bed.append(path, "192.0.2.1 - - [21/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" " + std::to_string(status) +
                         " 100 \"-\" \"x\" " + seconds + "\n");
  };
  for (int i = 0; i < 98; ++i) request(200, "0.010");
  request(404, "0.010");
  request(503, "2.000");
  request(500, "2.000");
  bed.read(12);
  const std::string who = "service:nginx.service hostmedic.http.server.";
  const auto count = [&](const std::string& status) {
    return bed.value(who + "request.count{http.response.status_code=" + status + ",log.file.path=" + path + "}");
  };
  CHECK(count("2xx") == 98);
  CHECK(count("4xx") == 1);
  CHECK(count("5xx") == 2);
  CHECK(count("3xx") == 0);
  CHECK(bed.value(who + "response.io{log.file.path=" + path + "}") == 10100);
  CHECK(bed.value(who + "request.duration.p50{log.file.path=" + path + "}") == doctest::Approx(0.01).epsilon(0.05));
  CHECK(bed.value(who + "request.duration.p99{log.file.path=" + path + "}") == doctest::Approx(2).epsilon(0.05));
  // It holds nothing but requests, so it has no severities.
  CHECK(bed.records(path, "ERROR", "service:nginx.service") == -1);
}

TEST_CASE("no link is followed, no pipe is opened, no compressed file is read") {
  Bed bed;
  bed.root.write("etc/secret", "");
  fs::create_symlink(bed.at("/etc/secret"), bed.at("/var/log/app/link.log"));
  REQUIRE(::mkfifo(bed.at("/var/log/app/pipe.log").c_str(), 0600) == 0);
  bed.settings.log_files = {"/var/log/app/*"};
  bed.append("/var/log/app/old.gz", "");
  bed.append("/var/log/app/.hidden", "");
  bed.start();
  for (const char* path : {"/etc/secret", "/var/log/app/old.gz", "/var/log/app/.hidden"})
    bed.append(path, "ERROR: x\n");
  bed.read(20);
  for (const std::string& key : bed.sink.keys) CHECK(key.find("/var/log") == std::string::npos);
}

TEST_CASE("a new file is read from its beginning, a large one that appears from its end") {
  Bed bed;
  bed.start();
  bed.append("/var/log/app/new.log", "ERROR: 1\n");
  bed.append("/var/log/app/copy.log", std::string((2 << 20), '\n'));
  bed.read(20);
  CHECK(bed.records("/var/log/app/new.log", "ERROR") == 1);
  CHECK(bed.records("/var/log/app/copy.log", "UNSPECIFIED") == -1);
}

TEST_CASE("files behind a network are left alone; nothing to read is a state") {
  Bed bed;
  bed.root.write("proc/self/mountinfo",
                 "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:30 / /var/log/app rw - nfs4 server:/x rw\n");
  bed.start();
  bed.append(kError, "ERROR: 1\n");
  bed.read(15);
  CHECK(bed.records(kError, "ERROR") == -1);
  bed.settings.log_files.clear();
  CHECK(ProbeUnderTest(log_files_probe, bed.root, bed.settings).error.find("no log files are configured") !=
        std::string::npos);
}

TEST_CASE("quantiles of durations") {
  log::DurationBuckets buckets;
  CHECK(buckets.empty());
  CHECK(buckets.quantile(0.5) == 0);
  for (int i = 1; i <= 1000; ++i) buckets.add(i * 1e-3, 1);
  CHECK(buckets.quantile(0.5) == doctest::Approx(0.5).epsilon(0.06));
  CHECK(buckets.quantile(0.99) == doctest::Approx(0.99).epsilon(0.06));
  buckets.add(0, 1e6);
  CHECK(buckets.quantile(0.5) < 2e-6);
  buckets.add(1e9, 1e8);  // beyond the last bucket
  CHECK(buckets.quantile(0.99) > 3600);
}
