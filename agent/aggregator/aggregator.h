// SPDX-License-Identifier: Apache-2.0
// The aggregator as one object: two listeners on the io thread, the store on a thread of its own. Used on the io
// thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>

#include "agent/aggregator/options.h"
#include "agent/aggregator/page.h"
#include "agent/aggregator/receiver.h"
#include "agent/aggregator/store_thread.h"
#include "agent/aggregator/waiting.h"
#include "agent/base/result.h"
#include "agent/net/http_server.h"
#include "agent/store/fleet_store.h"

namespace hostmedic {

class Aggregator {
 public:
  // Opens the store and listens. io must outlive the object and be run by one thread.
  static Result<std::unique_ptr<Aggregator>> start(boost::asio::io_context& io, AggregatorOptions options);
  // stop() must have been called and io run until it had nothing left to do.
  ~Aggregator() = default;

  std::uint16_t otlp_port() const { return otlp_->port(); }
  std::uint16_t page_port() const { return page_server_->port(); }
  // Reads the certificates again, for new connections. On an error the old ones stay.
  Status reload_tls();
  // Takes no more requests and waits for the store's present job.
  void stop();

 private:
  Aggregator(boost::asio::io_context& io, AggregatorOptions options, FleetStore store);
  Status listen(boost::asio::io_context& io);
  void prune_later();
  boost::asio::awaitable<void> prune();

  const AggregatorOptions options_;
  FleetStore store_;  // used on thread_ only, once started
  StoreThread thread_;
  WaitingPlans waiting_;
  Receiver receiver_;
  Page page_;
  boost::asio::steady_timer prune_timer_;
  MonoTime expire_at_;
  std::unique_ptr<HttpServer> otlp_, page_server_;
  bool stopped_ = false;
};

// Runs until SIGTERM or SIGINT, telling the service manager. SIGHUP reads the certificates again.
Status run_aggregator(const AggregatorOptions& options);

}  // namespace hostmedic
