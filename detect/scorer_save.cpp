// SPDX-License-Identifier: Apache-2.0
// What a scorer remembers over a restart.
#include <algorithm>

#include "detect/model/whole_state.h"
#include "detect/scorer_state.h"

namespace hostmedic::detect {

namespace {

constexpr std::uint8_t kSeriesVersion = 2, kGroupVersion = 2, kGroupWithoutJoint = 1;

constexpr LevelBlock::Lanes LevelBlock::* kKept[] = {&LevelBlock::mean,
                                                     &LevelBlock::variance,
                                                     &LevelBlock::variance_change,
                                                     &LevelBlock::low,
                                                     &LevelBlock::high,
                                                     &LevelBlock::readings,
                                                     &LevelBlock::prior,
                                                     &LevelBlock::smooth,
                                                     &LevelBlock::variance_smooth,
                                                     &LevelBlock::variance_season,
                                                     &LevelBlock::away};

bool sound(const Scorer::Internals& in, Slot slot) {
  for (const auto field : {&LevelBlock::variance, &LevelBlock::variance_change, &LevelBlock::variance_smooth,
                           &LevelBlock::variance_season, &LevelBlock::readings, &LevelBlock::prior, &LevelBlock::away})
    if (!(in.at(field, slot) >= 0)) return false;
  for (const auto field : {&LevelBlock::mean, &LevelBlock::smooth, &LevelBlock::low, &LevelBlock::high})
    if (!(std::fabs(in.at(field, slot)) <= static_cast<float>(kMostReading))) return false;
  return in.at(&LevelBlock::prior, slot) <= 1 && in.at(&LevelBlock::low, slot) <= in.at(&LevelBlock::high, slot);
}

}  // namespace

void Scorer::save(Slot slot, StateWriter& writer) const {
  const Internals& in = *internals_;
  const Row& row = in.rows[slot];
  writer.put(kSeriesVersion);
  writer.put(to_seconds(in.config.interval));
  writer.put(row.base);
  writer.put(static_cast<std::uint8_t>(row.has_base));
  writer.put(row.period);
  writer.put(row.readings);
  for (const auto field : kKept) writer.put(in.at(field, slot));
  in.season_of(slot).save(writer);
  in.save_shape(slot, writer);
}

bool Scorer::load(Slot slot, StateReader& reader) {
  Internals& in = *internals_;
  Row& row = in.rows[slot];
  const bool ours =
      reader.get<std::uint8_t>() == kSeriesVersion && reader.get<double>() == to_seconds(in.config.interval);
  row.base = reader.get<double>();
  row.has_base = reader.get<std::uint8_t>() != 0;
  const auto period = reader.get<std::uint16_t>();
  row.readings = reader.get<std::uint8_t>();
  for (const auto field : kKept) in.at(field, slot) = reader.get<float>();
  SeasonProfile profile;
  const bool whole = profile.load(reader) && in.load_shape(slot, reader) && reader.good() && ours && period > 0 &&
                     std::fabs(row.base) <= kMostReading && sound(in, slot);
  if (!whole) {
    const Row kept = row;
    in.break_series(slot);
    --in.broken_series;
    in.take_count(slot);
    in.begin_row(slot, kept.group, kept.counter);
    row.shape = kept.shape;
    return false;
  }
  in.seasons[slot / kLanes].set(slot % kLanes, profile);
  if (row.readings < kLearnPeriod) row.readings = 0;  // the steps of another life say nothing
  row.seen = in.now;
  in.set_period(slot, period);
  in.forget_change(slot);
  return true;
}

void Scorer::save_group(GroupSlot slot, StateWriter& writer) const {
  const Internals& in = *internals_;
  const GroupState& group = in.groups[slot];
  writer.put(kGroupVersion);
  writer.put(to_seconds(in.config.interval));
  writer.put(group.usual);
  writer.put(group.steps);
  group.budget.save(writer);
  put_whole(writer, group.joint);
  // Group models know their members by place, and places are not kept: they learn anew.
}

bool Scorer::load_group(GroupSlot slot, StateReader& reader) {
  Internals& in = *internals_;
  GroupState& group = in.groups[slot];
  const auto version = reader.get<std::uint8_t>();
  const bool ours = (version == kGroupVersion || version == kGroupWithoutJoint) &&
                    reader.get<double>() == to_seconds(in.config.interval);
  const auto usual = reader.get<double>(), steps = reader.get<double>();
  PageBudget budget(in.config.suspicions_per_day, to_seconds(in.config.interval));
  if (!budget.load(reader) || !ours || !(usual >= 0) || !(steps >= 0)) return false;
  JointChange joint;
  if (version == kGroupVersion) get_whole(reader, joint);
  if (!reader.good()) return false;
  group.joint = joint;
  group.usual = usual;
  group.steps = steps;
  group.budget = budget;
  return true;
}

}  // namespace hostmedic::detect
