// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "../fake_root.h"
#include "../recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo kernel_probe, limits_probe, numa_probe;
}

TEST_CASE("limits probe: what is there is told, what is not there is not a fault") {
  FakeRoot root;
  root.write("proc/sys/fs/file-nr", "593\t0\t2466177\n");
  root.write("proc/loadavg", "0.38 1.13 1.25 1/95 15743\n");
  root.write("proc/sys/kernel/pid_max", "380\n");
  root.write("proc/sys/kernel/sem", "32000\t1024000000\t500\t4\n");
  root.write("proc/sysvipc/sem", "  key semid\n  0 1\n  0 2\n  0 3\n");
  root.write("proc/sys/fs/dentry-state", "300\t200\t45\t0\t100\t0\n");
  root.write("proc/key-users", "   33:     1 1/1 150/200 9/20000\n");
  ProbeUnderTest limits(limits_probe, root);
  RecordingSink sink;
  REQUIRE(limits.probe->read(at_second(1), sink));
  CHECK(sink.values.at("host hostmedic.limit.usage{resource=file_handles}") == 593);
  CHECK(sink.values.at("host hostmedic.limit.maximum{resource=file_handles}") == 2466177);
  CHECK(sink.values.at("host hostmedic.limit.utilization{resource=pids}") == 0.25);
  CHECK(sink.values.at("host hostmedic.limit.usage{resource=threads}") == 95);
  CHECK(sink.values.count("host hostmedic.limit.utilization{resource=threads}") == 0);
  CHECK(sink.values.at("host hostmedic.limit.utilization{resource=semaphore_sets}") == 0.75);
  CHECK(sink.values.at("host hostmedic.kernel.objects{kind=dentry_negative}") == 100);
  CHECK(sink.values.at("host hostmedic.limit.utilization{resource=keys}") == 0.75);
  CHECK(sink.values.count("host hostmedic.limit.usage{resource=ptys}") == 0);

  root.write("proc/sys/fs/file-nr", "593\n");  // cut short: the others are still told
  root.write("proc/loadavg", "0.38 1.13 1.25 1/190 15743\n");
  const Status status = limits.probe->read(at_second(11), sink);
  REQUIRE(!status);
  CHECK(status.error().message() == "sys/fs/file-nr: line 1: number: missing");
  CHECK(sink.values.at("host hostmedic.limit.usage{resource=file_handles}") == 593);
  CHECK(!sink.values.at("host hostmedic.limit.utilization{resource=file_handles}"));
  CHECK(sink.values.at("host hostmedic.limit.utilization{resource=pids}") == 0.5);
}

TEST_CASE("kernel probe: uptime, entropy and the bits of taint") {
  FakeRoot root;
  root.write("proc/uptime", "1348.76 1012.38\n");
  root.write("proc/sys/kernel/random/entropy_avail", "256\n");
  root.write("proc/sys/kernel/tainted", "4736\n");  // 128 died + 512 warned + 4096 out of tree
  ProbeUnderTest kernel(kernel_probe, root);
  RecordingSink sink;
  REQUIRE(kernel.probe->read(at_second(1), sink));
  CHECK(*sink.values.at("host system.uptime") == doctest::Approx(1348.76));
  CHECK(sink.values.at("host hostmedic.kernel.entropy") == 256);
  CHECK(sink.values.at("host hostmedic.kernel.taint{flag=died}") == 1);
  CHECK(sink.values.at("host hostmedic.kernel.taint{flag=warned}") == 1);
  CHECK(sink.values.at("host hostmedic.kernel.taint{flag=out_of_tree}") == 1);
  CHECK(sink.values.at("host hostmedic.kernel.taint{flag=machine_check}") == 0);
  root.write("proc/sys/kernel/tainted", "x\n");
  root.write("proc/uptime", "soon\n");
  CHECK(!kernel.probe->read(at_second(61), sink));
  CHECK(!sink.values.at("host hostmedic.kernel.taint{flag=died}"));
  CHECK(!sink.values.at("host system.uptime"));
  CHECK(sink.values.at("host hostmedic.kernel.entropy") == 256);
}

TEST_CASE("numa probe: only with more than one node; each node for itself") {
  FakeRoot root;
  const std::string nodes = "sys/devices/system/node/";
  {
    ProbeUnderTest none(numa_probe, root);
    CHECK(none.error == "not here, because the kernel knows no NUMA nodes");
  }
  root.write(nodes + "node0/meminfo",
             "Node 0 MemTotal:       1000 kB\nNode 0 MemFree:  100 kB\nNode 0 FilePages: 50 kB\n");
  root.write(nodes + "node0/numastat", "numa_hit 7\nnuma_miss 8\n");
  root.mkdir(nodes + "node2");  // CPUs without memory
  root.write(nodes + "possible", "0-3\n");
  {
    ProbeUnderTest one(numa_probe, root);
    CHECK(one.error == "not here, because all memory is in one NUMA node");
  }
  root.write(nodes + "node3/meminfo",
             "Node 3 MemTotal:       1000 kB\nNode 3 MemFree:  900 kB\nNode 3 FilePages: 0 kB\n");
  ProbeUnderTest numa(numa_probe, root);
  RecordingSink sink;
  REQUIRE(numa.probe);
  const Status status = numa.probe->read(at_second(1), sink);
  CHECK(!status);  // node3 has no numastat
  CHECK(*sink.values.at("host hostmedic.numa.memory.utilization{numa.node=0}") == doctest::Approx(0.85));
  CHECK(*sink.values.at("host hostmedic.numa.memory.utilization{numa.node=3}") == doctest::Approx(0.10));
  CHECK(sink.values.at("host hostmedic.numa.memory.usage{numa.node=3,state=free}") == 900 * 1024);
  CHECK(sink.values.at("host hostmedic.numa.allocations{numa.node=0,type=miss}") == 8);
  root.write(nodes + "node0/meminfo", "Node 0 MemTotal: x kB\n");
  CHECK(!numa.probe->read(at_second(11), sink));
  CHECK(!sink.values.at("host hostmedic.numa.memory.utilization{numa.node=0}"));
  CHECK(sink.values.at("host hostmedic.numa.memory.utilization{numa.node=3}"));
}
