// SPDX-License-Identifier: Apache-2.0
// A read in the steady state allocates nothing: counted over the global operator new of this program.
#include <cstdlib>
#include <new>

#include "../fake_root.h"
#include "agent/probe/frame_builder.h"
#include "detect/model/codec.h"

namespace {
thread_local std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
// The sanitizer has one of its own, whose memory must not be freed here.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo cpu_probe, load_probe, memory_probe, paging_probe, pressure_probe, disk_probe, network_probe,
    processes_probe, services_probe, protocols_probe, sockets_probe, limits_probe, run_queue_probe, numa_probe,
    kernel_probe;
}

TEST_CASE("probes: a read in the steady state allocates nothing, nor does making its frame") {
  FakeRoot root;
  root.write("proc/stat", "cpu 1 2 3 4 5 6 7 8\ncpu0 1\nctxt 1\nprocesses 2\nprocs_running 3\nprocs_blocked 1\n");
  root.write("proc/loadavg", "0.50 1.50 2.50 1/2 3\n");
  root.write("proc/meminfo",
             "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 250 kB\nSwapTotal: 9 kB\nSwapFree: 1 kB\n");
  root.write("proc/vmstat", "pgfault 100\npgmajfault 7\n");
  for (const char* name : {"cpu", "memory", "io"})
    root.write(std::string("proc/pressure/") + name, "some total=1\nfull total=1\n");
  root.write("proc/diskstats", "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n8 1 sda1 1 2 3 4 5 6 7 8 9 10 11\n");
  root.mkdir("sys/block/sda");
  root.write(
      "proc/net/dev",
      "a|b|c\na|b|c\nlo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\neth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
  root.write("proc/net/snmp", "Tcp: A RetransSegs\nTcp: 1 2\nUdp: NoPorts\nUdp: 3\n");
  root.write("proc/net/snmp6", "Ip6InReceives 1\nIp6InX 1\n");
  root.write("proc/net/softnet_stat", "0000000f 00000000 00000001\n");
  root.write("proc/net/sockstat", "TCP: inuse 1 orphan 0 tw 0 alloc 1 mem 260\n");
  root.write("proc/net/sockstat6", "TCP6: inuse 1\n");
  root.write("proc/net/netstat", "TcpExt: ListenDrops\nTcpExt: 1\n");
  for (const char* table : {"nf_conntrack", "arp_cache", "ndisc_cache"})
    root.write(std::string("proc/net/stat/") + table, "entries drop\n1 2\n");
  for (const char* setting : {"net/ipv4/tcp_mem",
                              "net/ipv4/udp_mem",
                              "net/ipv4/tcp_max_orphans",
                              "net/ipv4/tcp_max_tw_buckets",
                              "net/ipv4/neigh/default/gc_thresh3",
                              "net/ipv6/neigh/default/gc_thresh3",
                              "net/netfilter/nf_conntrack_count",
                              "net/netfilter/nf_conntrack_max",
                              "fs/file-nr",
                              "fs/aio-nr",
                              "fs/aio-max-nr",
                              "fs/inode-nr",
                              "fs/dentry-state",
                              "kernel/pid_max",
                              "kernel/threads-max",
                              "kernel/pty/nr",
                              "kernel/pty/max",
                              "kernel/sem",
                              "kernel/shmmni",
                              "kernel/msgmni"})
    root.write(std::string("proc/sys/") + setting, "1 2 3 4 5\n");
  for (const char* table : {"sem", "shm", "msg"}) root.write(std::string("proc/sysvipc/") + table, "heading\n");
  root.write("proc/key-users", "    0:     9 8/8 3/1000000 40/25000000\n");
  root.write("proc/schedstat", "version 15\ncpu0 0 0 1 2 3 4 5 6 7\n");
  for (const std::string node : {"sys/devices/system/node/node0/", "sys/devices/system/node/node1/"}) {
    root.write(node + "meminfo", "Node 0 MemTotal: 3 kB\nNode 0 MemFree: 1 kB\nNode 0 FilePages: 1 kB\n");
    root.write(node + "numastat", "numa_hit 1\n");
  }
  root.write("proc/uptime", "1.5 2.5\n");
  root.write("proc/sys/kernel/random/entropy_avail", "256\n");
  root.write("proc/sys/kernel/tainted", "0\n");
  root.write("sys/fs/cgroup/cgroup.controllers", "");
  root.write("sys/fs/cgroup/system.slice/a.service/cpu.stat", "usage_usec 1\n");
  root.write("sys/fs/cgroup/system.slice/a.service/memory.current", "1\n");
  root.write("sys/fs/cgroup/system.slice/a.service/pids.current", "1\n");

  for (const char* pid : {"10", "11", "12"}) {
    const std::string at = std::string("proc/") + pid;
    root.write(at + "/stat", std::string(pid) + " (a) S 1 1 1 0 -1 0 1 0 2 0 3 4 0 0 20 0 1 0 9 1000 25\n");
    root.write(at + "/status", "Uid:\t33\t33\t33\t33\nvoluntary_ctxt_switches:\t5\n");
    root.write(at + "/cgroup", "0::/system.slice/a.service\n");
  }

  FrameBuilder builder;
  std::string encoded;
  std::size_t speaker = 0;
  for (const ProbeInfo* info : {&cpu_probe, &load_probe, &memory_probe, &paging_probe, &pressure_probe, &disk_probe,
                                &network_probe, &processes_probe, &services_probe, &protocols_probe, &sockets_probe,
                                &limits_probe, &run_queue_probe, &numa_probe, &kernel_probe}) {
    CAPTURE(std::string(info->name));
    ProbeUnderTest tested(*info, root);
    REQUIRE(tested.probe);
    Sink& sink = builder.sink(speaker++);
    std::size_t samples = 0;
    const auto tick = [&](std::int64_t second) {
      builder.begin_tick(at_second(second), WallTime{});
      const bool good = static_cast<bool>(tested.probe->read(at_second(second), sink));
      samples = 0;
      while (builder.pending()) {
        const Frame& frame = builder.next(at_second(second), WallTime{});
        samples += frame.samples.size();
        encode_frame(frame, encoded);
        builder.sent();
      }
      return good;
    };
    REQUIRE(tick(1));
    REQUIRE(tick(2));
    const std::size_t before = allocations;
    const bool good = tick(3);
    const std::size_t after = allocations;
    CHECK(good);
    CHECK(samples > 0);
    CHECK(after - before == 0);
  }
}
