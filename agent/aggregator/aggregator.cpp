// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/aggregator.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/notify.h"
#include "agent/base/text.h"

namespace hostmedic {

namespace {
using boost::asio::awaitable;

// How often it is looked whether there is too much: what comes meanwhile is all that the bound may be passed by.
constexpr Duration kShrinkEvery = std::chrono::seconds(10), kExpireEvery = std::chrono::hours(1);

std::string place(const std::string& address, std::uint16_t port) {
  const bool v6 = address.find(':') != std::string::npos;
  return (v6 ? "[" + address + "]" : address) + strf(":%u", static_cast<unsigned>(port));
}
}  // namespace

Aggregator::Aggregator(boost::asio::io_context& io, AggregatorOptions options, FleetStore store)
    : options_(std::move(options)),
      store_(std::move(store)),
      receiver_(store_, thread_, options_.leases, waiting_),
      page_(options_, store_, thread_, receiver_, waiting_),
      prune_timer_(io) {}

Result<std::unique_ptr<Aggregator>> Aggregator::start(boost::asio::io_context& io, AggregatorOptions options) {
  Result<FleetStore> store = FleetStore::open(options.state_dir + "/fleet.db");
  if (!store) return std::move(store.error());
  if (!store->quarantined().empty()) log_error("the store was broken and a new one was made: " + store->quarantined());
  std::unique_ptr<Aggregator> aggregator(new Aggregator(io, std::move(options), std::move(*store)));
  Status listening = aggregator->listen(io);
  if (!listening) {
    aggregator->stop();
    return std::move(listening.error());
  }
  aggregator->prune_later();
  return aggregator;
}

Status Aggregator::listen(boost::asio::io_context& io) {
  auto tls = TlsContext::server({options_.ca, options_.certificate, options_.key});
  if (!tls) return std::move(tls.error()).in("TLS");
  HttpServerOptions otlp;
  otlp.address = options_.listen_address;
  otlp.port = options_.listen_port;
  otlp.tls = *tls;
  otlp.body_limit = options_.body_limit;
  otlp.max_connections = options_.most_connections;
  const auto note = [](std::string_view line) { log_warning(line); };
  auto server = HttpServer::listen(
      io.get_executor(), otlp, [this](const HttpRequest& request) { return receiver_.handle(request); }, note);
  if (!server) return std::move(server.error()).in("OTLP on " + place(otlp.address, otlp.port));
  otlp_ = std::move(*server);
  HttpServerOptions page;
  page.address = options_.page_address;
  page.port = options_.page_port;
  page.body_limit = kib(4);
  server = HttpServer::listen(
      io.get_executor(), page, [this](const HttpRequest& request) { return page_.handle(request); }, note);
  if (!server) return std::move(server.error()).in("page on " + place(page.address, page.port));
  page_server_ = std::move(*server);
  log_notice("receives OTLP over mutual TLS on " + place(otlp.address, otlp_port()) + ", shows http://" +
             place(page.address, page_port()) + "/");
  return ok();
}

Status Aggregator::reload_tls() {
  auto tls = TlsContext::server({options_.ca, options_.certificate, options_.key});
  if (!tls) return std::move(tls.error()).in("TLS");
  otlp_->replace_tls(*tls);
  return ok();
}

void Aggregator::prune_later() {
  prune_timer_.expires_after(kShrinkEvery);
  prune_timer_.async_wait([this](boost::system::error_code error) {
    if (error || stopped_) return;
    boost::asio::co_spawn(prune_timer_.get_executor(), prune(), boost::asio::detached);
  });
}

awaitable<void> Aggregator::prune() {
  const bool expire = mono_now() >= expire_at_;
  if (expire) expire_at_ = mono_now() + kExpireEvery;
  auto job = [this, expire, now = wall_now()] {
    Status status = expire ? store_.expire(now, options_.most_age) : ok();
    return status ? store_.shrink(options_.most_size) : status;
  };
  const Status pruned = co_await thread_.run(std::move(job));
  if (!pruned) log_warning("pruning failed: " + pruned.error().message());
  if (!stopped_) prune_later();
}

void Aggregator::stop() {
  if (stopped_) return;
  stopped_ = true;
  prune_timer_.cancel();
  if (otlp_) otlp_->stop();
  if (page_server_) page_server_->stop();
  thread_.join();
}

namespace {
// Signals and the watchdog of a running aggregator.
struct Manager {
  Manager(boost::asio::io_context& io, Aggregator& aggregator_in)
      : aggregator(aggregator_in), signals(io, SIGTERM, SIGINT, SIGHUP), watchdog(io) {
    wait_signal();
    beat();
  }
  void wait_signal() {
    signals.async_wait([this](boost::system::error_code error, int signal) {
      if (error) return;
      if (signal == SIGHUP) {
        const Status reloaded = aggregator.reload_tls();
        if (reloaded)
          log_notice("certificates read again");
        else
          log_error("the old certificates stay: " + reloaded.error().message());
        return wait_signal();
      }
      log_notice("stopping");
      (void)notify_manager("STOPPING=1");  // the manager finds out anyway
      watchdog.cancel();
      aggregator.stop();
    });
  }
  void beat() {
    const std::optional<Duration> period = watchdog_period();
    if (!period) return;
    (void)notify_manager("WATCHDOG=1");  // if it does not arrive the manager restarts us, as it should
    watchdog.expires_after(*period / 2);
    watchdog.async_wait([this](boost::system::error_code error) {
      if (!error) beat();
    });
  }
  Aggregator& aggregator;
  boost::asio::signal_set signals;
  boost::asio::steady_timer watchdog;
};
}  // namespace

Status run_aggregator(const AggregatorOptions& options) {
  boost::asio::io_context io{1};
  auto aggregator = Aggregator::start(io, options);
  if (!aggregator) return std::move(aggregator.error());
  Manager manager(io, **aggregator);
  Status ready =
      notify_manager("READY=1\nSTATUS=receiving on " + place(options.listen_address, (*aggregator)->otlp_port()));
  if (!ready) log_warning("cannot tell the service manager: " + ready.error().message());
  io.run();
  return ok();
}

}  // namespace hostmedic
