// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/daemon.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "agent/actuator/client.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/host_identity.h"
#include "agent/base/log.h"
#include "agent/base/notify.h"
#include "agent/base/text.h"
#include "agent/base/version.h"
#include "agent/daemon/identity.h"
#include "agent/recorder/config_files.h"
#include "detect/correlate/explain.h"
#include "detect/health/checkpoint.h"

namespace hostmedic {

using Errors = boost::system::error_code;

namespace {

constexpr Duration kProbeSilence = std::chrono::seconds(5);
// Where frames come from.
constexpr std::size_t kProbe = 0, kChecks = 1, kMarks = 2;
// The longest history that a guard limit may look back to.
constexpr Duration kHistory = std::chrono::hours(24 * 7);
// What a crash may make the models forget.
constexpr Duration kActuatorHears = std::chrono::seconds(2);
constexpr Duration kCheckpointEvery = std::chrono::minutes(10);

// For RELOADING=1, in the clock that systemd compares with.
std::int64_t monotonic_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Outcome not_done(const Order& order, OutcomeResult result, std::string text, WallTime at) {
  Outcome outcome;
  outcome.key = order.key;
  outcome.result = result;
  outcome.started_at = outcome.ended_at = at;
  outcome.text = std::move(text);
  return outcome;
}

// The configuration was validated against the same tables, so a refusal here is a fault of ours.
std::unique_ptr<detect::Engine> make_engine(detect::EngineConfig config) {
  config.host_seed = fnv1a(host_identity().id);
  config.scoring.stopwatch = &thread_cpu_time;
  auto engine = detect::Engine::make(std::move(config));
  if (!engine) log_error("detection: " + engine.error().message());
  return std::move(*engine);
}

}  // namespace

Daemon::Daemon(boost::asio::io_context& io, DaemonOptions options, Settings settings)
    : io_(io),
      options_(std::move(options)),
      config_(std::move(settings.agent)),
      state_dir_(options_.state_dir.empty() ? config_.state_dir : options_.state_dir),
      run_dir_(options_.run_dir.empty() ? config_.run_dir : options_.run_dir),
      actuator_socket_(options_.actuator_socket.empty() ? config_.actuator_socket : options_.actuator_socket),
      worker_(io),
      orders_(io),
      leases_(io.get_executor(),
              [this](const LeaseAnswer& answer) {
                pipeline_->lease(answer, now());
                plan_wake();
              }),
      proposals_(io.get_executor(), [this](const SignedWord& word) { hear(word); }),
      second_(io),
      wake_(io),
      signals_(io, SIGTERM, SIGINT, SIGHUP),
      started_(wall_now()),
      checkpointed_(mono_now()) {
  pipeline_ = std::make_unique<Pipeline>(make_engine(config_.engine), std::move(settings.runbooks),
                                         std::move(settings.policy), *this);
}

Daemon::~Daemon() {
  pipeline_->record_on(nullptr);
  if (recorder_) recorder_->stop();
  orders_.stop();
  worker_.stop();
}

Status Daemon::start() {
  if (Status opened = open_store(); !opened) return std::move(opened).error().in("store");
  reporter_ = std::make_unique<Reporter>(io_, worker_, *store_);
  reporter_->keep(kept_config());
  if (Status reporting = reporter_->connect(config_.upstream); !reporting)
    log_error("upstream: " + reporting.error().message());
  leases_.connect(config_.upstream);
  proposals_.connect(config_.upstream);
  if (Status restored = restore(); !restored) log_error("restore: " + restored.error().message());
  if (config_.recorder.enabled && no_disk_.empty()) start_recorder();
  if (Status listening = listen(); !listening) return listening;

  wait_signal();
  every_second();
  // Readiness is best effort: without a service manager nobody waits for it.
  (void)notify_manager("READY=1\nSTATUS=" + status_line());
  return ok();
}

Status Daemon::listen() {
  // What the process makes has its group already; changing owners is not among the calls that the unit allows.
  const int wanted = group_id(config_.control_group);
  const int group = wanted == static_cast<int>(::getegid()) ? -1 : wanted;
  auto probe = listen(kProbe, "probe.sock", "hostmedic-probe", group);
  if (!probe) return std::move(probe).error();
  probe_ = std::move(*probe);
  auto checks = listen(kChecks, "check.sock", "hostmedic-check", group);
  if (!checks) return std::move(checks).error();
  checks_ = std::move(*checks);
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

Result<std::unique_ptr<ProbeListener>> Daemon::listen(std::size_t source, const std::string& name, const char* user,
                                                      int group) {
  auto listener = std::make_unique<ProbeListener>(
      io_, std::vector<unsigned>{0, ::getuid(), user_id(user)},
      [this, source](const Frame& frame) { on_frame(source, frame); },
      [this, source](bool connected, const std::string& why) {
        if (!connected) pipeline_->frame(merge_.lost(source));
        source == kProbe ? on_probe(connected, why) : on_checks(connected, why);
      });
  if (Status listening = listener->listen(run_dir_ + "/" + name, group); !listening)
    return std::move(listening).error();
  return listener;
}

// After what was open is restored: the first snapshot has it.
void Daemon::start_recorder() {
  RecorderSettings settings;
  settings.dir = state_dir_ + "/recorder";
  settings.ring = {config_.recorder.keep, config_.recorder.size};
  settings.kept.keep = config_.recorder.keep_incidents;
  settings.before = config_.recorder.before;
  settings.version = version();
  settings.host = host_identity().name;
  settings.boot_id = host_identity().boot_id;
  settings.host_seed = fnv1a(host_identity().id);
  configuration_ = encode_config(collect_config(options_.paths));
  recorder_ = std::make_unique<FlightRecorder>(
      worker_, *pipeline_, std::move(settings),
      [this]() -> Result<DecidingState> {
        auto snapshot = pipeline_->snapshot();
        if (!snapshot) return std::move(snapshot).error();
        return DecidingState{configuration_, *std::move(snapshot)};
      },
      [](const std::string& text) { log_warning(text); });
  recorder_->start();
  pipeline_->record_on(recorder_.get());
}

// A checkpoint that cannot be used costs what was learnt, nothing else.
void Daemon::restore_models() {
  const auto bytes = read_file(models_path(), detect::kMostCheckpoint);
  if (!bytes && bytes.error().code == ErrorCode::not_found) return;
  const Status restored = bytes ? pipeline_->restore_models(*bytes) : bytes.error();
  if (!restored) log_warning("the models begin anew: " + restored.error().message());
}

void Daemon::checkpoint_models() {
  if (!no_disk_.empty()) return;
  auto bytes = pipeline_->checkpoint();
  if (!bytes) return log_error("models: " + bytes.error().message());
  worker_.run([path = models_path(), bytes = *std::move(bytes)] { return write_file_atomic(path, bytes, 0600); },
              [](const Status& written) {
                if (!written) log_error("the models could not be kept: " + written.error().message());
              });
  checkpointed_ = mono_now();
}

// Brakes, history and open incidents as they were before. An order without outcome is asked of the actuator, whose
// ledger knows; if it does not, the order counts as interrupted. Nothing is sent again.
Status Daemon::restore() {
  restore_brakes();
  restore_expected();
  restore_feedback();
  restore_experience();
  restore_models();
  auto history = store_->history(wall_now() - kHistory);
  if (!history) return std::move(history).error();
  pipeline_->set_history(std::move(*history));
  auto open_orders = store_->open_orders();
  if (!open_orders) return std::move(open_orders).error();
  auto unresolved = store_->unresolved();
  if (!unresolved) return std::move(unresolved).error();
  std::map<Entity, std::string> standing;
  for (Incident& incident : *unresolved) {
    // What was opened in memory, and was open on disk already, is a part of that.
    const auto [first, alone] = standing.emplace(incident.root, incident.id);
    if (!alone && incident.part_of.empty()) {
      incident.part_of = first->second;
      incident.active = false;
      ++incident.revision;
    }
    const auto orders = store_->orders_of(incident.id);
    if (!orders) return orders.error();
    pipeline_->restore(std::move(incident), *orders, now());
  }
  for (const Order& order : *open_orders) {
    orders_.run([path = actuator_socket_, order] { return query_outcome(path, order.key); },
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

void Daemon::ask_lease(const Order& order) { leases_.ask(order, mono_now()); }

// An order that nobody carried out says nothing of the treatment: it is judged again, not counted as a failure.
void Daemon::submit(const Order& order) {
  const auto refuse = [this, order](const std::string& why) {
    boost::asio::post(
        io_, [this, order, why] { finish(order, not_done(order, OutcomeResult::interrupted, why, wall_now())); });
  };
  if (!no_disk_.empty()) return refuse("not sent: an order is on disk before it is given, and there is none");
  const bool taken = worker_.run(
      [this, order] { return store_->put_order(order); },
      [this, order, refuse](Status written) {
        if (!written) return refuse("not sent: the order could not be written: " + written.error().message());
        const bool sent = orders_.run([path = actuator_socket_, order] { return execute_order(path, order); },
                                      [this, order](Result<Outcome> answer) {
                                        actuator_error_ = answer ? "" : answer.error().message();
                                        if (answer) return finish(order, std::move(*answer));
                                        finish(order, not_done(order, OutcomeResult::interrupted,
                                                               "actuator: " + answer.error().message(), wall_now()));
                                      });
        if (!sent) refuse("not sent: too many orders wait");
      });
  if (!taken) refuse("not sent: the store is too far behind");
}

// A word from afar. Only the actuator can tell whose it is, and approves by itself; then it is told who it was.
void Daemon::hear(const SignedWord& word) {
  ActuatorRequest request;
  request.kind = RequestKind::word;
  request.word = word;
  const auto refused = [this, word](const Error& error) {
    log_warning("a word on incident " + word.incident_id + " was not taken: " + error.message());
    proposals_.refused(word, error);
  };
  const bool sent = worker_.run(
      [path = actuator_socket_, request] { return ask_actuator(path, request, kActuatorHears); },
      [this, word, refused](Result<ActuatorAnswer> answer) {
        if (!answer) return refused(answer.error());
        const Status decided = word.approves ? pipeline_->approve(word.incident_id, answer->by, word.key, now())
                                             : pipeline_->reject(word.incident_id, answer->by, word.reason, now());
        if (!decided) return refused(decided.error());
        plan_wake();
      });
  if (!sent) refused(make_error(ErrorCode::io, "the agent is too far behind"));
}

void Daemon::finish(const Order& order, Outcome outcome) {
  log_notice(order.plan.what + ": " + std::string(to_string(outcome.result)) + ": " + outcome.text);
  worker_.run([this, outcome] { return store_->put_outcome(outcome); },
              [this](Status written) { reporter_->note_store(written); });
  pipeline_->outcome(outcome, now());
  plan_wake();
}

void Daemon::on_frame(std::size_t source, const Frame& frame) {
  if (source == kProbe) last_frame_ = mono_now();
  const Frame& merged = merge_.take(source, frame);
  for (const Event& event : merged.events) {
    if (event.kind == EventKind::agent_budget) log_notice(detect::explain_event({EntityKind::agent, ""}, event));
  }
  pipeline_->frame(merged);
  plan_wake();
}

Result<std::vector<Entity>> Daemon::mark_deployment(const DeploymentMark& mark) {
  const Now at = now();
  const auto frame = marks_.mark(mark, pipeline_->engine().host(), at.mono, at.wall);
  if (!frame) return frame.error();
  std::vector<Entity> marked;
  for (const EntityDef& def : frame->entities) marked.push_back(def.entity);
  log_notice("deployment of " + mark.name + (mark.version.empty() ? "" : " " + mark.version) + " marked on " +
             mark.entity + " by " + mark.by);
  on_frame(kMarks, *frame);
  return marked;
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

void Daemon::on_checks(bool connected, const std::string& why) {
  log_info(connected ? "active checks connected" : "active checks lost: " + why);
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
    leases_.every_second(at.mono, pipeline_->at_work());
    proposals_.every_second(at.mono, pipeline_->proposals());
    if (at.mono - checkpointed_ > kCheckpointEvery) checkpoint_models();
    look_for_disk();
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
    checkpoint_models();
    (void)notify_manager("STOPPING=1");
    io_.stop();
  });
}

Status Daemon::reload() {
  (void)notify_manager(strf("RELOADING=1\nMONOTONIC_USEC=%lld", static_cast<long long>(monotonic_us())));
  auto settings = load_settings(options_.paths);
  config_error_ = settings ? "" : settings.error().context;
  if (settings) apply(std::move(*settings));
  (void)notify_manager("READY=1\nSTATUS=" + status_line());
  if (!settings) return std::move(settings).error().in("the old configuration stays");
  return ok();
}

void Daemon::apply(Settings settings) {
  bool detection_changed = false, upstream_changed = false;
  for (const KeyChange& change : changed_keys(config_, settings.agent)) {
    log_notice("changed: " + change.key + (change.restart ? " (takes effect at the next restart)" : ""));
    detection_changed |= concerns_detection(change);
    upstream_changed |= change.key.starts_with("upstream.");
  }
  config_ = std::move(settings.agent);
  configuration_ = encode_config(collect_config(options_.paths));
  set_log_level(config_.log_level);
  reporter_->keep(kept_config());
  pipeline_->reconfigure(detection_changed ? make_engine(config_.engine) : nullptr, std::move(settings.runbooks),
                         std::move(settings.policy));
  if (detection_changed) merge_.restart();  // the new engine knows no series yet
  if (!upstream_changed) return;
  leases_.connect(config_.upstream);
  proposals_.connect(config_.upstream);
  if (const Status connected = reporter_->connect(config_.upstream); !connected)
    log_error("upstream: " + connected.error().message());
}

}  // namespace hostmedic
