// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/daemon.h"

#include <grp.h>
#include <sys/stat.h>

#include <boost/json/array.hpp>
#include <csignal>

#include "agent/actuator/client.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/notify.h"
#include "agent/base/text.h"
#include "agent/daemon/identity.h"
#include "agent/self/usage.h"

namespace hostmedic {

namespace json = boost::json;
using boost::asio::awaitable;
using Errors = boost::system::error_code;

namespace {

constexpr Duration kProbeSilence = std::chrono::seconds(5);
// The longest history that a guard limit may look back to.
constexpr Duration kHistory = std::chrono::hours(24 * 7);

Outcome not_done(const Order& order, OutcomeResult result, std::string text, WallTime at) {
  Outcome outcome;
  outcome.key = order.key;
  outcome.result = result;
  outcome.started_at = outcome.ended_at = at;
  outcome.text = std::move(text);
  return outcome;
}

}  // namespace

Daemon::Daemon(boost::asio::io_context& io, DaemonOptions options, AgentConfig config, guard::Policy policy,
               std::vector<Runbook> runbooks)
    : io_(io),
      options_(std::move(options)),
      config_(std::move(config)),
      state_dir_(options_.state_dir.empty() ? config_.state_dir : options_.state_dir),
      run_dir_(options_.run_dir.empty() ? config_.run_dir : options_.run_dir),
      worker_(io),
      orders_(io),
      second_(io),
      wake_(io),
      signals_(io, SIGTERM, SIGINT, SIGHUP),
      started_(wall_now()) {
  config_.engine.host_seed = fnv1a(host_identity().id);
  auto engine = detect::Engine::make(config_.engine);
  // The configuration was validated with the same function; a failure here is a fault of ours.
  if (!engine) log_error("detection: " + engine.error().message());
  pipeline_ = std::make_unique<Pipeline>(std::move(*engine), std::move(runbooks), std::move(policy), *this);
}

Daemon::~Daemon() {
  orders_.stop();
  worker_.stop();
}

Status Daemon::start() {
  auto store = AgentStore::open(state_dir_ + "/agent.db");
  if (!store) return std::move(store).error().in("store");
  store_ = std::make_unique<AgentStore>(std::move(*store));
  if (!store_->quarantined().empty()) log_error("the store was broken and a new one was begun: " + store_->quarantined());
  reporter_ = std::make_unique<Reporter>(io_, worker_, *store_);
  if (Status reporting = reporter_->connect(config_.upstream); !reporting)
    log_error("upstream: " + reporting.error().message());
  if (Status restored = restore(); !restored) log_error("restore: " + restored.error().message());
  if (Status listening = listen(); !listening) return listening;

  wait_signal();
  every_second();
  // Readiness is best effort: without a service manager nobody waits for it.
  (void)notify_manager("READY=1\nSTATUS=" + status_line());
  return ok();
}

Status Daemon::listen() {
  const int group = group_id(config_.control_group);
  probe_ = std::make_unique<ProbeListener>(
      io_, std::vector<unsigned>{0, ::getuid(), user_id("hostmedic-probe")}, [this](const Frame& f) { on_frame(f); },
      [this](bool connected, const std::string& why) { on_probe(connected, why); });
  if (Status listening = probe_->listen(run_dir_ + "/probe.sock", group); !listening) return listening;
  ControlServerOptions options;
  options.path = run_dir_ + "/control.sock";
  if (group >= 0) options.group = static_cast<gid_t>(group);
  auto control = ControlServer::listen(
      io_.get_executor(), std::move(options),
      [this](const Peer& peer, std::string line) { return api_.handle(peer, std::move(line)); },
      [](std::string_view note) { log_notice("control: " + std::string(note)); });
  if (!control) return std::move(control).error().in("control socket");
  control_ = std::move(*control);
  return ok();
}

// Brakes, history and open incidents as they were before. An order without outcome is asked of the actuator, whose
// ledger knows; if it does not, the order counts as interrupted. Nothing is sent again.
Status Daemon::restore() {
  if (auto brakes = store_->brakes()) pipeline_->set_brakes(std::move(*brakes));
  auto history = store_->history(wall_now() - kHistory);
  if (!history) return std::move(history).error();
  pipeline_->set_history(std::move(*history));
  auto open_orders = store_->open_orders();
  if (!open_orders) return std::move(open_orders).error();
  auto unresolved = store_->unresolved();
  if (!unresolved) return std::move(unresolved).error();
  for (Incident& incident : *unresolved) {
    std::optional<Order> open;
    for (const Order& order : *open_orders)
      if (order.incident_id == incident.id) open = order;
    pipeline_->restore(std::move(incident), open);
  }
  for (const Order& order : *open_orders) {
    orders_.run([path = config_.actuator_socket, order] { return query_outcome(path, order.key); },
                [this, order](Result<std::optional<Outcome>> answer) {
                  const WallTime at = wall_now();
                  if (answer && *answer) return finish(order, std::move(**answer));
                  finish(order, not_done(order, OutcomeResult::interrupted,
                                         answer ? "the actuator never began it" : answer.error().message(), at));
                });
  }
  if (!unresolved->empty()) log_notice(strf("%zu open incidents restored", unresolved->size()));
  return ok();
}

void Daemon::persist(const Incident& incident) { reporter_->incident(incident); }

void Daemon::notify(const Incident& incident, const std::string& text) {
  log_warning(to_string(incident.root) + ": " + text + " (hostmedic explain " + incident.id + ")");
}

void Daemon::submit(const Order& order) {
  const auto refuse = [this, order](const std::string& why) {
    boost::asio::post(io_, [this, order, why] { finish(order, not_done(order, OutcomeResult::failed, why, wall_now())); });
  };
  const bool taken = worker_.run(
      [this, order] { return store_->put_order(order); },
      [this, order, refuse](Status written) {
        if (!written) return refuse("not sent: the order could not be written: " + written.error().message());
        const bool sent = orders_.run(
            [path = config_.actuator_socket, order] { return execute_order(path, order); },
            [this, order](Result<Outcome> answer) {
              actuator_error_ = answer ? "" : answer.error().message();
              if (answer) return finish(order, std::move(*answer));
              finish(order, not_done(order, OutcomeResult::failed, "actuator: " + answer.error().message(), wall_now()));
            });
        if (!sent) refuse("not sent: too many orders wait");
      });
  if (!taken) refuse("not sent: the store is too far behind");
}

void Daemon::finish(const Order& order, Outcome outcome) {
  log_notice(order.plan.what + ": " + std::string(to_string(outcome.result)) + ": " + outcome.text);
  worker_.run([this, outcome] { return store_->put_outcome(outcome); },
              [this](Status written) { reporter_->note_store(written); });
  pipeline_->outcome(outcome, now());
  plan_wake();
}

void Daemon::on_frame(const Frame& frame) {
  last_frame_ = mono_now();
  pipeline_->frame(frame);
  plan_wake();
}

// A proof that is complete between two frames need not wait for the next one.
void Daemon::plan_wake() {
  const auto at = pipeline_->wake_at();
  if (!at) return;
  const Duration wait = std::max(*at - mono_now(), Duration::zero());
  if (wait > std::chrono::seconds(1)) return;
  wake_.expires_after(wait);
  wake_.async_wait([this](Errors error) {
    if (!error) pipeline_->tick(now());
  });
}

void Daemon::on_probe(bool connected, const std::string& why) {
  probe_connected_ = connected;
  probe_text_ = connected ? "connected" : why;
  if (connected) return log_info(why.empty() ? "probe connected" : why);
  log_warning("probe lost: " + why);
}

Now Daemon::now() const { return {mono_now(), wall_now()}; }

void Daemon::every_second() {
  second_.expires_after(std::chrono::seconds(1));
  second_.async_wait([this](Errors error) {
    if (error) return;
    const Now at = now();
    if (at.mono - last_frame_ > kProbeSilence) pipeline_->silence(at);
    // The watchdog is fed from this loop, so that a loop that hangs is noticed.
    (void)notify_manager("WATCHDOG=1");
    reporter_->every_second(at, *pipeline_, probe_connected_);
    every_second();
  });
}

void Daemon::wait_signal() {
  signals_.async_wait([this](Errors error, int signal) {
    if (error) return;
    if (signal == SIGHUP) {
      if (const Status reloaded = reload(); !reloaded) log_error("reload refused: " + reloaded.error().message());
      return wait_signal();
    }
    log_info("stopping");
    (void)notify_manager("STOPPING=1");
    io_.stop();
  });
}

void Daemon::set_brakes(Brakes brakes) {
  pipeline_->set_brakes(brakes);
  worker_.run([this, brakes] { return store_->put_brakes(brakes); },
              [](Status written) {
                if (!written) log_error("the kill switch could not be stored: " + written.error().message());
              });
}

}  // namespace hostmedic
