// SPDX-License-Identifier: Apache-2.0
// service.scale: which instance is started or stopped is decided here, from what runs now.
#include <algorithm>

#include "actions/catalog/effect_service.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/service_scale/instance.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

constexpr std::string_view kInstance = "instance", kJob = "job";

// Numbers 1 to 32, and the target's own, by what they do now.
struct Instances {
  std::vector<std::uint64_t> active, changing, idle;
};

Result<Instances> look(const Instance& target, const EffectContext& context) {
  Instances seen;
  for (std::uint64_t number = 1; number <= kMostInstances; ++number) {
    const auto status = context.manager.status(name_of({target.prefix, number}));
    if (!status) return status.error();
    if (status->load_state != "loaded") return make_error(ErrorCode::not_found, target.prefix + " is no template");
    const bool idle = status->active_state == "inactive" || status->active_state == "failed";
    (status->active_state == "active" ? seen.active : idle ? seen.idle : seen.changing).push_back(number);
  }
  if (target.number < 1 || target.number > kMostInstances)
    return make_error(ErrorCode::unsupported, "instances beyond 1 to 32 are not looked after");
  return seen;
}

struct Choice {
  TargetState state = TargetState::unknown;
  std::string text, unit;
  UnitJob job = UnitJob::start;
};

Choice choose(const Plan& plan, const EffectContext& context) {
  Choice choice;
  const auto target = instance_of(plan.target.name);
  const auto most = parse_u64(plan.get("most")), least = parse_u64(plan.get("least"));
  if (!target || !most || !least) return choice;  // validate() has refused it before
  const auto seen = look(*target, context);
  if (!seen) {
    choice.text = seen.error().message();
    choice.state = seen.error().code == ErrorCode::not_found ? TargetState::gone : TargetState::unknown;
    return choice;
  }
  const bool out = plan.get("direction") == "out";
  choice.text = strf("%zu instances of %s are active, ", seen->active.size(), target->prefix.c_str()) +
                (out ? strf("%llu may be", static_cast<unsigned long long>(*most))
                     : strf("%llu stay", static_cast<unsigned long long>(*least)));
  if (!seen->changing.empty()) {
    choice.text += "; " + name_of({target->prefix, seen->changing.front()}) + " is starting or stopping";
    choice.state = TargetState::changing;
    return choice;
  }
  const bool needless = out ? seen->active.size() >= *most || seen->idle.empty() : seen->active.size() <= *least;
  choice.state = needless ? TargetState::recovered : TargetState::faulty;
  if (needless) return choice;
  choice.job = out ? UnitJob::start : UnitJob::stop;
  choice.unit = name_of({target->prefix, out ? seen->idle.front() : seen->active.back()});
  choice.text += "; " + std::string(to_string(choice.job)) + " " + choice.unit;
  return choice;
}

TargetState inspect(const Plan& plan, const EffectContext& context, std::string& ret_text) {
  Choice choice = choose(plan, context);
  ret_text = std::move(choice.text);
  return choice.state;
}

// The policy may protect an instance that the plan did not name.
std::string why_protected(const std::string& unit, const guard::Policy& policy) {
  for (const std::string& glob : policy.protected_entities)
    if (glob_match(glob, "service:" + unit)) return unit + " is protected by '" + glob + "'";
  return {};
}

Outcome execute(const Order& order, const EffectContext& context) {
  const Choice choice = choose(order.plan, context);
  Outcome outcome;
  outcome.text = choice.text;
  if (choice.state != TargetState::faulty) return outcome;
  if (std::string why = why_protected(choice.unit, context.policy); !why.empty()) {
    outcome.result = OutcomeResult::refused;
    outcome.text = std::move(why);
    return outcome;
  }
  outcome = run_job(choice.unit, choice.job, order.plan.timeout, context);
  outcome.details.push_back({std::string(kInstance), choice.unit});
  outcome.details.push_back({std::string(kJob), std::string(to_string(choice.job))});
  return outcome;
}

Outcome undo(const Order& order, const Outcome& first, const EffectContext& context) {
  const auto told = [&](std::string_view key) {
    const auto found = std::ranges::find(first.details, key, &Attribute::key);
    return found == first.details.end() ? std::string() : found->value;
  };
  const auto target = instance_of(order.plan.target.name), instance = instance_of(told(kInstance));
  if (!target || !instance || instance->prefix != target->prefix) {
    Outcome outcome;
    outcome.text = "which instance it was is not known";
    return outcome;
  }
  const UnitJob job = told(kJob) == "start" ? UnitJob::stop : UnitJob::start;
  return run_job(name_of(*instance), job, order.plan.timeout, context);
}

}  // namespace

const EffectInfo kServiceScaleEffect{
    .action = "service.scale", .inspect = inspect, .execute = execute, .inside = nullptr, .undo = undo};

}  // namespace hostmedic
