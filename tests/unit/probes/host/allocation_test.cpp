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
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo cpu_probe, load_probe, memory_probe, paging_probe, pressure_probe, disk_probe, network_probe,
    services_probe;
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
  root.write("proc/net/dev", "a|b|c\na|b|c\nlo: 1 2 3 4 5 6 7 8 9 10 11 12\neth0: 1 2 3 4 5 6 7 8 9 10 11 12\n");
  root.write("sys/fs/cgroup/cgroup.controllers", "");
  root.write("sys/fs/cgroup/system.slice/a.service/cpu.stat", "usage_usec 1\n");
  root.write("sys/fs/cgroup/system.slice/a.service/memory.current", "1\n");
  root.write("sys/fs/cgroup/system.slice/a.service/pids.current", "1\n");

  FrameBuilder builder;
  std::string encoded;
  std::size_t speaker = 0;
  for (const ProbeInfo* info : {&cpu_probe, &load_probe, &memory_probe, &paging_probe, &pressure_probe, &disk_probe,
                                &network_probe, &services_probe}) {
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
