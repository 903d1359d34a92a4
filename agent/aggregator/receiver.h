// SPDX-License-Identifier: Apache-2.0
// What agents ask for: takes OTLP, checks who sends and what, stores it, answers by the protocol's rules; grants leases
// (lease_keeper.h has their form) to the host that the certificate names; and hears of its plans that wait for a human
// (proposal_keeper.h). io thread; the store is touched on its own thread. Both must outlive the handlers under way.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/aggregator/store_thread.h"
#include "agent/aggregator/waiting.h"
#include "agent/net/http.h"
#include "agent/net/otlp.h"
#include "agent/store/fleet_store.h"

namespace hostmedic {

struct ReceiverStats {
  std::uint64_t log_requests = 0, metric_requests = 0;     // answered with 200
  std::uint64_t refused = 0;                               // 4xx
  std::uint64_t failed = 0;                                // 503: the store failed
  std::uint64_t stored = 0, duplicates = 0, rejected = 0;  // log records
  std::uint64_t leases_granted = 0, leases_refused = 0;
};

class Receiver {
 public:
  Receiver(FleetStore& store, StoreThread& thread, LeaseLimits limits, WaitingPlans& waiting)
      : store_(store), thread_(thread), lease_limits_(limits), waiting_(waiting) {}

  boost::asio::awaitable<HttpResponse> handle(const HttpRequest& request);
  const ReceiverStats& stats() const { return stats_; }
  // Why the store fails now; empty when it works.
  const std::string& store_error() const { return store_error_; }

 private:
  boost::asio::awaitable<HttpResponse> logs(const HttpRequest& request, bool json);
  boost::asio::awaitable<HttpResponse> metrics(const HttpRequest& request, bool json);
  boost::asio::awaitable<HttpResponse> lease(const HttpRequest& request);
  HttpResponse proposals(const HttpRequest& request);
  HttpResponse refuse(const HttpRequest& request, unsigned status, std::string_view why, bool json = false);
  HttpResponse unavailable(const Error& error, bool json);
  void note(std::string line);

  FleetStore& store_;
  StoreThread& thread_;
  const LeaseLimits lease_limits_;
  WaitingPlans& waiting_;
  ReceiverStats stats_;
  std::string store_error_;
  MonoTime minute_;          // the present minute of log lines
  std::uint64_t lines_ = 0;  // written or left out in it
};

}  // namespace hostmedic
