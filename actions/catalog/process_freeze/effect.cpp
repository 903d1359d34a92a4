// SPDX-License-Identifier: Apache-2.0
// process.freeze: a service through systemd's freezer, a single process by SIGSTOP; undo thaws exactly that.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <thread>

#include "actions/catalog/effect_service.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/effect_victim.h"
#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

VictimQuery query_of(const Plan& plan, std::string spare) {
  return {.unit = {},
          .name = plan.target.name,
          .spare = std::move(spare),
          .by = measure_from(plan.get("victim")).value_or(Measure::cpu)};
}

// systemd ends a service that does not report in time, and one that is held still does not. Empty: it may be held.
std::string why_watched(const std::string& unit, const EffectContext& context) {
  constexpr std::string_view kWatchdog[] = {"WatchdogUSec"};
  const auto period = context.manager.numbers(unit, kWatchdog);
  const bool watched = period && period->size() == 1 && period->front().value != 0 && period->front().value != kNoLimit;
  return watched ? unit + " has a watchdog that would end it" : std::string();
}

TargetState inspect_unit(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  UnitStatus status;
  const TargetState seen = look_at_unit(plan.target.name, context, status, ret_text);
  if (seen != TargetState::faulty) return seen;
  if (status.active_state != "active")
    return status.active_state == "activating" ? TargetState::changing : TargetState::gone;
  if (status.freezer_state.empty()) {
    ret_text += "; this systemd cannot freeze";
    return TargetState::unknown;
  }
  if (const std::string watched = why_watched(plan.target.name, context); !watched.empty()) {
    ret_text += "; " + watched;
    return TargetState::unknown;
  }
  ret_text += " and " + status.freezer_state;
  if (status.freezer_state == "frozen") return TargetState::recovered;
  return status.freezer_state == "running" ? TargetState::faulty : TargetState::changing;
}

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  // Nothing stays frozen because somebody forgot it.
  if (plan.lasts <= Duration{}) {
    ret_text = "the freeze has no end";
    return TargetState::unknown;
  }
  if (plan.target.kind == EntityKind::service) return inspect_unit(plan, context, ret_text);
  const VictimQuery query = query_of(plan, spare_text(context.policy));
  const auto victim = find_victim(context.proc, query);
  if (!victim) {
    ret_text = victim.error().message();
    return victim.error().code == ErrorCode::not_found ? TargetState::gone : TargetState::unknown;
  }
  ret_text = words_of(victim->process) + " takes " + in_words(query.by, victim->value);
  if (const std::string watched = victim->unit.ends_with(".service") ? why_watched(victim->unit, context) : "";
      !watched.empty()) {
    ret_text += "; " + watched;
    return TargetState::unknown;
  }
  return victim->process.state == 'T' ? TargetState::recovered : TargetState::faulty;
}

Outcome freeze_unit(const std::string& unit, bool frozen, const EffectContext& context) {
  const Status set = context.manager.freeze(unit, frozen);
  Outcome outcome;
  outcome.result = set ? OutcomeResult::done : OutcomeResult::failed;
  outcome.text = set ? unit + (frozen ? " is frozen" : " is thawed") : set.error().message();
  return outcome;
}

Outcome execute(const Order& order, const EffectContext& context) {
  if (order.plan.target.kind == EntityKind::service) return freeze_unit(order.plan.target.name, true, context);
  Order whole = order;
  std::erase_if(whole.plan.parameters, [](const Attribute& one) { return one.key == "spare"; });
  whole.plan.parameters.push_back({"spare", spare_text(context.policy)});
  return run_in_unit(whole, context, {.capabilities = {"CAP_KILL"}});
}

Outcome undo(const Order& order, const Outcome& first, const EffectContext& context) {
  if (order.plan.target.kind == EntityKind::service) return freeze_unit(order.plan.target.name, false, context);
  return undo_in_unit(order, first, context, {.capabilities = {"CAP_KILL"}});
}

// Sends the signal and waits until the process is stopped, or is no more.
Status send(const std::string& proc, const ProcessSeen& process, int signal) {
  constexpr Duration kMost = std::chrono::seconds(2), kPause = std::chrono::milliseconds(10);
  const auto handle = open_process(proc, process);
  if (!handle) return handle.error();
  if (::syscall(SYS_pidfd_send_signal, handle->get(), signal, nullptr, 0) != 0)
    return errno_error(errno, words_of(process));
  const MonoTime end = mono_now() + kMost;
  for (auto now = read_process(proc, process.pid); now; now = read_process(proc, process.pid)) {
    if ((now->state == 'T') == (signal == SIGSTOP)) return ok();
    if (mono_now() >= end)
      return make_error(ErrorCode::timeout, words_of(process) + " is in state " + now->state + " still");
    std::this_thread::sleep_for(kPause);
  }
  // uncovered: it has to end between the signal and the look at it
  return make_error(ErrorCode::not_found, words_of(process) + " is gone");
}

int report(const Status& sent, const std::string& what) {
  print_detail("text", sent ? what : sent.error().message());
  if (sent) return kEffectDone;
  return sent.error().code == ErrorCode::not_found ? kEffectUnnecessary : kEffectFailed;
}

int inside(const Plan& plan, const InsideContext& context) {
  const auto victim = find_victim(context.proc, query_of(plan, std::string(plan.get("spare"))));
  if (!victim) return report(victim.error(), {});
  print_detail("was_pid", strf("%d", victim->process.pid));
  print_detail("was_name", victim->process.name);
  print_detail("was_started", strf("%llu", static_cast<unsigned long long>(victim->process.started)));
  return report(send(context.proc, victim->process, SIGSTOP), words_of(victim->process) + " is stopped");
}

int undo_inside(const Plan&, std::span<const Attribute> was, const InsideContext& context) {
  const auto told = [&](std::string_view key) {
    const auto found = std::ranges::find(was, key, &Attribute::key);
    return found == was.end() ? std::string() : found->value;
  };
  const auto pid = parse_u64(told("was_pid")), started = parse_u64(told("was_started"));
  if (!pid || !started) return report(make_error(ErrorCode::malformed, "which process it was is not known"), {});
  ProcessSeen process;
  process.pid = static_cast<int>(*pid);
  process.name = told("was_name");
  process.started = *started;
  return report(send(context.proc, process, SIGCONT), words_of(process) + " goes on");
}

}  // namespace

const EffectInfo kProcessFreezeEffect{.action = "process.freeze",
                                      .inspect = inspect,
                                      .execute = execute,
                                      .inside = inside,
                                      .undo = undo,
                                      .undo_inside = undo_inside};

}  // namespace hostmedic
