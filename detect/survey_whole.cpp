// SPDX-License-Identifier: Apache-2.0
// All that a survey holds, for a snapshot.
#include <algorithm>
#include <set>

#include "detect/model/state_io.h"
#include "detect/survey.h"

namespace hostmedic::detect {

void Survey::save_whole(StateWriter& writer) const {
  scorer_->save_whole(writer);
  put_whole(writer, watched_);
  put_whole(writer, feeds_);
  put_whole(writer, slots_);
  writer.put(static_cast<std::uint32_t>(groups_.size()));
  for (const auto& [entity, group] : groups_) put_whole(writer, entity), put_whole(writer, group);
  put_whole(writer, remembered_);
  put_whole(writer, remembered_groups_);
  put_whole(writer, wall_);
  put_whole(writer, started_);
  put_whole(writer, stepped_);
  put_whole(writer, now_);
  put_whole(writer, fresh_);
  put_whole(writer, thresholds_);
  put_whole(writer, budget_);
  put_whole(writer, refused_);
  put_whole(writer, withheld_);
}

void Survey::load_whole(StateReader& reader) {
  scorer_->load_whole(reader);
  get_whole(reader, watched_);
  get_whole(reader, feeds_);
  get_whole(reader, slots_);
  groups_.clear();
  std::set<GroupSlot> groups;
  for (std::uint32_t left = reader.get_count(kMostEntities); left > 0 && reader.good(); --left) {
    Entity entity;
    get_whole(reader, entity);
    Group& group = groups_.try_emplace(std::move(entity), interval_).first->second;
    get_whole(reader, group);
    if (!scorer_->has_group(group.slot) || !groups.insert(group.slot).second) reader.fail();
  }
  get_whole(reader, remembered_);
  get_whole(reader, remembered_groups_);
  get_whole(reader, wall_);
  get_whole(reader, started_);
  get_whole(reader, stepped_);
  get_whole(reader, now_);
  get_whole(reader, fresh_);
  get_whole(reader, thresholds_);
  get_whole(reader, budget_);
  get_whole(reader, refused_);
  get_whole(reader, withheld_);

  by_slot_.assign(feeds_.size(), nullptr);
  if (!reader.good() || feeds_.size() > scorer_->slots() || watched_.size() != scorer_->series_count())
    return reader.fail();
  for (auto& [key, row] : watched_) {
    const bool possible = row.slot < feeds_.size() && scorer_->has(row.slot) && by_slot_[row.slot] == nullptr;
    if (!possible || !groups.contains(row.group)) return reader.fail();
    by_slot_[row.slot] = &row;
  }
  const auto outside = [&](const std::optional<Slot>& slot) { return slot && *slot >= feeds_.size(); };
  const auto unbindable = [&](const auto& row) {
    return row.second.bound && static_cast<std::size_t>(*row.second.bound) >= slots_.size();
  };
  if (slots_.size() > kMostSeries || std::ranges::any_of(slots_, outside) || std::ranges::any_of(watched_, unbindable))
    reader.fail();
}

}  // namespace hostmedic::detect
