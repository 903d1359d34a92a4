// SPDX-License-Identifier: Apache-2.0
// The models that look at a whole group: run once a minute at most, each behind its circuit breaker.
#include <algorithm>
#include <limits>

#include "detect/scorer_state.h"

namespace hostmedic::detect {

namespace {
constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
constexpr double kComesInDays = 7;    // until a model counts in full: a young one is wrong more often
constexpr float kJointWeight = 0.5F;  // 0.3 to 1 do about the same: more finds more events, but ranks moments less well
constexpr float kMostCorrelation = 500;  // of evidence: a model counts no more than a few series
constexpr double kForgetSeconds = 14 * 86400;
constexpr float kShout = 10;  // evidence that counts as an alarm of the model alone
// Of processor time, a model's steps in one tick, over all groups that are due in it.
constexpr Duration kModelBudget = std::chrono::milliseconds(2);

// A score in multiples of what is usual, with the dead zone of the series' own deviations.
float evidence_of(double score, double usual) {
  const auto over = static_cast<float>(std::max(0.0, score / std::max(usual * usual, 1e-12) - 3));
  return std::min(over * std::sqrt(over), kMostCorrelation);
}
}  // namespace

void Scorer::Internals::make_models(GroupState& group) {
  group.models.resize(models.size() - kAlwaysOn.size());
  for (std::size_t i = 0; i < group.models.size(); ++i) {
    const RunningModel& model = models[kAlwaysOn.size() + i];
    group.models[i] = {};
    if (model.mode == ModelMode::off) continue;
    group.models[i].model = model.info->make({.interval = config.interval * stride, .seed = config.seed});
    group.models[i].model->resize(std::min(group.members.size(), kMostMembers));
  }
}

void Scorer::Internals::step_models(GroupState& group, MonoTime time) {
  const std::size_t size = std::min(group.members.size(), kMostMembers);
  if (size == 0) return;
  bool any = false;
  for (const GroupMember& member : group.models) any |= member.model != nullptr;
  if (!any) return;
  for (std::size_t i = 0; i < size; ++i) {
    const Slot slot = group.members[i];
    const bool known = slot != kNobody && rows[slot].seen + kPeriodsSilent * rows[slot].period >= now;
    values[i] = known ? at(&LevelBlock::last, slot) : kUnknown;
    deviations[i] = known ? at(&LevelBlock::level, slot) : kUnknown;
  }
  const GroupReading reading{.at = time,
                             .values = std::span(values).first(size),
                             .deviations = std::span(deviations).first(size),
                             .learn = !group.held};
  for (std::size_t i = 0; i < group.models.size(); ++i) {
    RunningModel& model = models[kAlwaysOn.size() + i];
    GroupMember& member = group.models[i];
    if (!member.model || !model.allowed || model.breaker.is_out()) continue;
    const Duration began = config.stopwatch != nullptr ? config.stopwatch() : Duration{};
    const double score = static_cast<double>(member.model->step(reading));
    if (config.stopwatch != nullptr) model.spent += config.stopwatch() - began, model.looked += size;
    if (!member.model->healthy() || std::isinf(score) || score < 0) {
      model.breaker.fail(time, "its state is no number");
      model.allowed = false;
      for (GroupState& each : groups)
        if (i < each.models.size()) each.models[i].score = 0;
      continue;
    }
    if (std::isnan(score)) continue;  // it learns
    const double step_seconds = to_seconds(config.interval) * stride;
    const auto trust = static_cast<float>(std::min(1.0, member.scores * step_seconds / (kComesInDays * 86400)));
    const float evidence =
        model.info->evidence ? std::min(static_cast<float>(score), kMostCorrelation) : evidence_of(score, member.usual);
    member.score = kJointWeight * trust * evidence;
    if (!group.held) {
      member.usual +=
          std::max(step_seconds / kForgetSeconds, 1 / (member.scores + 1)) * (std::sqrt(score) - member.usual);
      member.scores += 1;
    }
    const bool above = evidence >= kShout;
    model.alarms += above && !member.above ? 1 : 0;
    if (above && !member.above) member.claim = now;
    member.above = above;
    if ((model.seconds += step_seconds) > 2 * kForgetSeconds) model.seconds /= 2, model.alarms /= 2;
  }
}

// What the step's models cost, where somebody measures; and the day's end.
void Scorer::Internals::end_models(MonoTime time) {
  constexpr double kWeight = 0.05;
  for (RunningModel& model : models) {
    if (model.looked == 0) continue;
    const double ns = static_cast<double>(model.spent.count()) / static_cast<double>(model.looked);
    model.cost_ns += (ns - model.cost_ns) * (model.cost_ns == 0 ? 1 : kWeight);
    model.breaker.cost(time, model.spent, kModelBudget);
    model.spent = {};
    model.looked = 0;
  }
  if ((now - day_began) * to_seconds(config.interval) >= 86400) end_day();
}

}  // namespace hostmedic::detect
