// SPDX-License-Identifier: Apache-2.0
// Asks the fleet's aggregator for leave to act: POST /v1/leases, with the upstream's certificates. Renews the leave
// while something is done and gives it back afterwards. One request at a time, each with a connection of its own: they
// are rare. What cannot be asked is answered as refused, with the reason. io thread.
//
//   {"action": "service.restart", "entity": "service:nginx.service", "seconds": 180}
//   {"granted": true, "seconds": 180, "text": "0 of 1 hosts at work"}
//   {"release": true}
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

#include "agent/config/agent_config.h"
#include "agent/net/http.h"
#include "agent/pipeline/pipeline.h"

namespace hostmedic {

// What the aggregator's answer means; never more than was asked for.
LeaseAnswer lease_answer(const HttpResponse& response);

class LeaseKeeper {
 public:
  // A leave that was given back is told as granted for no time at all: there is none, and it may be asked for again.
  using Answered = std::function<void(const LeaseAnswer&)>;
  LeaseKeeper(boost::asio::any_io_executor executor, Answered answered);
  ~LeaseKeeper();
  LeaseKeeper(const LeaseKeeper&) = delete;
  LeaseKeeper& operator=(const LeaseKeeper&) = delete;

  // Whom to ask from now on; without a URL nobody is.
  void connect(const UpstreamConfig& upstream);
  // Nothing happens while a request is under way, and for kPause after one was begun.
  void ask(const Order& order, MonoTime now);
  void every_second(MonoTime now, bool at_work);

  static constexpr Duration kLasts = std::chrono::minutes(3);  // of one leave, unless it is renewed
  static constexpr Duration kRenew = std::chrono::minutes(1);  // so long before its end
  static constexpr Duration kPause = std::chrono::seconds(5);  // between two questions
  static constexpr Duration kIdle = std::chrono::seconds(5);   // nothing was done for so long: it is given back

 private:
  struct Core;
  std::shared_ptr<Core> core_;  // shared with the request under way
};

}  // namespace hostmedic
