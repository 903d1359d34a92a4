// SPDX-License-Identifier: Apache-2.0
#include "probes/log/file_growth.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>

#include "agent/base/parse.h"
#include "detect/model/names.h"
#include "probes/source/roots.h"
#include "tests/unit/probes/log/temp_tree.h"
#include "tests/unit/probes/recording_sink.h"

using namespace hostmedic;
using hostmedic::test::RecordingSink;
using hostmedic::test::TempTree;

namespace {

// The disk of the tests: what is written is in use, and what is free is said by each test.
std::atomic<std::uint64_t> disk_used, disk_free;
std::optional<log::Space> read_disk(int) { return log::Space{disk_used, disk_free}; }

constexpr const char* kMounts = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 8:2 / /var rw - ext4 /dev/sda2 rw\n";

struct Host : TempTree {
  explicit Host(const char* mounts = kMounts) {
    disk_used = 10 << 20;
    disk_free = 1 << 30;
    file("proc/self/mountinfo", mounts);
    grow("var/log/app.log", 4096);
    dir("etc/logrotate.d");
  }
  Status start() {
    roots.emplace(std::move(*open_roots(root)));
    auto made = make_file_growth_probe({*roots, settings}, {read_disk, std::chrono::milliseconds(60)});
    if (!made) return std::move(made).error();
    probe = std::move(*made);
    return probe->read(now, sink);
  }
  void write(const std::string& path, std::size_t bytes) {
    grow(path, bytes);
    disk_used += bytes;
  }
  Status tick() { return probe->read(now += std::chrono::seconds(1), sink); }
  // Serves what is ready until something is told; false if nothing comes. writes while it waits, as a runaway would.
  bool told(const std::string& path, std::size_t bytes) {
    for (int idle = 0; idle < 30 && sink.told.empty();) {
      if (bytes > 0) write(path, bytes);
      pollfd ready{probe->descriptors().at(0), POLLIN, 0};
      if (::poll(&ready, 1, 20) == 1) {
        CHECK(probe->on_ready(now += std::chrono::milliseconds(20), sink));
      } else {
        ++idle;
      }
    }
    return !sink.told.empty();
  }

  ProbeSettings settings;
  std::optional<Roots> roots;
  std::unique_ptr<Probe> probe;
  RecordingSink sink;
  MonoTime now = mono_from_ns(1'000'000'000);
};

}  // namespace

TEST_CASE("a runaway log is found with its writer and its logrotate configuration within a tick") {
  Host host;
  host.process(77, "app", "0::/system.slice/app.service", "var/log/app.log", "0102001");
  host.file("etc/logrotate.conf", "weekly\ninclude /etc/logrotate.d\n");
  host.file("etc/logrotate.d/app.dpkg-old", "/var/log/app.log {\n}\n");
  host.file("etc/logrotate.d/app", "/var/log/*.log {\n daily\n}\n");
  host.file("etc/logrotate.d/broken", "/var/log/app.log {\n");
  REQUIRE(host.start());
  REQUIRE(host.tick());
  CHECK(host.sink.told.empty());

  host.write("var/log/app.log", 4 << 20);
  REQUIRE(host.tick());
  REQUIRE(host.told("var/log/app.log", 256 << 10));
  const auto& growth = host.sink.told[0];
  CHECK(growth.event.kind == EventKind::file_growth);
  CHECK(to_string(growth.about) == "filesystem:/var");
  CHECK(growth.get(attr::kFilePath) == "/var/log/app.log");
  CHECK(growth.get(attr::kFileRoot) == "/var/log");
  CHECK(growth.get(attr::kFileLogrotate) == "/etc/logrotate.d/app");
  CHECK(growth.get(attr::kWriterPid) == "77");
  CHECK(growth.get(attr::kWriterName) == "app");
  CHECK(growth.get(attr::kWriterUnit) == "app.service");
  CHECK(growth.get(attr::kWriterAppends) == "1");
  CHECK(parse_double(growth.get(attr::kFileGrowthShare)).value_or(0) > 0.5);
  CHECK(parse_double(growth.get(attr::kFileGrowth)).value_or(0) > 100e3);
  CHECK(parse_u64(growth.get(attr::kFileSize)).value_or(0) >= 4 << 20);

  // Told again while it goes on, and no more when it has stopped for a while.
  host.sink.told.clear();
  bool again = false;
  for (int i = 0; i < 6 && !again; ++i) {
    host.write("var/log/app.log", 4 << 20);
    REQUIRE(host.tick());
    again = host.told("", 0);
  }
  CHECK(again);
  for (int i = 0; i < 5; ++i) REQUIRE(host.tick());
  (void)host.told("", 0);
  host.sink.told.clear();
  for (int i = 0; i < 3; ++i) REQUIRE(host.tick());
  CHECK_FALSE(host.told("", 0));
}

TEST_CASE("growth that would take long to fill the disk is not looked into") {
  Host host;
  disk_free = std::uint64_t{100} << 30;
  REQUIRE(host.start());
  REQUIRE(host.tick());
  host.write("var/log/app.log", 4 << 20);
  REQUIRE(host.tick());
  CHECK_FALSE(host.told("", 0));
}

TEST_CASE("a file without a writer or a configuration has neither, and a bystander is not accused") {
  Host host;
  REQUIRE(host.start());
  REQUIRE(host.tick());
  disk_used += 64 << 20;  // by something outside the log roots
  REQUIRE(host.tick());
  bool told = false;
  for (int i = 0; i < 5 && !told; ++i) {
    disk_used += 64 << 20;
    told = host.told("var/log/app.log", 0);
  }
  CHECK_FALSE(told);

  for (int i = 0; i < 10 && !told; ++i) {
    host.write("var/log/app.log", 16 << 20);
    REQUIRE(host.tick());
    told = host.told("", 0);
  }
  REQUIRE(told);
  CHECK(host.sink.told[0].get(attr::kFileLogrotate) == "");
  CHECK(host.sink.told[0].get(attr::kWriterPid) == "");
  CHECK(host.sink.told[0].get(attr::kWriterAppends) == "");
}

TEST_CASE("without a log root on a local filesystem there is nothing to do here") {
  Host host("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:40 / /var rw - nfs4 server:/ rw\n");
  const Status started = host.start();
  REQUIRE_FALSE(started);
  CHECK(started.error().code == ErrorCode::unsupported);
  CHECK(started.error().message() == "not here, because no log root lies on a local filesystem");
  Host other;
  other.settings.log_roots = {"/not/there", "relative"};
  CHECK_FALSE(other.start());
}

TEST_CASE("a log root that appears later is watched then") {
  Host host;
  host.settings.log_roots = {"/var/log", "/srv/log"};
  REQUIRE(host.start());
  host.grow("srv/log/late.log", 4096);
  host.now += std::chrono::seconds(61);
  REQUIRE(host.tick());
  REQUIRE(host.tick());
  host.write("srv/log/late.log", 8 << 20);
  REQUIRE(host.tick());
  REQUIRE(host.told("srv/log/late.log", 256 << 10));
  CHECK(to_string(host.sink.told[0].about) == "filesystem:/");
  CHECK(host.sink.told[0].get(attr::kFilePath) == "/srv/log/late.log");
}
