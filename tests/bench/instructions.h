// SPDX-License-Identifier: Apache-2.0
// What a piece of work takes: processor time of this thread, and instructions in user space where the processor's
// counters can be read (on many virtual machines they cannot; valgrind --tool=callgrind counts there).
#pragma once

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "agent/base/clock.h"
#include "agent/base/fd.h"

namespace hostmedic::bench {

struct Taken {
  double ns = 1e18;
  std::optional<double> instructions;
};

class Counter {
 public:
  Counter() {
    perf_event_attr wanted{};
    wanted.type = PERF_TYPE_HARDWARE;
    wanted.size = sizeof wanted;
    wanted.config = PERF_COUNT_HW_INSTRUCTIONS;
    wanted.disabled = 1;
    wanted.exclude_kernel = 1;
    fd_ = Fd(static_cast<int>(::syscall(SYS_perf_event_open, &wanted, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
    if (fd_.get() < 0) why_ = std::strerror(errno);
  }
  // Why there are no instructions; empty where there are.
  const std::string& why_not() const { return why_; }

  // The least of five runs, per item.
  template <class Run>
  Taken best(std::size_t items, Run run) const {
    Taken taken;
    for (int i = 0; i < 5; ++i) {
      (void)::ioctl(fd_.get(), PERF_EVENT_IOC_RESET, 0);
      (void)::ioctl(fd_.get(), PERF_EVENT_IOC_ENABLE, 0);
      const Duration began = thread_cpu_time();
      run();
      const Duration spent = thread_cpu_time() - began;
      (void)::ioctl(fd_.get(), PERF_EVENT_IOC_DISABLE, 0);
      std::uint64_t count = 0;
      const bool counted = ::read(fd_.get(), &count, sizeof count) == sizeof count;
      const double by = static_cast<double>(items);
      taken.ns = std::min(taken.ns, static_cast<double>(spent.count()) / by);
      if (counted) taken.instructions = std::min(taken.instructions.value_or(1e18), static_cast<double>(count) / by);
    }
    return taken;
  }

 private:
  Fd fd_;
  std::string why_;
};

}  // namespace hostmedic::bench
