// SPDX-License-Identifier: Apache-2.0
// Conditions as whole state. Who points to whom follows from the slots and is found again by link().
#include <algorithm>

#include "detect/model/state_io.h"
#include "detect/rules/bound_condition.h"
#include "detect/rules/condition_set.h"

namespace hostmedic::detect {

void BoundCondition::save_whole(StateWriter& writer) const {
  put_whole(writer, slots_);
  for (const Rows& scope : scopes_) {
    writer.put(static_cast<std::uint32_t>(scope.rows.size()));
    for (const Row& row : scope.rows) {
      put_whole(writer, row.entity);
      put_whole(writer, row.attributes);
      for (const Window& window : row.windows) put_whole(writer, window);
      for (const char latch : row.latches) writer.put(latch);
      for (const HoldState& hold : row.holds) put_whole(writer, hold);
    }
    writer.put<std::uint64_t>(scope.witness);
  }
  put_whole(writer, linked_);
  put_whole(writer, refused_);
  put_whole(writer, now_);
  put_whole(writer, wall_);
}

void BoundCondition::load_whole(StateReader& reader) {
  get_whole(reader, slots_);
  const auto impossible = [&](const Slot& slot) {
    return slot.ref < 0 || static_cast<std::size_t>(slot.ref) >= condition_.refs.size();
  };
  if (slots_.size() > kMostSeriesOfOne || std::ranges::any_of(slots_, impossible)) return reader.fail();
  for (std::size_t i = 0; i < scopes_.size(); ++i) {
    std::vector<Row>& rows = scopes_[i].rows;
    rows.clear();
    for (std::uint32_t left = reader.get_count(kMostSeriesOfOne); left > 0 && reader.good(); --left) {
      Row& row = rows.emplace_back();
      get_whole(reader, row.entity);
      get_whole(reader, row.attributes);
      prepare(i, row);
      for (Window& window : row.windows) get_whole(reader, window);
      for (char& latch : row.latches) latch = reader.get<char>();
      for (HoldState& hold : row.holds) get_whole(reader, hold);
    }
    scopes_[i].witness = reader.get<std::uint64_t>();
  }
  bool linked = false;
  get_whole(reader, linked);
  get_whole(reader, refused_);
  get_whole(reader, now_);
  get_whole(reader, wall_);
  linked_ = false;
  if (!reader.good() || !linked) return;
  const auto rows_of = [](const Rows& scope) { return scope.rows.size(); };
  std::vector<std::size_t> before(scopes_.size()), after(scopes_.size());
  std::ranges::transform(scopes_, before.begin(), rows_of);
  link();
  std::ranges::transform(scopes_, after.begin(), rows_of);
  if (before != after || scopes_[0].rows.empty()) reader.fail();
}

void ConditionSet::save_whole(StateWriter& writer) const {
  std::map<const Bound*, std::uint32_t> numbers;
  writer.put(static_cast<std::uint32_t>(bound_.size()));
  for (const auto& [key, bound] : bound_) {
    numbers.emplace(bound.get(), static_cast<std::uint32_t>(numbers.size()));
    put_whole(writer, key);
    bound->condition.save_whole(writer);
    put_whole(writer, bound->shadow);
    put_whole(writer, bound->told);
    put_whole(writer, bound->since);
    put_whole(writer, bound->explained);
  }
  writer.put(static_cast<std::uint32_t>(feeds_.size()));
  for (const Feed& feed : feeds_) {
    put_whole(writer, feed.entity);
    writer.put(static_cast<std::uint32_t>(feed.to.size()));
    for (const auto& [bound, wakes] : feed.to) {
      writer.put(numbers.at(bound));
      put_whole(writer, wakes);
    }
  }
  put_whole(writer, shared_);
  put_whole(writer, refused_);
}

// Between two frames nothing is due.
void ConditionSet::load_whole(StateReader& reader) {
  restart();
  std::vector<Bound*> numbers;
  for (std::uint32_t left = reader.get_count(kMostBound); left > 0 && reader.good(); --left) {
    std::pair<std::uint32_t, Entity> key;
    get_whole(reader, key);
    if (key.first >= programs_.size()) return reader.fail();
    auto& made = bound_[key];
    if (made != nullptr) return reader.fail();
    made = std::make_unique<Bound>(*programs_[key.first], key.first, key.second, stage_);
    numbers.push_back(made.get());
    made->condition.load_whole(reader);
    get_whole(reader, made->shadow);
    get_whole(reader, made->told);
    get_whole(reader, made->since);
    get_whole(reader, made->explained);
  }
  for (std::uint32_t left = reader.get_count(kMostSeries); left > 0 && reader.good(); --left) {
    Feed& feed = feeds_.emplace_back();
    get_whole(reader, feed.entity);
    for (std::uint32_t to = reader.get_count(kMostBound); to > 0 && reader.good(); --to) {
      const auto number = reader.get<std::uint32_t>();
      if (number >= numbers.size()) return reader.fail();
      feed.to.emplace_back(numbers[number], reader.get<bool>());
    }
  }
  get_whole(reader, shared_);
  get_whole(reader, refused_);
  due_.reserve(bound_.size());
}

}  // namespace hostmedic::detect
