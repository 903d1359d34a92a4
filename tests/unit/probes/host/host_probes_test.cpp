// SPDX-License-Identifier: Apache-2.0
#include "../fake_root.h"
#include "../recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo cpu_probe, load_probe, memory_probe, paging_probe, pressure_probe, run_queue_probe;
}

namespace {

constexpr auto kGoodStat =
    "cpu 1000 20 300 40000 50 6 7 8\ncpu0 1\ncpu1 1\nintr 99 1 2\nctxt 11\nbtime 1700000000\nprocesses 12\n"
    "procs_running 3\nprocs_blocked 1\nsoftirq 9 1 2 3 4\n";

// The value, which must be known.
double known(const RecordingSink& sink, const std::string& series) {
  const auto found = sink.values.find(series);
  REQUIRE_MESSAGE(found != sink.values.end(), series);
  REQUIRE_MESSAGE(found->second.has_value(), series);
  return *found->second;
}
bool all_unknown(const RecordingSink& sink) {
  for (const auto& [series, value] : sink.values) {
    if (value) return false;
  }
  return !sink.values.empty();
}

}  // namespace

TEST_CASE("cpu probe: seconds per mode averaged over CPUs") {
  FakeRoot root;
  root.write("proc/stat", kGoodStat);
  ProbeUnderTest cpu(cpu_probe, root);
  RecordingSink sink;
  REQUIRE(cpu.probe->read(at_second(1), sink));
  CHECK(known(sink, "host system.cpu.time{cpu.mode=user}") == doctest::Approx(5.0));
  CHECK(known(sink, "host system.cpu.time{cpu.mode=idle}") == doctest::Approx(200.0));
  CHECK(known(sink, "host system.cpu.time{cpu.mode=interrupt}") == doctest::Approx(0.065));
  CHECK(known(sink, "host system.cpu.logical.count") == 2);
  CHECK(known(sink, "host system.process.count{process.state=blocked}") == 1);
  CHECK(known(sink, "host system.cpu.context_switches") == 11);
  CHECK(known(sink, "host hostmedic.cpu.interrupts") == 99);
  CHECK(known(sink, "host hostmedic.host.boot_time") == 1700000000);
  CHECK(known(sink, "host hostmedic.cpu.softirqs{type=net_rx}") == 4);
  CHECK(sink.values.count("host hostmedic.cpu.softirqs{type=rcu}") == 0);  // this kernel does not print it
}

TEST_CASE("cpu probe: the busiest CPU between two readings; steal is not its work") {
  const auto stat = [](const char* cpu0, const char* cpu1) {
    return std::string("cpu 1 1 1 1\n") + "cpu0 " + cpu0 + "\n" + "cpu1 " + cpu1 + "\n";
  };
  constexpr auto kBusiest = "host hostmedic.cpu.busiest.utilization{cpu.mode=busy}";
  constexpr auto kInterrupted = "host hostmedic.cpu.busiest.utilization{cpu.mode=interrupt}";
  FakeRoot root;
  root.write("proc/stat", stat("100 0 0 900 0 0 0 0", "100 0 0 900 0 0 0 0"));
  ProbeUnderTest cpu(cpu_probe, root);
  RecordingSink sink;
  REQUIRE(cpu.probe->read(at_second(1), sink));
  CHECK(sink.values.count(kBusiest) == 0);  // one reading says nothing of now
  // CPU 0: 60 work, 40 idle. CPU 1: 5 work of which 4 in interrupts, 20 stolen, 75 idle or waiting.
  root.write("proc/stat", stat("160 0 0 940 0 0 0 0", "101 0 0 970 5 1 3 20"));
  REQUIRE(cpu.probe->read(at_second(2), sink));
  CHECK(known(sink, kBusiest) == doctest::Approx(0.60));
  CHECK(known(sink, kInterrupted) == doctest::Approx(0.04));
  CHECK(known(sink, "host hostmedic.cpu.imbalance") == doctest::Approx(0.60 - (0.60 + 0.05) / 2));
  SUBCASE("nothing passed") {
    REQUIRE(cpu.probe->read(at_second(2), sink));
    CHECK(!sink.values.at(kBusiest));
  }
  SUBCASE("idle time that steps back is no work and no fault") {
    root.write("proc/stat", stat("170 0 0 939 0 0 0 0", "101 0 0 970 5 1 3 20"));
    REQUIRE(cpu.probe->read(at_second(3), sink));
    CHECK(known(sink, kBusiest) == doctest::Approx(1.0));
  }
  SUBCASE("a CPU that was taken away is left out") {
    root.write("proc/stat", "cpu 1 1 1 1\ncpu1 121 0 0 1050 5 1 3 20\n");
    REQUIRE(cpu.probe->read(at_second(3), sink));
    CHECK(!sink.values.at(kBusiest));
    root.write("proc/stat", "cpu 1 1 1 1\ncpu1 131 0 0 1140 5 1 3 20\n");
    REQUIRE(cpu.probe->read(at_second(4), sink));
    CHECK(known(sink, kBusiest) == doctest::Approx(0.10));
  }
  SUBCASE("a bad reading forgets what was before it") {
    root.write("proc/stat", "broken\n");
    CHECK(!cpu.probe->read(at_second(3), sink));
    CHECK(!sink.values.at(kBusiest));
    root.write("proc/stat", stat("180 0 0 1000 0 0 0 0", "101 0 0 970 5 1 3 20"));
    REQUIRE(cpu.probe->read(at_second(4), sink));
    CHECK(!sink.values.at(kBusiest));
  }
}

