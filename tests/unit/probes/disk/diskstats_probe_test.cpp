// SPDX-License-Identifier: Apache-2.0
#include "../fake_root.h"
#include "../recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo disk_probe;
}

namespace {
constexpr auto kZeros = " 0 0 0 0 0 0 0 0 0 0 0\n";
constexpr auto kSome = " 100 5 2000 3000 40 6 800 9000 2 1100 120\n";
}  // namespace

TEST_CASE("disk probe: whole devices, not partitions, not idle loops") {
  FakeRoot root;
  for (const char* name : {"sda", "loop0", "loop1", "zram0", "cciss!c0d0"})
    root.mkdir(std::string("sys/block/") + name);
  root.write("proc/diskstats", std::string("8 0 sda") + kSome + "8 1 sda1" + kSome + "7 0 loop0" + kZeros +
                                   "7 1 loop1" + kSome + "252 0 zram0" + kZeros + "104 0 cciss/c0d0" + kZeros);
  ProbeUnderTest disk(disk_probe, root);
  RecordingSink sink;
  REQUIRE(disk.probe->read(at_second(1), sink));
  std::vector<std::string> names;
  for (const Entity& entity : sink.entities) names.push_back(to_string(entity));
  CHECK(names == std::vector<std::string>{"block_device:sda", "block_device:loop1", "block_device:cciss/c0d0"});
  CHECK(sink.values.at("block_device:sda system.disk.io{disk.io.direction=read}") == 2000 * 512);
  CHECK(sink.values.at("block_device:sda system.disk.io{disk.io.direction=write}") == 800 * 512);
  CHECK(sink.values.at("block_device:sda system.disk.operations{disk.io.direction=write}") == 40);
  CHECK(*sink.values.at("block_device:sda system.disk.operation_time{disk.io.direction=write}") ==
        doctest::Approx(9.0));
  CHECK(*sink.values.at("block_device:sda system.disk.io_time") == doctest::Approx(1.1));
  CHECK(sink.values.at("block_device:sda system.disk.pending_operations") == 2);
  CHECK(sink.values.at("block_device:cciss/c0d0 system.disk.io{disk.io.direction=read}") == 0);
  CHECK(sink.values.at("block_device:sda system.disk.merged{disk.io.direction=read}") == 5);
  CHECK(*sink.values.at("block_device:sda hostmedic.disk.queue.time") == doctest::Approx(0.12));
  CHECK(sink.values.count("block_device:sda hostmedic.disk.operations{operation=flush}") == 0);  // not printed

  SUBCASE("a loop device is followed once it is used") {
    root.write("proc/diskstats", std::string("8 0 sda") + kSome + "7 0 loop0" + kSome);
    REQUIRE(disk.probe->read(at_second(3), sink));
    CHECK(to_string(sink.entities.back()) == "block_device:loop0");
    CHECK(sink.retired == std::vector<std::string>{"block_device:cciss/c0d0", "block_device:loop1"});
  }
  SUBCASE("what newer kernels print") {
    root.write("proc/diskstats", "8 16 sdb 1 2 3 4 5 6 7 8 9 10 11 12 13 14 1500 16 1700\n");
    root.mkdir("sys/block/sdb");
    REQUIRE(disk.probe->read(at_second(3), sink));
    CHECK(sink.values.at("block_device:sdb hostmedic.disk.operations{operation=discard}") == 12);
    CHECK(sink.values.at("block_device:sdb hostmedic.disk.discarded") == 14 * 512);
    CHECK(*sink.values.at("block_device:sdb hostmedic.disk.operation.time{operation=flush}") == doctest::Approx(1.7));
  }
  SUBCASE("a bad file makes all unknown and retires nothing") {
    root.write("proc/diskstats", "8 0 sda 1 2 3\n");
    const Status status = disk.probe->read(at_second(3), sink);
    REQUIRE(!status);
    CHECK(status.error().message() == "diskstats: sda: line 1: read time: missing");
    CHECK(sink.retired.empty());
    CHECK(!sink.values.at("block_device:sda system.disk.io_time"));
    CHECK(!sink.values.at("block_device:loop1 system.disk.io_time"));
  }
}
