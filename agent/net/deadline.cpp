// SPDX-License-Identifier: Apache-2.0
#include "agent/net/deadline.h"

#include <boost/asio/steady_timer.hpp>

namespace hostmedic {

struct Deadline::State {
  boost::asio::steady_timer timer;
  std::function<void()> on_expiry;
  bool armed = true;
  bool expired = false;
};

Deadline::Deadline(const boost::asio::any_io_executor& executor, Duration after, std::function<void()> on_expiry)
    : state_(std::make_shared<State>(State{boost::asio::steady_timer(executor, after), std::move(on_expiry)})) {
  state_->timer.async_wait([state = state_](boost::system::error_code error) {
    if (error || !state->armed) return;
    state->expired = true;
    state->on_expiry();
  });
}

Deadline::~Deadline() {
  state_->armed = false;
  state_->timer.cancel();
}

bool Deadline::expired() const { return state_->expired; }

}  // namespace hostmedic
