// SPDX-License-Identifier: Apache-2.0
// Runs a function once a time has passed, unless it is destroyed before. Put beside an operation that must not wait for
// ever; the function closes what the operation waits on. Closing, unlike cancelling, cannot come too early or be lost.
// One thread: that of the executor.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "agent/base/time.h"

namespace hostmedic {

class Deadline {
 public:
  Deadline(const boost::asio::any_io_executor& executor, Duration after, std::function<void()> on_expiry);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  bool expired() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the timer's handler, which may run once more after the destructor
};

}  // namespace hostmedic
