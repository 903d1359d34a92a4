// SPDX-License-Identifier: Apache-2.0
// How the models of a scorer fare, and what it takes of memory.
#include <algorithm>

#include "agent/base/text.h"
#include "detect/scorer_state.h"

namespace hostmedic::detect {

std::vector<ModelHealth> Scorer::health() const {
  const Internals& in = *internals_;
  std::vector<ModelHealth> all;
  for (const RunningModel& model : in.models) {
    ModelHealth& health = all.emplace_back();
    health.name = model.name;
    health.summary = model.summary;
    health.mode = model.mode;
    health.working = model.mode != ModelMode::off && !model.breaker.is_out();
    if (model.breaker.is_out()) health.reason = model.breaker.reason();
    if (model.mode == ModelMode::trial) health.reason += (health.reason.empty() ? "" : "; ") + describe(model.trial);
    if (model.info == nullptr && in.broken_series > 0)
      health.reason += (health.reason.empty() ? "" : "; ") +
                       strf("%llu series had to learn anew", static_cast<unsigned long long>(in.broken_series));
    health.cost_ns = model.cost_ns;
    health.alarm_rate = model.seconds > 0 ? model.alarms / std::max(1.0, model.seconds / 86400) : 0;
    if (model.info == nullptr) {
      health.bytes = model.name == "shape"    ? in.shapes.capacity() * sizeof(ShapeMemory)
                     : model.name == "season" ? in.seasons.size() * sizeof(SeasonBlock)
                                              : in.rows.size() * sizeof(LevelBlock) / kLanes / 2;
      continue;
    }
    if (model.info == nullptr) continue;
    const auto index = static_cast<std::size_t>(&model - in.models.data()) - kAlwaysOn.size();
    for (const GroupState& group : in.groups)
      if (index < group.models.size() && group.models[index].model)
        health.bytes += group.models[index].model->bytes_used();
  }
  return all;
}

void Scorer::note_cost(std::string_view model, double ns) {
  constexpr double kWeight = 0.05;
  if (RunningModel* found = internals_->find(model))
    found->cost_ns += (ns - found->cost_ns) * (found->cost_ns == 0 ? 1 : kWeight);
}

void Scorer::take_out(std::string_view model, std::string_view reason) {
  Internals& in = *internals_;
  if (RunningModel* found = in.find(model)) found->breaker.fail(in.stepped.value_or(MonoTime{}), reason);
}

std::size_t Scorer::series_count() const { return internals_->live; }
std::size_t Scorer::bytes_used() const {
  const Internals& in = *internals_;
  std::size_t bytes =
      sizeof in + in.blocks.capacity() * sizeof(LevelBlock) + in.rows.capacity() * sizeof(Row) +
      in.seasons.capacity() * sizeof(SeasonBlock) + in.counts.capacity() * sizeof(Count) +
      in.shapes.capacity() * sizeof(ShapeMemory) + in.groups.capacity() * sizeof(GroupState) +
      (in.shape_owners.capacity() + in.free_rows.capacity() + in.counters.capacity() + in.free_counts.capacity()) *
          sizeof(Slot) +
      (in.values.capacity() + in.deviations.capacity() + in.shares.capacity()) * sizeof(float);
  for (const GroupState& group : in.groups) {
    bytes += group.members.capacity() * sizeof(Slot) + group.models.capacity() * sizeof(GroupMember);
    for (const GroupMember& member : group.models) bytes += member.model ? member.model->bytes_used() : 0;
  }
  return bytes;
}

}  // namespace hostmedic::detect
