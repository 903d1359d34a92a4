// SPDX-License-Identifier: Apache-2.0
// All that a scorer holds, for a snapshot. What follows from the configuration, and what is only used within a step, is
// left out.
#include <algorithm>

#include "detect/model/state_io.h"
#include "detect/scorer_state.h"

namespace hostmedic::detect {

template <>
inline constexpr auto kLast<Stage> = Stage::serving;
template <>
inline constexpr auto kLast<Aspect> = Aspect::correlation;

template <>
struct Members<Contribution> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.series, self.aspect, self.direction, self.share, self.score, self.value, self.expected);
  }
};
template <>
struct Members<GroupScore> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.page, self.threshold, self.rank, self.onset, self.probability, self.learning, self.suspicious,
                    self.top, self.contributions);
  }
};

namespace {

constexpr std::uint8_t kNoShapeKept = 255;

// Bit fields cannot be listed. count: of a series that is no counter, its first step only.
void put(StateWriter& writer, const Row& row, const Count& count) {
  static_assert(kMembers<Row> == 11 && kMembers<Count> == 3, "a member is not kept");
  writer.put(row.base);
  writer.put(count.last);
  writer.put(count.at);
  writer.put(row.group);
  writer.put(count.first);
  writer.put(row.seen);
  writer.put(row.period);
  writer.put(row.readings);
  writer.put(row.shape == kNoShape ? kNoShapeKept : std::uint8_t{row.shape});
  writer.put(static_cast<std::uint8_t>(row.live | row.counter << 1 | row.has_base << 2 | row.has_counted << 3));
}
void get(StateReader& reader, Row& ret_row, Count& ret_count) {
  ret_row.base = reader.get<double>();
  ret_count.last = reader.get<double>();
  ret_count.at = reader.get<std::uint32_t>();
  ret_row.group = reader.get<GroupSlot>();
  ret_count.first = reader.get<std::uint32_t>();
  ret_row.seen = reader.get<std::uint32_t>();
  ret_row.period = reader.get<std::uint16_t>();
  ret_row.readings = reader.get<std::uint8_t>();
  const auto shape = reader.get<std::uint8_t>();
  ret_row.shape = shape < kMostShapes ? shape & kNoShape : kNoShape;
  const auto flags = reader.get<std::uint8_t>();
  ret_row.live = (flags & 1U) != 0;
  ret_row.counter = (flags & 2U) != 0;
  ret_row.has_base = (flags & 4U) != 0;
  ret_row.has_counted = (flags & 8U) != 0;
}

// Name, summary, mode and kind are the configuration's.
template <class Model>
auto state_of(Model& model) {
  static_assert(kMembers<RunningModel> == 12, "a member is not kept");
  return std::tie(model.breaker, model.cost_ns, model.alarms, model.seconds, model.allowed, model.spent, model.looked,
                  model.trial);
}
// All but the model itself.
template <class Member>
auto state_of_member(Member& member) {
  static_assert(kMembers<GroupMember> == 6, "a member is not kept");
  return std::tie(member.score, member.usual, member.scores, member.above, member.claim);
}
// In the number of blocks: groups have their joint change with them. What was recorded before has not, and learns it.
constexpr std::uint32_t kWithJoint = 1U << 31;

// All but its models and its joint change.
template <class Group>
auto state_of_group(Group& group) {
  static_assert(kMembers<GroupState> == 20, "a member is not kept");
  return std::tie(group.live, group.held, group.key, group.claim, group.sum, group.fast, group.slow, group.novelty,
                  group.onset, group.usual, group.steps, group.budget, group.score, group.correlation,
                  group.lasting_correlation, group.members, group.free_places);
}

constexpr auto kPut = [](StateWriter& writer, const auto&... each) { (put_whole(writer, each), ...); };
constexpr auto kGet = [](StateReader& reader, auto&... each) { (get_whole(reader, each), ...); };
template <class List>
void put_list(StateWriter& writer, const List& list) {
  std::apply([&](const auto&... each) { kPut(writer, each...); }, list);
}
template <class List>
void get_list(StateReader& reader, const List& list) {
  std::apply([&](auto&... each) { kGet(reader, each...); }, list);
}

// The lanes of a block in the order of the first version. Three of them are not kept any more: two follow from the
// profile, one from the power; zeros stand in their places, so that what was recorded before is still read.
template <class Block, class Visit>
void each_lanes(Block& b, LevelBlock::Lanes& learns, LevelBlock::Lanes& gone, const Visit& visit) {
  static_assert(sizeof(LevelBlock) == 23 * sizeof(LevelBlock::Lanes), "a member is not kept");
  for (auto* lanes : {&b.x, &b.mean, &b.variance, &b.last, &b.variance_change, &b.low, &b.high, &b.readings, &b.prior,
                      &b.smooth, &b.variance_smooth})
    visit(*lanes);
  visit(gone), visit(gone);
  for (auto* lanes : {&b.variance_season, &b.season_sum, &b.season_squares, &b.season_count, &b.forget, &b.smoothing})
    visit(*lanes);
  visit(learns);
  for (auto* lanes : {&b.away, &b.level, &b.change, &b.season}) visit(*lanes);
  visit(gone);
  for (auto* lanes : {&b.lasting, &b.power}) visit(*lanes);
}
constexpr std::size_t kBlockBytes = 27 * sizeof(LevelBlock::Lanes);  // as kept

void put_blocks(StateWriter& writer, const std::vector<LevelBlock>& blocks) {
  for (LevelBlock block : blocks) {
    LevelBlock::Lanes learns{}, gone{};
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      learns[lane] = block.learns(lane) ? 1 : 0;
      block.forget[lane] = std::fabs(block.forget[lane]);
    }
    each_lanes(block, learns, gone,
               [&](const LevelBlock::Lanes& lanes) { writer.put_raw(std::span<const float>(lanes)); });
  }
}
void get_blocks(StateReader& reader, std::vector<LevelBlock>& ret_blocks) {
  for (LevelBlock& block : ret_blocks) {
    LevelBlock::Lanes learns{}, gone{};
    each_lanes(block, learns, gone, [&](LevelBlock::Lanes& lanes) { reader.get_raw(std::span<float>(lanes)); });
    for (std::size_t lane = 0; lane < kLanes; ++lane) block.set_learns(lane, learns[lane] > 0);
  }
}

