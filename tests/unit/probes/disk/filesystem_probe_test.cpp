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

TEST_CASE("filesystem probe: ext4 that refuses to write after an error is read-only within a second") {
  FakeRoot root;
  root.mkdir("a");
  root.write("proc/self/mountinfo", "1 1 8:1 / /a rw,noatime shared:7 - ext4 src rw\n");
  ProbeUnderTest tested(filesystem_probe, root);
  RecordingSink sink;
  REQUIRE(read_all(*tested.probe, at_second(1), sink));
  root.write("proc/self/mountinfo", "1 1 8:1 / /a rw,noatime shared:7 - ext4 src rw,emergency_ro\n");
  REQUIRE(read_all(*tested.probe, at_second(2), sink));
  CHECK(sink.values.at("filesystem:/a hostmedic.filesystem.read_only") == 1);
  REQUIRE(sink.told.size() == 1);
  CHECK(sink.told[0].get("mount.action") == "read_only");
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

TEST_CASE("filesystem probe: on which devices a filesystem lies, down to the disks") {
  FakeRoot root;
  const auto link = [&](const std::string& path, const std::string& target) {
    root.mkdir(std::filesystem::path(path).parent_path().string());
    std::filesystem::create_symlink(target, root.path() + "/" + path);
  };
  // A filesystem on a volume over two members of an array, of which one is a partition.
  const std::string devices = "sys/devices/virtual/block/", disk = "sys/devices/pci0/block/sda";
  root.mkdir(devices + "dm-0/slaves/md0");
  root.mkdir(devices + "md0/slaves/sda1");
  root.mkdir(devices + "md0/slaves/sdb");
  root.mkdir(disk + "/slaves");
  root.write(disk + "/sda1/partition", "1\n");
  link("sys/dev/block/8:1", "../../devices/virtual/block/dm-0");
  link("sys/class/block/dm-0", "../../devices/virtual/block/dm-0");
  link("sys/class/block/md0", "../../devices/virtual/block/md0");
  link("sys/class/block/sda", "../../devices/pci0/block/sda");
  link("sys/class/block/sda1", "../../devices/pci0/block/sda/sda1");
  link("dev/mapper/pool", "../dm-0");
  root.mkdir("a");
  root.mkdir("b");
  root.mkdir("c");
  root.write("proc/self/mountinfo",
             line(1, "/a") + "1 2 0:40 / /b rw - btrfs /dev/mapper/pool rw\n" + "1 2 0:41 / /c rw - tmpfs tmpfs rw\n");
  ProbeUnderTest tested(filesystem_probe, root);
  RecordingSink sink;
  REQUIRE(read_all(*tested.probe, at_second(1), sink));
  std::vector<std::string> told;
  for (const Told& one : sink.told) {
    CHECK(one.event.kind == EventKind::relation);
    told.push_back(to_string(one.about) + " " + one.get("relation.type") + " " + one.get("relation.target"));
  }
  CHECK(told == std::vector<std::string>{
                    "filesystem:/a stored_on block_device:dm-0", "filesystem:/b stored_on block_device:dm-0",
                    "block_device:dm-0 stored_on block_device:md0", "block_device:md0 stored_on block_device:sda1",
                    "block_device:md0 stored_on block_device:sdb", "block_device:sda1 stored_on block_device:sda"});
  CHECK(sink.retired.size() == 4);  // the devices are another probe's
}
