// SPDX-License-Identifier: Apache-2.0
// A known number of requests to a disk of the test's own: a loop device over a temporary file. Where there can be none
// the tests say why and pass.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "agent/base/fd.h"
#include "tests/privileged/probes/bpf/attached.h"

namespace hostmedic {
extern const ProbeInfo block_probe;
}

using namespace hostmedic;
using hostmedic::test::AttachedProbe;

namespace {

constexpr int kBlock = 4096, kBlocks = 256;

struct OwnDisk {
  OwnDisk() {
    char path[] = "/tmp/hostmedic-disk-XXXXXX";
    file = Fd(::mkostemp(path, O_CLOEXEC));
    (void)::unlink(path);
    const std::string content(std::size_t{kBlock} * kBlocks, 'x');
    if (!file || ::write(file.get(), content.data(), content.size()) < 0) return;
    const Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    const int number = control ? ::ioctl(control.get(), LOOP_CTL_GET_FREE) : -1;
    if (number < 0) return;
    name = "loop" + std::to_string(number);
    disk = Fd(::open(("/dev/" + name).c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
    loop_config config{};
    config.fd = static_cast<__u32>(file.get());
    config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
    if (disk && ::ioctl(disk.get(), LOOP_CONFIGURE, &config) != 0) disk.reset();
  }
  bool read_block(int i) const {
    void* memory = nullptr;
    if (::posix_memalign(&memory, kBlock, kBlock) != 0) return false;
    const ssize_t n = ::pread(disk.get(), memory, kBlock, static_cast<off_t>(i) * kBlock);
    std::free(memory);
    return n == kBlock;
  }
  // The kernel's own count of finished reads.
  double reads() const {
    std::ifstream stat("/sys/block/" + name + "/stat");
    double count = -1;
    stat >> count;
    return count;
  }
  explicit operator bool() const { return static_cast<bool>(disk); }

  Fd file, disk;
  std::string name;
};

}  // namespace

TEST_CASE("every request to a disk is counted once, and its latency has a percentile") {
  AttachedProbe host(block_probe);
  if (!host.probe) return;
  const OwnDisk own;
  if (!own) {
    MESSAGE("skipped: no loop device to be had");
    return;
  }
  const std::string disk = "block_device:" + own.name + " ";
  const double before = own.reads(),
               counted = std::max(0.0, host.value(disk + "hostmedic.disk.requests{disk.io.direction=read}"));
  for (int i = 0; i < kBlocks; ++i) REQUIRE(own.read_block((i * 7) % kBlocks));
  const double requests = host.value(disk + "hostmedic.disk.requests{disk.io.direction=read}") - counted;
  CHECK(requests >= kBlocks);
  CHECK(requests == own.reads() - before);
  const double median = host.last(disk + "hostmedic.disk.latency.p50{disk.io.direction=read}");
  CHECK(median > 0);
  CHECK(median < 1);
  CHECK(host.last(disk + "hostmedic.disk.latency.p99{disk.io.direction=read}") >= median);
  CHECK(host.last(disk + "hostmedic.disk.errors{error.type=io}") == 0);
  // Nothing more happens: the percentile is unknown, not zero.
  (void)host.value("");
  CHECK(host.last(disk + "hostmedic.disk.latency.p50{disk.io.direction=read}") == -1);
}

TEST_CASE("every request that fails is counted as such") {
  AttachedProbe host(block_probe);
  if (!host.probe) return;
  const OwnDisk own;
  if (!own) {
    MESSAGE("skipped: no loop device to be had");
    return;
  }
  REQUIRE(own.read_block(0));
  const std::string errors = "block_device:" + own.name + " hostmedic.disk.errors{error.type=io}";
  const double before = host.value(errors);
  REQUIRE(::ftruncate(own.file.get(), 0) == 0);  // the loop device finds nothing to read
  for (int i = 0; i < 20; ++i) CHECK_FALSE(own.read_block(i));
  CHECK(host.value(errors) - before == 20);
  CHECK(host.last("agent:probe.block hostmedic.bpf.events.dropped{reason=no_room}") == 0);
}