template <class Slots>
bool below(const Slots& slots, std::size_t most) {
  return std::ranges::all_of(slots, [most](Slot slot) { return slot == kNobody || slot < most; });
}

}  // namespace

void Scorer::save_whole(StateWriter& writer) const {
  const Internals& in = *internals_;
  writer.put(static_cast<std::uint32_t>(in.blocks.size()) | kWithJoint);
  put_blocks(writer, in.blocks);
  for (Slot slot = 0; slot < in.rows.size(); ++slot) put_whole(writer, in.season_of(slot));
  for (const Row& row : in.rows) put(writer, row, row.counter ? in.counts[row.first] : Count{.first = row.first});
  put_list(writer, std::tie(in.shapes, in.shape_owners, in.free_rows, in.counters));
  writer.put(static_cast<std::uint32_t>(in.groups.size()));
  for (const GroupState& group : in.groups) {
    put_list(writer, state_of_group(group));
    put_whole(writer, group.joint);
    for (const GroupMember& member : group.models) {
      put_list(writer, state_of_member(member));
      if (member.model) member.model->save(writer);
    }
  }
  for (const RunningModel& model : in.models) put_list(writer, state_of(model));
  put_list(writer, std::tie(in.live, in.now, in.hour, in.stepped, in.broken_series, in.day_began));
}

