// SPDX-License-Identifier: Apache-2.0
#include <poll.h>
#include <sys/statvfs.h>

#include "../fake_root.h"
#include "../recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo filesystem_probe;
}

namespace {

std::string line(int minor, const std::string& point, const std::string& options = "rw",
                 const std::string& type = "ext4") {
  return "1 2 8:" + std::to_string(minor) + " / " + point + " " + options + " - " + type + " src rw\n";
}

// Reads, and waits for the worker's answers.
Status read_all(Probe& probe, MonoTime now, RecordingSink& sink) {
  auto status = probe.read(now, sink);
  pollfd polled{probe.descriptors().at(0), POLLIN, 0};
  REQUIRE(::poll(&polled, 1, 10'000) == 1);
  REQUIRE(probe.on_ready(now, sink));
  return status;
}

}  // namespace

TEST_CASE("filesystem probe: what the filesystem says, as df prints it") {
  FakeRoot root;
  root.mkdir("data");
  root.write("proc/self/mountinfo", line(1, "/data") + line(2, "/proc", "rw", "proc"));
  ProbeUnderTest tested(filesystem_probe, root);
  REQUIRE(tested.probe);
  RecordingSink sink;
  REQUIRE(read_all(*tested.probe, at_second(1), sink));
  REQUIRE(sink.entities.size() == 1);
  struct statvfs info{};
  REQUIRE(::statvfs((root.path() + "/data").c_str(), &info) == 0);
  const auto value = [&](const std::string& series) { return sink.values.at("filesystem:/data " + series); };
  const double used = *value("system.filesystem.usage{system.filesystem.state=used}");
  const double free = *value("system.filesystem.usage{system.filesystem.state=free}");
  const double most = static_cast<double>(info.f_blocks) * static_cast<double>(info.f_frsize);
  CHECK(used > 0);
  CHECK(used <= most);
  CHECK(*value("system.filesystem.limit") == used + free);
  CHECK(*value("system.filesystem.utilization") == doctest::Approx(used / (used + free)));
  CHECK(value("hostmedic.filesystem.read_only") == 0);
}

TEST_CASE("filesystem probe: mounts come, go and turn read-only") {
  FakeRoot root;
  root.mkdir("a");
  root.mkdir("b");
  root.write("proc/self/mountinfo", line(1, "/a"));
  ProbeUnderTest tested(filesystem_probe, root);
  RecordingSink sink;
  REQUIRE(read_all(*tested.probe, at_second(1), sink));
  CHECK(sink.told.empty());  // what is found at start did not change
  root.write("proc/self/mountinfo", line(1, "/a", "ro") + line(2, "/b"));
  REQUIRE(read_all(*tested.probe, at_second(11), sink));  // a plain file cannot announce its change
  CHECK(sink.values.at("filesystem:/a hostmedic.filesystem.read_only") == 1);
  CHECK(sink.values.at("filesystem:/b hostmedic.filesystem.read_only") == 0);
  root.write("proc/self/mountinfo", line(2, "/b"));
  REQUIRE(read_all(*tested.probe, at_second(21), sink));
  CHECK(sink.retired == std::vector<std::string>{"filesystem:/a"});
  root.write("proc/self/mountinfo", line(3, "/b", "rw", "xfs"));
  REQUIRE(read_all(*tested.probe, at_second(31), sink));
  std::vector<std::string> told;
  for (const Told& one : sink.told)
    told.push_back(one.about.name + " " + one.get("mount.action") + " " + one.get("system.filesystem.type"));
  CHECK(told ==
        std::vector<std::string>{"/b mounted ext4", "/a read_only ext4", "/a unmounted ext4", "/b replaced xfs"});
  CHECK(sink.told[0].event.at == at_second(11));
  CHECK(sink.told[0].get("system.device") == "src");
}

TEST_CASE("filesystem probe: one that cannot be asked is unknown, with a reason, and comes back") {
  FakeRoot root;
  root.mkdir("a");
  root.write("gone", "no directory");
  root.write("proc/self/mountinfo", line(1, "/a") + line(2, "/gone/x"));
  ProbeUnderTest tested(filesystem_probe, root);
  RecordingSink sink;
  REQUIRE(read_all(*tested.probe, at_second(1), sink));
  CHECK(sink.values.at("filesystem:/a system.filesystem.utilization"));
  CHECK(!sink.values.at("filesystem:/gone/x system.filesystem.utilization"));
  const Status status = read_all(*tested.probe, at_second(2), sink);
  REQUIRE(!status);
  CHECK(status.error().message().find("filesystem: /gone/x") == 0);
  root.remove("gone");
  root.mkdir("gone/x");
  (void)read_all(*tested.probe, at_second(3), sink);
  CHECK(sink.values.at("filesystem:/gone/x system.filesystem.utilization"));
  CHECK(read_all(*tested.probe, at_second(4), sink));
}

TEST_CASE("filesystem probe: one that another mount hides is unknown, and no trouble") {
  FakeRoot root;
  root.write("proc/self/mountinfo", line(1, "/hidden"));
  ProbeUnderTest tested(filesystem_probe, root);
  RecordingSink sink;
  for (const int second : {1, 2, 3}) CHECK(read_all(*tested.probe, at_second(second), sink));
  CHECK(!sink.values.at("filesystem:/hidden system.filesystem.utilization"));
}

TEST_CASE("filesystem probe: no mount table is an error, and it is read again later") {
  FakeRoot root;
  ProbeUnderTest tested(filesystem_probe, root);
  RecordingSink sink;
  const Status status = tested.probe->read(at_second(1), sink);
  REQUIRE(!status);
  CHECK(status.error().code == ErrorCode::not_found);
  root.mkdir("a");
  root.write("proc/self/mountinfo", line(1, "/a"));
  CHECK(read_all(*tested.probe, at_second(11), sink));
  CHECK(sink.values.at("filesystem:/a system.filesystem.limit"));
}