TEST_CASE("run-queue probe: waiting per CPU; not here without scheduler statistics") {
  FakeRoot root;
  ProbeUnderTest lacking(run_queue_probe, root);
  CHECK(lacking.error.find("not here, because the kernel keeps no scheduler statistics") == 0);
  root.write("proc/schedstat", "version 15\ncpu0 0 0 1 2 3 4 5 2000000000 7\ncpu1 0 0 1 2 3 4 5 4000000000 8\n");
  ProbeUnderTest queue(run_queue_probe, root);
  RecordingSink sink;
  REQUIRE(queue.probe->read(at_second(1), sink));
  CHECK(known(sink, "host hostmedic.cpu.run_queue.time") == doctest::Approx(3.0));
  CHECK(known(sink, "host hostmedic.cpu.timeslices") == 15);
  root.write("proc/schedstat", "version 15\n");
  CHECK(!queue.probe->read(at_second(2), sink));
  CHECK(all_unknown(sink));
}

TEST_CASE("cpu probe: a bad file makes everything unknown and comes back by itself") {
  FakeRoot root;
  root.write("proc/stat", kGoodStat);
  ProbeUnderTest cpu(cpu_probe, root);
  RecordingSink sink;
  REQUIRE(cpu.probe->read(at_second(1), sink));
  root.write("proc/stat", "cpu 1 2 x 4\n");
  const Status status = cpu.probe->read(at_second(2), sink);
  REQUIRE(!status);
  CHECK(status.error().message().find("stat: line 1: cpu system: 'x'") == 0);
  CHECK(all_unknown(sink));
  root.write("proc/stat", kGoodStat);
  CHECK(cpu.probe->read(at_second(3), sink));
  CHECK(!all_unknown(sink));
}

TEST_CASE("cpu probe: a missing file is unknown from the first read") {
  FakeRoot root;
  ProbeUnderTest cpu(cpu_probe, root);
  RecordingSink sink;
  CHECK(!cpu.probe->read(at_second(1), sink));
  CHECK(all_unknown(sink));
}

TEST_CASE("memory probe: utilization from what is available; swap only where there is some") {
  FakeRoot root;
  root.write("proc/meminfo",
             "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 250 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");
  ProbeUnderTest memory(memory_probe, root);
  RecordingSink sink;
  REQUIRE(memory.probe->read(at_second(1), sink));
  CHECK(known(sink, "host system.memory.utilization") == doctest::Approx(0.75));
  CHECK(known(sink, "host system.memory.usage{system.memory.state=used}") == 750 * 1024);
  CHECK(known(sink, "host system.memory.limit") == 1000 * 1024);
  CHECK(sink.values.count("host system.memory.usage{system.memory.state=dirty}") == 0);  // not printed is not zero
  CHECK(sink.values.count("host system.paging.utilization") == 0);
  root.write("proc/meminfo", "MemTotal: 1000 kB\nSwapTotal: 400 kB\nSwapFree: 100 kB\n");
  REQUIRE(memory.probe->read(at_second(2), sink));
  CHECK(known(sink, "host system.paging.utilization") == doctest::Approx(0.75));
  CHECK(!sink.values.at("host system.memory.utilization"));
  root.write("proc/meminfo", "MemTotal: 1000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n");  // swapoff
  REQUIRE(memory.probe->read(at_second(3), sink));
  CHECK(!sink.values.at("host system.paging.utilization"));
}

