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

// Bit fields cannot be listed.
void put(StateWriter& writer, const Row& row) {
  static_assert(kMembers<Row> == 13, "a member is not kept");
  writer.put(row.base);
  writer.put(row.counted);
  writer.put(row.counted_at);
  writer.put(row.group);
  writer.put(row.first);
  writer.put(row.seen);
  writer.put(row.period);
  writer.put(row.readings);
  writer.put(row.shape);
  writer.put(static_cast<std::uint8_t>(row.live | row.counter << 1 | row.has_base << 2 | row.has_counted << 3));
}
void get(StateReader& reader, Row& ret_row) {
  ret_row.base = reader.get<double>();
  ret_row.counted = reader.get<double>();
  ret_row.counted_at = reader.get<std::uint32_t>();
  ret_row.group = reader.get<GroupSlot>();
  ret_row.first = reader.get<std::uint32_t>();
  ret_row.seen = reader.get<std::uint32_t>();
  ret_row.period = reader.get<std::uint16_t>();
  ret_row.readings = reader.get<std::uint8_t>();
  ret_row.shape = reader.get<std::uint8_t>();
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
// All but its models.
template <class Group>
auto state_of_group(Group& group) {
  static_assert(kMembers<GroupState> == 18, "a member is not kept");
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

// A lane holds nothing but floats.
constexpr std::size_t kBlockFloats = sizeof(LevelBlock) / sizeof(float);
static_assert(kBlockFloats * sizeof(float) == sizeof(LevelBlock) && std::is_trivially_copyable_v<LevelBlock>);

void put_blocks(StateWriter& writer, const std::vector<LevelBlock>& blocks) {
  for (const LevelBlock& block : blocks)
    writer.put_raw(std::span(reinterpret_cast<const float*>(&block), kBlockFloats));
}
void get_blocks(StateReader& reader, std::vector<LevelBlock>& ret_blocks) {
  for (LevelBlock& block : ret_blocks) reader.get_raw(std::span(reinterpret_cast<float*>(&block), kBlockFloats));
}

template <class Slots>
bool below(const Slots& slots, std::size_t most) {
  return std::ranges::all_of(slots, [most](Slot slot) { return slot == kNobody || slot < most; });
}

}  // namespace

void Scorer::save_whole(StateWriter& writer) const {
  const Internals& in = *internals_;
  writer.put(static_cast<std::uint32_t>(in.blocks.size()));
  put_blocks(writer, in.blocks);
  for (const SeasonProfile& season : in.seasons) put_whole(writer, season);
  for (const Row& row : in.rows) put(writer, row);
  put_list(writer, std::tie(in.shapes, in.shape_owners, in.free_rows, in.counters));
  writer.put(static_cast<std::uint32_t>(in.groups.size()));
  for (const GroupState& group : in.groups) {
    put_list(writer, state_of_group(group));
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
  const std::uint32_t blocks = reader.get<std::uint32_t>();
  if (blocks > reader.left() / sizeof(LevelBlock)) return reader.fail();
  in.blocks.resize(blocks);
  in.seasons.resize(blocks * kLanes);
  in.rows.resize(blocks * kLanes);
  in.counters.reserve(blocks * kLanes);
  get_blocks(reader, in.blocks);
  for (SeasonProfile& season : in.seasons) get_whole(reader, season);
  for (Row& row : in.rows) get(reader, row);
  get_list(reader, std::tie(in.shapes, in.shape_owners, in.free_rows, in.counters));
  in.groups.clear();
  for (std::uint32_t left = reader.get<std::uint32_t>(); left > 0 && reader.good(); --left)
    in.load_group_state(reader, in.groups.emplace_back());
  for (RunningModel& model : in.models) get_list(reader, state_of(model));
  get_list(reader, std::tie(in.live, in.now, in.hour, in.stepped, in.broken_series, in.day_began));
  if (reader.good() && !in.sane()) reader.fail();
}

void Scorer::Internals::load_group_state(StateReader& reader, GroupState& ret_group) {
  get_list(reader, state_of_group(ret_group));
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
  return std::ranges::all_of(rows, fits) && std::ranges::all_of(groups, group_fits) && shapes.size() <= kMostShapes &&
         shape_owners.size() == shapes.size() && below(shape_owners, rows.size()) &&
         std::ranges::all_of(free_rows, row_of) && std::ranges::all_of(counters, row_of) &&
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
