// SPDX-License-Identifier: Apache-2.0
// service.kill_process, process.terminate and memory.relieve: chooses one process again, just before, and ends it. Each
// life ends in one order: no second victim is chosen before the first is gone and its memory free.
#include <algorithm>
#include <thread>

#include "actions/catalog/effect_service.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "actions/catalog/effect_victim.h"
#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

constexpr std::string_view kSpare = "spare", kMainPid = "main_pid";

VictimQuery query_of(const Plan& plan) {
  VictimQuery query;
  query.unit = plan.target.kind == EntityKind::service ? plan.target.name : std::string(plan.get("unit"));
  if (query.unit == "any") query.unit.clear();
  if (plan.target.kind == EntityKind::process) query.name = plan.target.name;
  query.spare = plan.get(kSpare);
  query.by = measure_from(plan.get("victim")).value_or(Measure::memory);
  query.least = parse_u64(plan.get("least")).value_or(0);
  query.need = parse_u64(plan.get("need")).value_or(0);
  query.least_share = parse_double(plan.get("least_share")).value_or(0);
  query.pid = static_cast<int>(parse_u64(plan.get(kMainPid)).value_or(0));
  return query;
}

void replace(Plan& plan, std::string_view name, std::string value) {
  std::erase_if(plan.parameters, [&](const Attribute& one) { return one.key == name; });
  plan.parameters.push_back({std::string(name), std::move(value)});
}

// The order with what only the actuator knows: whom its policy spares, and which process systemd calls the main one.
Result<Order> completed(Order order, const EffectContext& context) {
  replace(order.plan, kSpare, spare_text(context.policy));
  std::erase_if(order.plan.parameters, [](const Attribute& one) { return one.key == kMainPid; });
  if (order.plan.get("victim") == "main") {
    const auto status = context.manager.status(order.plan.target.name);
    if (!status) return status.error();
    if (status->main_pid == 0) return make_error(ErrorCode::not_found, order.plan.target.name + " has no main process");
    replace(order.plan, kMainPid, strf("%u", status->main_pid));
  }
  return order;
}

std::string words_of(const Victim& victim, Measure by) {
  std::string text = words_of(victim.process);
  if (!victim.unit.empty()) text += " of " + victim.unit;
  return text + " takes " + in_words(by, victim.value) +
         strf(", %.0f%% of what it and %zu others take", victim.share * 100, victim.others);
}

TargetState state_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::not_found: return TargetState::gone;
    case ErrorCode::limit: return TargetState::recovered;
    // The effect, which may look, looks again before it does anything.
    case ErrorCode::unsupported: return TargetState::faulty;
    default: return TargetState::unknown;
  }
}

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  if (plan.target.kind == EntityKind::service) {
    UnitStatus status;
    const TargetState seen = look_at_unit(plan.target.name, context, status, ret_text);
    if (seen != TargetState::faulty) return seen;
    if (status.active_state != "active" && status.active_state != "deactivating")
      return status.active_state == "activating" ? TargetState::changing : TargetState::gone;
  }
  Order order;
  order.plan = plan;
  const auto whole = completed(std::move(order), context);
  if (!whole) {
    ret_text = whole.error().message();
    return state_of(whole.error());
  }
  const VictimQuery query = query_of(whole->plan);
  const auto victim = find_victim(context.proc, query);
  ret_text = victim ? words_of(*victim, query.by) : victim.error().message();
  return victim ? TargetState::faulty : state_of(victim.error());
}

Outcome execute(const Order& order, const EffectContext& context) {
  const auto whole = completed(order, context);
  if (whole) return run_in_unit(*whole, context, {.capabilities = {"CAP_DAC_READ_SEARCH", "CAP_KILL"}});
  Outcome outcome;
  outcome.result = OutcomeResult::failed;
  outcome.text = whole.error().message();
  return outcome;
}

std::optional<std::uint64_t> available(const std::string& proc) {
  const auto text = read_file(proc + "/meminfo", kib(64));
  if (!text) return std::nullopt;
  TextCursor lines(*text);
  while (!lines.at_end()) {
    TextCursor line(lines.line());
    if (line.word() != "MemAvailable:") continue;
    const auto kibibytes = line.u64();
    return kibibytes ? std::optional(*kibibytes << 10) : std::nullopt;
  }
  return std::nullopt;
}

// The kernel gives pages back a moment after a process has ended. Returns when half of them are there, or soon after.
void wait_for_memory(const std::string& proc, std::optional<std::uint64_t> before, std::uint64_t expected) {
  constexpr Duration kMost = std::chrono::seconds(3), kPause = std::chrono::milliseconds(50);
  const MonoTime end = mono_now() + kMost;
  auto now = available(proc);
  while (before && now && *now < *before + expected / 2 && mono_now() < end) {
    std::this_thread::sleep_for(kPause);
    now = available(proc);
  }
  if (before) print_detail("available_before", strf("%llu", static_cast<unsigned long long>(*before)));
  if (now) print_detail("available_after", strf("%llu", static_cast<unsigned long long>(*now)));
}

void print_victim(const Victim& victim, const VictimQuery& query) {
  print_detail("victim_pid", strf("%d", victim.process.pid));
  print_detail("victim_name", victim.process.name);
  print_detail("victim_unit", victim.unit);
  print_detail("victim_takes", strf("%llu", static_cast<unsigned long long>(victim.value)));
  print_detail("victim_share", strf("%.3f", victim.share));
  print_detail("victim_measure", in_words(query.by, victim.value));
}

int inside(const Plan& plan, const InsideContext& context) {
  const VictimQuery query = query_of(plan);
  const Duration grace = parse_duration(plan.get("grace")).value_or(Duration{});
  const auto victim = find_victim(context.proc, query);
  if (!victim) {
    print_detail("text", victim.error().message());
    const bool needless = victim.error().code == ErrorCode::not_found || victim.error().code == ErrorCode::limit;
    return needless ? kEffectUnnecessary : kEffectFailed;
  }
  print_victim(*victim, query);
  const auto before = available(context.proc);
  constexpr auto kReserve = std::chrono::seconds(5);  // to report before the unit's own time limit
  const auto ended =
      end_process(context.proc, victim->process, grace, plan.timeout - std::min(plan.timeout / 2, Duration(kReserve)));
  if (!ended) {
    print_detail("text", ended.error().message());
    return ended.error().code == ErrorCode::not_found ? kEffectUnnecessary : kEffectFailed;
  }
  if (query.by == Measure::memory) wait_for_memory(context.proc, before, victim->value);
  print_detail("signal", ended->killed ? "SIGKILL" : "SIGTERM");
  print_detail("took_ms", strf("%lld", static_cast<long long>(ended->took / std::chrono::milliseconds(1))));
  print_detail("text", words_of(*victim, query.by) + "; it ended by " +
                           (ended->killed ? "SIGKILL after its grace" : "SIGTERM") + " within " +
                           format_duration(ended->took));
  return kEffectDone;
}

}  // namespace

const EffectInfo kServiceKillProcessEffect{
    .action = "service.kill_process", .inspect = inspect, .execute = execute, .inside = inside};
const EffectInfo kProcessTerminateEffect{
    .action = "process.terminate", .inspect = inspect, .execute = execute, .inside = inside};
const EffectInfo kMemoryRelieveEffect{
    .action = "memory.relieve", .inspect = inspect, .execute = execute, .inside = inside};

}  // namespace hostmedic
