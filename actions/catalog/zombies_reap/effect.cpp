// SPDX-License-Identifier: Apache-2.0
// zombies.reap: nobody can end what is dead; its parent has to ask for it, or to end. The parent is found here.
#include <algorithm>
#include <map>
#include <thread>

#include "actions/catalog/effect_service.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_victim.h"
#include "actions/catalog/plan_check.h"
#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

struct Parent {
  ProcessSeen process;
  std::string unit;
  std::uint64_t dead = 0;
};

std::uint64_t dead_children(const std::string& proc, int parent) {
  return static_cast<std::uint64_t>(std::ranges::count_if(
      list_processes(proc), [&](const ProcessSeen& one) { return is_dead(one) && one.parent == parent; }));
}

// Who leaves most of its children unasked for. nullopt: nobody does.
std::optional<Parent> worst_parent(const std::string& proc) {
  std::map<int, std::uint64_t> dead;
  for (const ProcessSeen& process : list_processes(proc))
    if (is_dead(process)) ++dead[process.parent];
  if (dead.empty()) return std::nullopt;
  const auto worst = std::ranges::max_element(dead, {}, [](const auto& one) { return one.second; });
  auto process = read_process(proc, worst->first);
  if (!process) return std::nullopt;  // it ended meanwhile, and its children with it
  return Parent{std::move(*process), unit_of_process(proc, worst->first), worst->second};
}

struct Finding {
  TargetState state = TargetState::unknown;
  std::string text;
  std::optional<Parent> parent;
};

Finding find(const Plan& plan, const EffectContext& context) {
  Finding finding;
  finding.parent = worst_parent(context.proc);
  if (!finding.parent) return {TargetState::recovered, "no process is dead and unasked for", std::nullopt};
  const Parent& parent = *finding.parent;
  finding.text = words_of(parent.process) + (parent.unit.empty() ? "" : " of " + parent.unit) +
                 strf(" has %llu dead children", static_cast<unsigned long long>(parent.dead));
  if (parent.dead < parse_u64(plan.get("least")).value_or(~0ULL)) {
    finding.state = TargetState::recovered;
    return finding;
  }
  const std::string spared = why_spared(parent.process, parent.unit, spare_text(context.policy));
  if (!spared.empty() || !is_service_unit(parent.unit)) {
    finding.text += "; " + (spared.empty() ? "it belongs to no service, so a human has to end it" : spared);
    return finding;
  }
  UnitStatus status;
  std::string unit_text;
  finding.state = look_at_unit(parent.unit, context, status, unit_text);
  finding.text += "; " + unit_text;
  if (finding.state == TargetState::faulty && status.active_state != "active") finding.state = TargetState::changing;
  return finding;
}

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  Finding finding = find(plan, context);
  ret_text = std::move(finding.text);
  return finding.state;
}

// Waits a moment: init asks for what it inherits at once.
std::uint64_t dead_afterwards(const std::string& proc, int parent) {
  constexpr Duration kMost = std::chrono::seconds(3), kPause = std::chrono::milliseconds(50);
  const MonoTime end = mono_now() + kMost;
  std::uint64_t dead = dead_children(proc, parent);
  while (dead > 0 && mono_now() < end) {
    std::this_thread::sleep_for(kPause);
    dead = dead_children(proc, parent);
  }
  return dead;
}

Outcome execute(const Order& order, const EffectContext& context) {
  const Finding finding = find(order.plan, context);
  Outcome outcome;
  outcome.text = finding.text;
  if (finding.state != TargetState::faulty) return outcome;
  const Parent& parent = *finding.parent;
  const UnitJob job = order.plan.get("how") == "reload" ? UnitJob::reload : UnitJob::restart;
  outcome = run_job(parent.unit, job, order.plan.timeout, context);
  const std::uint64_t left = dead_afterwards(context.proc, parent.process.pid);
  outcome.details.push_back({"parent_pid", strf("%d", parent.process.pid)});
  outcome.details.push_back({"parent_name", parent.process.name});
  outcome.details.push_back({"parent_unit", parent.unit});
  outcome.details.push_back({"dead_before", strf("%llu", static_cast<unsigned long long>(parent.dead))});
  outcome.details.push_back({"dead_after", strf("%llu", static_cast<unsigned long long>(left))});
  if (outcome.result == OutcomeResult::done && left >= parent.dead) {
    outcome.result = OutcomeResult::failed;
    outcome.text += "; but it still does not ask for its dead children";
  }
  return outcome;
}

}  // namespace

const EffectInfo kZombiesReapEffect{
    .action = "zombies.reap", .inspect = inspect, .execute = execute, .inside = nullptr};

}  // namespace hostmedic
