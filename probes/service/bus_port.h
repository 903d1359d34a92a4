// SPDX-License-Identifier: Apache-2.0
// One descriptor for everything that a bus connection waits for. sd-bus may want its socket to be writable, has
// time-outs of its own, and its socket changes with each connection; an epoll set hides all three behind a descriptor
// that stays the same and is readable when there is something to do. Owns the set and its timer. One thread.
#pragma once

#include <utility>

#include "agent/base/fd.h"
#include "agent/base/result.h"

struct sd_bus;

namespace hostmedic::service {

class BusPort {
 public:
  static Result<BusPort> make();
  int fd() const { return epoll_.get(); }
  // Waits for what the connection wants now; call after each processing. nullptr: nothing is waited for.
  void follow(sd_bus* bus);

 private:
  BusPort(Fd epoll, Fd timer) : epoll_(std::move(epoll)), timer_(std::move(timer)) {}
  Fd epoll_, timer_;
};

}  // namespace hostmedic::service
