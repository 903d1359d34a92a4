// SPDX-License-Identifier: Apache-2.0
#include "probes/service/bus_port.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <systemd/sd-bus.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace hostmedic::service {

Result<BusPort> BusPort::make() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return errno_error(errno, "epoll");
  // sd-bus counts its time-outs on this clock.
  Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer) return errno_error(errno, "timerfd");
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, timer.get(), &event) < 0) return errno_error(errno, "epoll");
  return BusPort(std::move(epoll), std::move(timer));
}

void BusPort::follow(sd_bus* bus) {
  const int fd = bus != nullptr ? sd_bus_get_fd(bus) : -1;
  const int wanted = fd >= 0 ? sd_bus_get_events(bus) : 0;
  epoll_event event{};
  if (wanted > 0) {
    event.events = (wanted & POLLIN ? EPOLLIN : 0U) | (wanted & POLLOUT ? EPOLLOUT : 0U);
  }
  // A descriptor that was closed has left the set by itself, and its number may belong to another connection by now:
  // so what is in the set is found out by trying.
  if (fd >= 0 && ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) < 0 && errno == ENOENT) {
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd,
                      &event);  // fails only for lack of memory; read() still processes
  }
  std::uint64_t until_us = UINT64_MAX;
  if (fd >= 0) (void)sd_bus_get_timeout(bus, &until_us);  // on failure: no time-out
  itimerspec at{};
  if (until_us != UINT64_MAX) {
    at.it_value.tv_sec = static_cast<time_t>(until_us / 1'000'000);
    // All zero would disarm the timer; the past is what is meant.
    at.it_value.tv_nsec = std::max<long>(1, static_cast<long>(until_us % 1'000'000) * 1000);
  }
  std::uint64_t expired = 0;
  (void)!::read(timer_.get(), &expired, sizeof expired);  // only to make it unreadable
  (void)::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &at, nullptr);
}

}  // namespace hostmedic::service