TEST_CASE("memory probe: its kinds, huge pages and the sizes of swap") {
  FakeRoot root;
  root.write("proc/meminfo",
             "MemTotal: 1000 kB\nMemAvailable: 250 kB\nSwapTotal: 400 kB\nSwapFree: 100 kB\nSReclaimable: 7 kB\n"
             "Committed_AS: 5 kB\nHugePages_Total: 3\n");
  ProbeUnderTest memory(memory_probe, root);
  RecordingSink sink;
  REQUIRE(memory.probe->read(at_second(1), sink));
  CHECK(known(sink, "host system.paging.usage{system.paging.state=used}") == 300 * 1024);
  CHECK(known(sink, "host system.memory.linux.slab.usage{system.memory.linux.slab.state=reclaimable}") == 7 * 1024);
  CHECK(known(sink, "host hostmedic.memory.usage{kind=committed}") == 5 * 1024);
  CHECK(known(sink, "host hostmedic.memory.hugepages{state=total}") == 3);  // pages, not kB
  root.write("proc/meminfo", "MemFree: 1 kB\n");
  const Status status = memory.probe->read(at_second(2), sink);
  REQUIRE(!status);
  CHECK(status.error().message() == "meminfo: no MemTotal");
  CHECK(!sink.values.at("host system.memory.utilization"));
  root.remove("proc/meminfo");
  ProbeUnderTest missing(memory_probe, root);
  CHECK(!missing.probe->read(at_second(3), sink));
  CHECK(!sink.values.at("host system.memory.utilization"));
}

TEST_CASE("load and paging probes") {
  FakeRoot root;
  root.write("proc/loadavg", "0.50 1.50 2.50 1/2 3\n");
  root.write("proc/vmstat", "pgfault 100\npgmajfault 7\n");
  ProbeUnderTest load(load_probe, root), paging(paging_probe, root);
  RecordingSink sink;
  REQUIRE(load.probe->read(at_second(1), sink));
  REQUIRE(paging.probe->read(at_second(1), sink));
  CHECK(known(sink, "host system.cpu.load_average.1m") == doctest::Approx(0.5));
  CHECK(known(sink, "host system.cpu.load_average.5m") == doctest::Approx(1.5));
  CHECK(known(sink, "host system.cpu.load_average.15m") == doctest::Approx(2.5));
  CHECK(known(sink, "host system.paging.faults{system.paging.type=major}") == 7);
  CHECK(known(sink, "host system.paging.faults{system.paging.type=minor}") == 93);
  root.write("proc/loadavg", "x\n");
  root.write("proc/vmstat", "pgmajfault 7\n");
  CHECK(!load.probe->read(at_second(2), sink));
  CHECK(paging.probe->read(at_second(2), sink));
  CHECK(!sink.values.at("host system.cpu.load_average.1m"));
  CHECK(!sink.values.at("host system.paging.faults{system.paging.type=minor}"));
}

TEST_CASE("paging probe: what a kernel counts per zone is one series") {
  FakeRoot root;
  root.write("proc/vmstat", "pgfault 1\npgmajfault 0\nallocstall_dma 1\nallocstall_normal 2\nallocstall_movable 4\n");
  ProbeUnderTest paging(paging_probe, root);
  RecordingSink sink;
  REQUIRE(paging.probe->read(at_second(1), sink));
  CHECK(known(sink, "host hostmedic.memory.events{event=allocation_stall}") == 7);
  CHECK(sink.values.count("host hostmedic.memory.events{event=oom_kill}") == 0);
  root.write("proc/vmstat", "pgfault 1\npgmajfault 0\nallocstall 9\noom_kill 2\npgscan_direct 5\n");
  REQUIRE(paging.probe->read(at_second(2), sink));
  CHECK(known(sink, "host hostmedic.memory.events{event=allocation_stall}") == 9);
  CHECK(known(sink, "host hostmedic.memory.events{event=oom_kill}") == 2);
  CHECK(known(sink, "host hostmedic.memory.reclaim{actor=direct,kind=scanned}") == 5);
}

TEST_CASE("pressure probe: one bad resource does not hide the others") {
  FakeRoot root;
  const std::string good = "some avg10=0.00 total=2000000\nfull avg10=0.00 total=1000000\n";
  root.write("proc/pressure/cpu", "some avg10=0.00 total=5000000\n");
  root.write("proc/pressure/memory", good);
  root.write("proc/pressure/io", "broken\n");
  ProbeUnderTest pressure(pressure_probe, root);
  RecordingSink sink;
  const Status status = pressure.probe->read(at_second(1), sink);
  REQUIRE(!status);
  CHECK(status.error().message() == "pressure/io: no some line");
  CHECK(known(sink, "host hostmedic.pressure.stall.time{kind=some,resource=cpu}") == doctest::Approx(5.0));
  CHECK(sink.values.count("host hostmedic.pressure.stall.time{kind=full,resource=cpu}") == 0);
  CHECK(known(sink, "host hostmedic.pressure.stall.time{kind=full,resource=memory}") == doctest::Approx(1.0));
  CHECK(!sink.values.at("host hostmedic.pressure.stall.time{kind=some,resource=io}"));
}

TEST_CASE("pressure probe: a kernel without it is a stated reason") {
  FakeRoot root;
  ProbeUnderTest pressure(pressure_probe, root);
  CHECK(!pressure.probe);
  CHECK(pressure.error.find("not here, because the kernel gives no pressure information") == 0);
}
