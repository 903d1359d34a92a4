// SPDX-License-Identifier: Apache-2.0
// container.restart, container.pause, container.stop: asked of the engine. Without an engine the kernel can still
// pause.
#include "actions/catalog/container/effect_found.h"
#include "actions/catalog/container/effect_group.h"
#include "actions/catalog/effect_table.h"
#include "actions/catalog/effect_unit.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

using guard::TargetState;

// Whoever stops a container lets it end by SIGTERM or SIGKILL.
bool stopped_by_hand(const EngineContainer& engine) {
  constexpr std::int64_t kTerminated = 143, kKilled = 137;
  return engine.exit_code == 0 ||
         (!engine.oom_killed && (engine.exit_code == kTerminated || engine.exit_code == kKilled));
}

TargetState restart_state(const Plan& plan, const EffectContext&, std::string& ret_text) {
  const auto found = find_any_container(plan.target.name);
  const TargetState state = running_state(found, ret_text);
  if (!found) return state;
  if (!found->engine) return TargetState::unknown;
  const EngineContainer& engine = *found->engine;
  if (engine.state == "restarting" || engine.state == "removing" || engine.health == "starting")
    return TargetState::changing;
  if (engine.state == "exited" && !stopped_by_hand(engine)) return TargetState::faulty;
  if (engine.state != "running") {
    ret_text += ": somebody left it so";
    return TargetState::recovered;
  }
  return engine.health == "healthy" ? TargetState::recovered : TargetState::faulty;
}

TargetState pause_state(const Plan& plan, const EffectContext&, std::string& ret_text) {
  const auto found = find_any_container(plan.target.name);
  const TargetState state = running_state(found, ret_text);
  if (state != TargetState::faulty) return state;
  if (found->engine ? found->engine->state == "paused" : found->frozen) return TargetState::recovered;
  if (found->engine && found->engine->state == "restarting") return TargetState::changing;
  return state;
}

TargetState stop_state(const Plan& plan, const EffectContext&, std::string& ret_text) {
  const auto found = find_any_container(plan.target.name);
  const TargetState state = running_state(found, ret_text);
  if (!found) return state;
  if (!found->engine) return TargetState::unknown;
  // One that is started again and again has no process half of the time.
  return found->engine->state == "restarting" ? TargetState::faulty : state;
}

Outcome execute(const Order& order, const EffectContext& context) { return run_in_unit(order, context, {}); }
Outcome execute_pause(const Order& order, const EffectContext& context) {
  return run_in_unit(order, context, {.cgroups = true});
}
Outcome undo(const Order& order, const Outcome& first, const EffectContext& context) {
  return undo_in_unit(order, first, context, {});
}
Outcome undo_pause(const Order& order, const Outcome& first, const EffectContext& context) {
  return undo_in_unit(order, first, context, {.cgroups = true});
}

// Tells the engine, and looks at what came of it.
int tell(const FoundContainer& found, std::string_view verb, const Plan& plan, const char* wanted) {
  const MonoTime begin = mono_now();
  const Status told = tell_engine(*found.engine, verb, plan.timeout / 10 * 9);
  print_detail("took_ms", strf("%lld", static_cast<long long>((mono_now() - begin) / std::chrono::milliseconds(1))));
  if (!told) return ended(kEffectFailed, told.error().message());
  const auto after = find_any_container(found.id);
  if (!after) return ended(kEffectFailed, after.error().message());
  const bool well = after->engine && after->engine->state == wanted;
  print_detail("pid_after", strf("%u", after->pid));
  return ended(well ? kEffectDone : kEffectFailed, words(*after));
}

int restart_inside(const Plan& plan, const InsideContext&) {
  const auto found = find_any_container(plan.target.name);
  if (!found) return ended(kEffectFailed, found.error().message());
  if (!found->engine) return ended(kEffectFailed, words(*found));
  print_container(*found);
  return tell(*found, "restart?t=10", plan, "running");
}

int stop_inside(const Plan& plan, const InsideContext&) {
  const auto found = find_any_container(plan.target.name);
  if (!found) return ended(kEffectFailed, found.error().message());
  if (!found->engine) return ended(kEffectFailed, words(*found));
  print_container(*found);
  return tell(*found, "stop?t=10", plan, "exited");
}

int freeze(const FoundContainer& found, bool frozen) {
  const Status done = freeze_group(found.group, frozen);
  if (!done) return ended(kEffectFailed, done.error().message());
  return ended(kEffectDone, "container " + found.name + (frozen ? " is frozen" : " goes on") +
                                " by its control group, without an engine");
}

int pause_inside(const Plan& plan, const InsideContext&) {
  const auto found = find_any_container(plan.target.name);
  if (!found) return ended(kEffectFailed, found.error().message());
  print_container(*found);
  return found->engine ? tell(*found, "pause", plan, "paused") : freeze(*found, true);
}

// The container that the order treated, if it is still there: by its id, never by a name that may be another's now.
Result<FoundContainer> again(std::span<const Attribute> was) {
  for (const Attribute& one : was)
    if (one.key == "container_id") return find_any_container(one.value);
  return make_error(ErrorCode::not_found, "the order did not get so far as to find its container");
}

int undo_pause_inside(const Plan& plan, std::span<const Attribute> was, const InsideContext&) {
  const auto found = again(was);
  if (!found && found.error().code == ErrorCode::not_found) return ended(kEffectUnnecessary, found.error().message());
  if (!found) return ended(kEffectFailed, found.error().message());
  const bool paused = found->engine ? found->engine->state == "paused" : found->frozen;
  if (!paused) return ended(kEffectUnnecessary, words(*found));
  return found->engine ? tell(*found, "unpause", plan, "running") : freeze(*found, false);
}

int undo_stop_inside(const Plan& plan, std::span<const Attribute> was, const InsideContext&) {
  const auto found = again(was);
  if (!found && found.error().code == ErrorCode::not_found) return ended(kEffectUnnecessary, found.error().message());
  if (!found) return ended(kEffectFailed, found.error().message());
  if (found->pid != 0) return ended(kEffectUnnecessary, words(*found));
  if (!found->engine) return ended(kEffectFailed, words(*found));
  return tell(*found, "start", plan, "running");
}

}  // namespace

const EffectInfo kContainerRestartEffect{
    .action = "container.restart", .inspect = restart_state, .execute = execute, .inside = restart_inside};

const EffectInfo kContainerPauseEffect{.action = "container.pause",
                                       .inspect = pause_state,
                                       .execute = execute_pause,
                                       .inside = pause_inside,
                                       .undo = undo_pause,
                                       .undo_inside = undo_pause_inside};

const EffectInfo kContainerStopEffect{.action = "container.stop",
                                      .inspect = stop_state,
                                      .execute = execute,
                                      .inside = stop_inside,
                                      .undo = undo,
                                      .undo_inside = undo_stop_inside};

}  // namespace hostmedic
