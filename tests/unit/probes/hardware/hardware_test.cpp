// SPDX-License-Identifier: Apache-2.0
#include <poll.h>

#include <filesystem>

#include "../fake_root.h"
#include "../recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo hardware_probe;
}

namespace {

struct Machine {
  FakeRoot root;
  RecordingSink sink;
  std::unique_ptr<ProbeUnderTest> tested;
  std::int64_t second = 0;

  void look() {
    if (!tested) tested = std::make_unique<ProbeUnderTest>(hardware_probe, root);
    REQUIRE(tested->probe);
    second += 15;
    status = tested->probe->read(at_second(second), sink);
    pollfd polled{tested->probe->descriptors().at(0), POLLIN, 0};
    REQUIRE(::poll(&polled, 1, 10'000) == 1);
    REQUIRE(tested->probe->on_ready(at_second(second), sink));
  }
  void link(const std::string& path, const std::string& target) {
    std::filesystem::create_directory_symlink(target, root.path() + "/" + path);
  }
  // What was told since the last call: "about type id: before -> state".
  std::vector<std::string> told() {
    std::vector<std::string> words;
    for (const Told& one : sink.told) {
      CHECK(one.event.kind == EventKind::hardware_fault);
      words.push_back(to_string(one.about) + " " + one.get("hardware.type") + " " + one.get("hardware.id") + ": " +
                      one.get("hardware.previous_state") + " -> " + one.get("hardware.state"));
    }
    sink.told.clear();
    return words;
  }
  double value(const std::string& series) {
    CAPTURE(series);
    REQUIRE(sink.values.count(series) == 1);
    return sink.values.at(series).value_or(-1);
  }
  Status status = ok();
};
using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("hardware: temperatures against their limits, and fans") {
  Machine machine;
  const std::string chip = "sys/class/hwmon/hwmon0/";
  machine.root.write(chip + "name", "coretemp\n");
  machine.root.mkdir("sys/devices/coretemp.0");
  machine.link(chip + "device", "../../../devices/coretemp.0");
  for (const char* n : {"1", "2"}) {
    const std::string sensor = chip + "temp" + n;
    machine.root.write(sensor + "_label", "Core, 0\n");
    machine.root.write(sensor + "_input", "45500\n");
    machine.root.write(sensor + "_crit", "91000\n");
    machine.root.write(sensor + "_crit_alarm", "0\n");
  }
  machine.root.write(chip + "fan1_input", "1200\n");
  machine.root.write(chip + "fan1_alarm", "1\n");
  machine.root.write(chip + "temp9_input", "broken\n");
  machine.look();
  const std::string core = "{hw.id=coretemp coretemp.0 Core_ 0}", other = "{hw.id=coretemp coretemp.0 Core_ 0 temp2}";
  CHECK(machine.value("host hw.temperature" + core) == 45.5);
  CHECK(machine.value("host hw.temperature" + other) == 45.5);
  CHECK(machine.value("host hostmedic.hardware.temperature.utilization" + core) == doctest::Approx(0.5));
  CHECK(machine.value("host hostmedic.hardware.fan.speed{hw.id=coretemp coretemp.0 fan1}") == 20);
  CHECK(!machine.sink.values.at("host hw.temperature{hw.id=coretemp coretemp.0 temp9}"));
  CHECK(machine.told().empty());  // the alarm of a fan that was always there

  machine.root.write(chip + "temp1_crit_alarm", "1\n");
  machine.root.write(chip + "fan1_alarm", "0\n");
  machine.look();
  CHECK(machine.told() == Words{"host temperature coretemp coretemp.0 Core, 0: in range -> critical",
                                "host fan coretemp coretemp.0 fan1: failing -> turning"});
}

TEST_CASE("hardware: a sensor in a disk speaks of the disk, and goes with it") {
  Machine machine;
  const std::string chip = "sys/class/hwmon/hwmon1/";
  machine.root.write(chip + "name", "nvme\n");
  machine.root.mkdir("sys/devices/nvme0/nvme0n1");
  machine.link(chip + "device", "../../../devices/nvme0");
  machine.root.write(chip + "temp1_input", "30000\n");
  machine.root.write(chip + "temp1_label", "Composite\n");
  machine.look();
  const std::string series = "block_device:nvme0n1 hw.temperature{hw.id=nvme nvme0 Composite}";
  CHECK(machine.value(series) == 30);
  machine.root.remove("sys/class/hwmon/hwmon1");
  machine.look();
  CHECK(!machine.sink.values.at(series));
  CHECK(machine.sink.retired == Words{"block_device:nvme0n1"});
}

TEST_CASE("hardware: thermal zones, cooling and throttled CPUs") {
  Machine machine;
  const std::string zone = "sys/class/thermal/thermal_zone0/";
  machine.root.write(zone + "type", "acpitz\n");
  machine.root.write(zone + "temp", "50000\n");
  machine.root.write(zone + "trip_point_0_type", "passive\n");
  machine.root.write(zone + "trip_point_0_temp", "90000\n");
  machine.root.write(zone + "trip_point_1_type", "critical\n");
  machine.root.write(zone + "trip_point_1_temp", "100000\n");
  for (const char* n : {"0", "1"}) {
    const std::string device = std::string("sys/class/thermal/cooling_device") + n + "/";
    machine.root.write(device + "type", "Processor\n");
    machine.root.write(device + "cur_state", std::string(n) + "\n");
    machine.root.write(device + "max_state", "4\n");
    const std::string cpu = std::string("sys/devices/system/cpu/cpu") + n + "/";
    machine.root.write(cpu + "thermal_throttle/core_throttle_count", "3\n");
    machine.root.write(cpu + "thermal_throttle/package_throttle_count", "7\n");
    machine.root.write(cpu + "topology/physical_package_id", "0\n");
  }
  machine.look();
  CHECK(machine.value("host hw.temperature{hw.id=thermal_zone0 acpitz}") == 50);
  CHECK(machine.value("host hostmedic.hardware.temperature.utilization{hw.id=thermal_zone0 acpitz}") == 0.5);
  CHECK(machine.value("host hostmedic.hardware.cooling.utilization{hw.id=Processor}") == 0.25);
  CHECK(machine.value("host hostmedic.cpu.throttled{hw.type=core}") == 6);
  CHECK(machine.value("host hostmedic.cpu.throttled{hw.type=package}") == 7);
}

TEST_CASE("hardware: memory errors are told with the module that has them") {
  Machine machine;
  const std::string mc = "sys/devices/system/edac/mc/mc0/";
  const auto counts = [&](int ce, int ue, int dimm_ce) {
    machine.root.write(mc + "ce_count", std::to_string(ce) + "\n");
    machine.root.write(mc + "ue_count", std::to_string(ue) + "\n");
    machine.root.write(mc + "dimm0/dimm_ce_count", std::to_string(dimm_ce) + "\n");
    machine.root.write(mc + "dimm0/dimm_ue_count", "0\n");
  };
  machine.root.write(mc + "dimm0/dimm_label", "DIMM_A1\n");
  machine.root.write("proc/interrupts", "           CPU0 CPU1\n  0:  5  6 IO timer\nMCE:  0  0   Machine check\n");
  counts(2, 0, 2);
  machine.look();
  CHECK(machine.told().empty());
  CHECK(machine.value("host hw.errors{error.type=corrected,hw.id=mc0}") == 2);
  CHECK(machine.value("host hw.errors{error.type=machine_check,hw.id=cpu}") == 0);
  counts(5, 1, 5);
  machine.root.write("proc/interrupts", "           CPU0 CPU1\nMCE:  1  1   Machine check\n");
  machine.look();
  CHECK(machine.told() ==
        Words{"host memory mc0 DIMM_A1: 2 corrected, 0 uncorrected errors -> 5 corrected, 0 uncorrected errors",
              "host memory mc0: 0 corrected, 0 uncorrected errors -> 0 corrected, 1 uncorrected errors",
              "host cpu : 0 machine checks -> 2 machine checks"});
  CHECK(machine.value("host hw.errors{error.type=uncorrected,hw.id=mc0}") == 1);
}

TEST_CASE("hardware: an array loses a disk and gets a new one") {
  Machine machine;
  const std::string md = "sys/block/md0/md/";
  machine.root.write(md + "array_state", "active\n");
  machine.root.write(md + "degraded", "0\n");
  machine.root.write(md + "sync_action", "idle\n");
  machine.root.write(md + "sync_completed", "none\n");
  machine.root.write(md + "mismatch_cnt", "128\n");
  machine.root.write(md + "dev-sda1/state", "in_sync\n");
  machine.root.write(md + "dev-sdb1/state", "in_sync\n");
  machine.look();
  CHECK(machine.told().empty());
  CHECK(machine.value("block_device:md0 hostmedic.array.disks.missing") == 0);
  CHECK(machine.value("block_device:md0 hostmedic.array.mismatches") == 128);
  machine.root.write(md + "array_state", "clean\n");
  machine.look();
  CHECK(machine.told().empty());

  machine.root.write(md + "degraded", "1\n");
  machine.root.write(md + "dev-sdb1/state", "faulty\n");
  machine.look();
  CHECK(machine.told() ==
        Words{"block_device:md0 array : healthy -> degraded", "block_device:md0 array member sdb1: in_sync -> faulty"});
  CHECK(machine.value("block_device:md0 hostmedic.array.disks.missing") == 1);
  machine.root.write(md + "sync_action", "recover\n");
  machine.root.write(md + "sync_completed", "50 / 200\n");
  machine.look();
  CHECK(machine.told() == Words{"block_device:md0 array : degraded -> degraded, recover"});
  CHECK(machine.value("block_device:md0 hostmedic.array.sync.ratio") == 0.25);
  machine.root.remove("sys/block/md0");
  machine.look();
  CHECK(machine.sink.retired == Words{"block_device:md0"});
}

TEST_CASE("hardware: what is broken at the start is told at once") {
  Machine machine;
  machine.root.write("sys/block/md1/md/array_state", "active\n");
  machine.root.write("sys/block/md1/md/degraded", "1\n");
  machine.root.write("sys/block/sda/device/state", "offline\n");
  machine.root.write("sys/block/sda/device/ioerr_cnt", "0x1f\n");
  machine.root.write("sys/block/nvme0n1/device/state", "live\n");
  machine.root.write("sys/block/mmcblk0/device/life_time", "0x01 0x03\n");
  machine.root.mkdir("sys/block/loop0");
  machine.look();
  CHECK(machine.told() == Words{"block_device:md1 array :  -> degraded", "block_device:sda disk :  -> offline"});
  CHECK(machine.value("block_device:sda hw.errors{error.type=io}") == 31);
  CHECK(machine.value("block_device:mmcblk0 hostmedic.disk.wear") == doctest::Approx(0.3));
  machine.root.write("sys/block/nvme0n1/device/state", "dead\n");
  machine.look();
  CHECK(machine.told() == Words{"block_device:nvme0n1 disk : live -> dead"});
}

TEST_CASE("hardware: links with a device behind them") {
  Machine machine;
  const std::string eth = "sys/class/net/eth0/";
  machine.root.mkdir("sys/devices/card");
  machine.root.write(eth + "carrier", "1\n");
  machine.root.write(eth + "carrier_changes", "2\n");
  machine.root.write(eth + "speed", "1000\n");
  machine.root.write(eth + "duplex", "full\n");
  machine.link(eth + "device", "../../../devices/card");
  machine.root.write("sys/class/net/br0/carrier", "1\n");
  machine.look();
  CHECK(machine.told().empty());
  CHECK(machine.value("network_interface:eth0 hw.network.up") == 1);
  CHECK(machine.value("network_interface:eth0 hw.network.bandwidth.limit") == 125e6);
  CHECK(machine.value("network_interface:eth0 hostmedic.network.carrier.changes") == 2);
  CHECK(machine.sink.values.count("network_interface:br0 hw.network.up") == 0);
  machine.root.write(eth + "speed", "100\n");
  machine.root.write(eth + "duplex", "half\n");
  machine.look();
  CHECK(machine.told() == Words{"network_interface:eth0 link : up at 1000 Mbit/s -> up at 100 Mbit/s, half duplex"});
  machine.root.write(eth + "carrier", "0\n");
  machine.root.write(eth + "speed", "-1\n");
  machine.look();
  CHECK(machine.told() == Words{"network_interface:eth0 link : up at 100 Mbit/s, half duplex -> without carrier"});
  CHECK(!machine.sink.values.at("network_interface:eth0 hw.network.bandwidth.limit"));
}

TEST_CASE("hardware: devices without end are bounded and the excess is told") {
  Machine machine;
  for (int i = 0; i < 200; ++i) {
    machine.root.write("sys/block/md" + std::to_string(i) + "/md/array_state", "clean\n");
  }
  machine.look();
  machine.look();
  REQUIRE(!machine.status);
  CHECK(machine.status.error().code == ErrorCode::limit);
  CHECK(machine.sink.entities.size() <= 129);
}

TEST_CASE("hardware: a machine that shows nothing is no error") {
  Machine machine;
  machine.look();
  machine.look();
  CHECK(machine.status);
  CHECK(machine.sink.values.empty());
}
