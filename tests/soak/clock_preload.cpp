// SPDX-License-Identifier: Apache-2.0
// Put into an unchanged program with LD_PRELOAD: clocks read the page of clock.h, and relative timers are shortened as
// that time is faster than real time. Without the page, or before it was begun, everything is as it always is.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>

#include "tests/soak/clock.h"

namespace {

using hostmedic::soak::ClockPage;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLeastTimer = 500'000;  // so that what waits for a clock that stands still does not spin

const ClockPage* map_page() {
  const char* path = std::getenv(hostmedic::soak::kClockVariable);
  const int fd = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* at = ::mmap(nullptr, sizeof(ClockPage), PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  return at == MAP_FAILED ? nullptr : static_cast<const ClockPage*>(at);
}

// Null while the real clocks count.
const ClockPage* page() {
  static const ClockPage* const mapped = map_page();
  return mapped != nullptr && mapped->mono_ns != 0 ? mapped : nullptr;
}

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

std::int64_t wall_ns() {
  timespec now{};
  (void)::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t id, timespec* out) noexcept {
  static const auto ask = real<int (*)(clockid_t, timespec*)>("clock_gettime");
  const ClockPage* at = page();
  const bool wall = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
  const bool mono =
      id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_RAW || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_BOOTTIME;
  if (at == nullptr || (!wall && !mono)) return ask(id, out);
  const std::int64_t now = wall ? at->wall_ns : at->mono_ns;
  *out = {now / kSecond, now % kSecond};
  return 0;
}

int gettimeofday(timeval* out, void*) noexcept {
  const std::int64_t now = wall_ns();
  *out = {now / kSecond, now % kSecond / 1000};
  return 0;
}

time_t time(time_t* out) noexcept {
  const time_t now = wall_ns() / kSecond;
  if (out != nullptr) *out = now;
  return now;
}

int timerfd_settime(int fd, int flags, const itimerspec* wanted, itimerspec* old) noexcept {
  static const auto set = real<int (*)(int, int, const itimerspec*, itimerspec*)>("timerfd_settime");
  const ClockPage* at = page();
  const std::int64_t wait = wanted->it_value.tv_sec * kSecond + wanted->it_value.tv_nsec;
  if (at == nullptr || (flags & TFD_TIMER_ABSTIME) != 0 || wait == 0) return set(fd, flags, wanted, old);
  const std::int64_t shorter = std::max(std::min(wait, kLeastTimer), wait / std::max<std::int64_t>(at->speed, 1));
  itimerspec scaled = *wanted;
  scaled.it_value = {shorter / kSecond, shorter % kSecond};
  return set(fd, flags, &scaled, old);
}

}  // extern "C"
