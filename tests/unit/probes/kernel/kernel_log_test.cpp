// SPDX-License-Identifier: Apache-2.0
#include "probes/kernel/kernel_log.h"

#include <doctest/doctest.h>

#include "../fake_root.h"
#include "../recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

TEST_CASE("kernel log: a line becomes an event about what it names") {
  KernelLog log;
  RecordingSink sink;
  log.line("I/O error, dev sda, sector 1", at_second(1), sink);
  log.line("EXT4-fs error (device sda1): f:1: comm tar: bad", at_second(1), sink);
  log.line("e1000e: eth0 NIC Link is Down", at_second(2), sink);
  log.line("Out of memory: Killed process 12 (java) total-vm:1kB", at_second(3), sink);
  log.line("random: crng init done", at_second(3), sink);
  REQUIRE(sink.told.size() == 4);
  CHECK(to_string(sink.told[0].about) == "block_device:sda");
  CHECK(to_string(sink.told[1].about) == "block_device:sda");
  CHECK(sink.told[1].get("kernel.device") == "sda1");
  CHECK(sink.told[1].get("process.executable.name") == "tar");
  CHECK(to_string(sink.told[2].about) == "network_interface:eth0");
  CHECK(to_string(sink.told[3].about) == "host");
  CHECK(sink.told[3].get("kernel.pattern") == "oom_kill");
  CHECK(sink.told[3].get("process.pid") == "12");
  CHECK(sink.told[3].get("kernel.text") == "Out of memory: Killed process 12 (java) total-vm:1kB");
  CHECK(sink.told[3].event.at == at_second(3));
  log.sample(sink);
  CHECK(sink.values.at("host hostmedic.kernel.log.lines") == 5);
  CHECK(sink.values.at("host hostmedic.kernel.messages{kernel.pattern=oom_kill}") == 1);
  CHECK(sink.values.count("host hostmedic.kernel.messages{kernel.pattern=usb_reset}") == 0);
}

TEST_CASE("kernel log: a flood of one pattern is counted, and hides no other") {
  KernelLog log;
  RecordingSink sink;
  for (int i = 0; i < 1000; ++i) log.line("I/O error, dev sdb, sector 1", at_second(i / 100), sink);
  CHECK(sink.told.size() == KernelLog::kMostPerWindow);
  log.line("BUG: Bad page state", at_second(10), sink);
  CHECK(sink.told.size() == KernelLog::kMostPerWindow + 1);
  log.line("I/O error, dev sdb, sector 1", at_second(61), sink);
  CHECK(sink.told.size() == KernelLog::kMostPerWindow + 2);
  log.lost(7);
  log.sample(sink);
  CHECK(sink.values.at("host hostmedic.kernel.messages{kernel.pattern=io_error}") == 1001);
  CHECK(sink.values.at("host hostmedic.kernel.messages.dropped{reason=rate}") == 995);
  CHECK(sink.values.at("host hostmedic.kernel.messages.dropped{reason=overwritten}") == 7);
}

TEST_CASE("kernel log: devices without end do not become entities without end") {
  KernelLog log;
  RecordingSink sink;
  for (int i = 0; i < 500; ++i)
    log.line("I/O error, dev dm-" + std::to_string(i) + ", sector 1", at_second(i * 60), sink);
  CHECK(sink.told.size() == 500);
  CHECK(sink.entities.size() == KernelLog::kMostEntities + 1);
  CHECK(to_string(sink.told.back().about) == "host");
  CHECK(sink.told.back().get("kernel.device") == "dm-499");
}