void Scorer::load_whole(StateReader& reader) {
  Internals& in = *internals_;
  const auto head = reader.get<std::uint32_t>();
  const std::uint32_t blocks = head & ~kWithJoint;
  if (blocks > reader.left() / kBlockBytes) return reader.fail();
  in.blocks.resize(blocks);
  in.seasons.resize(blocks);
  in.rows.resize(blocks * kLanes);
  get_blocks(reader, in.blocks);
  for (Slot slot = 0; slot < in.rows.size(); ++slot) {
    SeasonProfile profile;
    get_whole(reader, profile);
    in.seasons[slot / kLanes].set(slot % kLanes, profile);
  }
  for (Slot slot = 0; slot < in.rows.size(); ++slot) in.load_row(reader, slot);
  get_list(reader, std::tie(in.shapes, in.shape_owners, in.free_rows, in.counters));
  in.counters.reserve(in.counts.capacity());
  // What was recorded before may hold more of them.
  in.shapes.resize(std::min(in.shapes.size(), kMostShapes));
  in.shape_owners.resize(std::min(in.shape_owners.size(), kMostShapes));
  in.groups.clear();
  for (std::uint32_t left = reader.get<std::uint32_t>(); left > 0 && reader.good(); --left)
    in.load_group_state(reader, (head & kWithJoint) != 0, in.groups.emplace_back());
  for (RunningModel& model : in.models) get_list(reader, state_of(model));
  get_list(reader, std::tie(in.live, in.now, in.hour, in.stepped, in.broken_series, in.day_began));
  if (reader.good() && !in.sane()) reader.fail();
}

void Scorer::Internals::load_row(StateReader& reader, Slot slot) {
  Count count;
  get(reader, rows[slot], count);
  rows[slot].first = count.first;
  if (!rows[slot].counter) return;
  give_count(slot);
  count_of(slot) = count;
}

void Scorer::Internals::load_group_state(StateReader& reader, bool with_joint, GroupState& ret_group) {
  get_list(reader, state_of_group(ret_group));
  if (with_joint) get_whole(reader, ret_group.joint);
  if (!reader.good() || !ret_group.live) return;
  make_models(ret_group);
  for (GroupMember& member : ret_group.models) {
    get_list(reader, state_of_member(member));
    if (member.model && !member.model->load(reader)) reader.fail();
  }
  const std::size_t room = std::min(ret_group.members.size(), kMostMembers);
  if (values.size() < room) values.resize(room), deviations.resize(room), shares.resize(room);
}

// Every index leads to where there is something.
bool Scorer::Internals::sane() const {
  const auto fits = [&](const Row& row) {
    const bool shaped = row.shape == kNoShape || row.shape < shapes.size();
    return row.group < groups.size() && shaped && row.period > 0 && (!row.live || groups[row.group].live);
  };
  const auto group_fits = [&](const GroupState& group) {
    const auto top = std::span(group.score.top);
    return below(group.members, rows.size()) && group.score.contributions <= top.size() &&
           std::ranges::all_of(top,
                               [&](const Contribution& part) { return part.series == 0 || part.series < rows.size(); });
  };
  const auto row_of = [&](Slot slot) { return slot < rows.size(); };
  const auto counter_of = [&](Slot slot) { return row_of(slot) && rows[slot].counter; };
  return std::ranges::all_of(rows, fits) && std::ranges::all_of(groups, group_fits) && shapes.size() <= kMostShapes &&
         shape_owners.size() == shapes.size() && below(shape_owners, rows.size()) &&
         std::ranges::all_of(free_rows, row_of) && std::ranges::all_of(counters, counter_of) &&
         hour <= SeasonProfile::kHours;
}

bool Scorer::has(Slot series) const { return series < internals_->rows.size() && internals_->rows[series].live; }
bool Scorer::has_group(GroupSlot group) const {
  return group < internals_->groups.size() && internals_->groups[group].live;
}
std::size_t Scorer::slots() const { return internals_->rows.size(); }

std::uint64_t Scorer::breaker_trips() const {
  std::uint64_t trips = 0;
  for (const RunningModel& model : internals_->models) trips += static_cast<std::uint64_t>(model.breaker.times());
  return trips;
}

}  // namespace hostmedic::detect
