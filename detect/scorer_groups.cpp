// SPDX-License-Identifier: Apache-2.0
// From the evidence of its series to the word on a group.
#include <algorithm>

#include "detect/scorer_state.h"

namespace hostmedic::detect {

namespace {
// What every group is granted in restlessness, beside its own: else the quietest would shout at nothing.
constexpr double kGranted = 0.5;
// probability = page / (page + this): one half where SMD and ASD have about one false page a day and host.
constexpr float kEven = PageBudget::kUsual;
// A suspicion ends at this share of the threshold; a group is explained from a lower one on.
constexpr float kEnds = 0.5F, kExplained = 0.25F;
// Who has less of the evidence is not named.
constexpr float kLeastShare = 0.005F;
constexpr float kMostPower = 1e6F;  // bounded evidence cannot come near it
}  // namespace

GroupSlot Scorer::add_group(std::uint64_t key) {
  Internals& in = *internals_;
  const auto free = std::ranges::find(in.groups, false, &GroupState::live);
  const auto slot = static_cast<GroupSlot>(free - in.groups.begin());
  if (free == in.groups.end()) in.groups.emplace_back();
  GroupState& group = in.groups[slot];
  group = {};
  group.live = true;
  group.key = key;
  group.budget = PageBudget(in.config.suspicions_per_day, to_seconds(in.config.interval));
  group.onset = Onset(in.shape_plan.quiet);
  in.make_models(group);
  return slot;
}

void Scorer::remove_group(GroupSlot slot) {
  Internals& in = *internals_;
  const std::vector<Slot> members = in.groups[slot].members;
  for (const Slot member : members)
    if (member != kNobody) remove(member);
  in.groups[slot] = {};
}

const GroupScore& Scorer::group(GroupSlot group) const { return internals_->groups[group].score; }

void Scorer::hold(GroupSlot slot, bool held) {
  Internals& in = *internals_;
  GroupState& group = in.groups[slot];
  group.held = held;
  for (const Slot member : group.members)
    if (member != kNobody) in.set_learns(member), in.hold_shape(member, held);
}

// In the order of the rows, so that the sum is always the same.
void Scorer::Internals::sum_groups() {
  for (GroupState& group : groups) group.sum = group.moved = 0;
  // Neighbours mostly belong together: one look at a group serves them all.
  GroupSlot of = 0;
  float sum = 0, moved = 0;
  for (Slot first = 0; first < rows.size(); first += kLanes) {
    LevelBlock& block = blocks[first / kLanes];
    block.x.fill(std::numeric_limits<float>::quiet_NaN());
    for (Slot lane = 0; lane < kLanes; ++lane) {
      const float power = block.power[lane];
      if (power == 0) continue;
      if (!(power > 0 && power < kMostPower)) {
        break_series(first + lane);  // no number: it learns anew, now
        continue;
      }
      if (const GroupSlot owner = rows[first + lane].group; owner != of) {
        groups[of].sum += sum;
        groups[of].moved += moved;
        of = owner;
        sum = moved = 0;
      }
      sum += power;
      moved += JointChange::square_of(block.change[lane]);
    }
  }
  if (sum > 0) groups[of].sum += sum, groups[of].moved += moved;
}

float Scorer::Internals::judge_joint_change(GroupState& group) {
  const std::size_t series = group.members.size() - group.free_places;
  if (series < JointChange::kCrowd || !models[kChangeModel].allowed) return 0;
  const float squares = group.moved / static_cast<float>(series);
  const float evidence = group.joint.step(squares, fast, to_seconds(config.interval), !group.held);
  if (!group.joint.sane()) group.joint = {};
  return serves(kChangeModel) ? evidence : 0;
}

void Scorer::Internals::judge(GroupState& group) {
  GroupScore& score = group.score;
  // A norm between the sum, which favours many small departures, and the largest: on SMD the exponents 1.25 to 2 do
  // better than the sum, on ASD 0.7 to 1.25.
  auto evidence = static_cast<float>(std::pow(static_cast<double>(group.sum), 0.8));
  group.correlation = 0;
  for (std::size_t i = 0; i < group.models.size(); ++i)
    if (serves(models[kAlwaysOn.size() + i], group)) group.correlation += group.models[i].score;
  evidence += group.correlation + judge_joint_change(group);
  group.lasting_correlation += slow * (group.correlation - group.lasting_correlation);
  group.fast += fast * (evidence - group.fast);
  group.slow += slow * (evidence - group.slow);
  score.onset = serves(kShapeModel) ? group.onset.step(group.novelty) : 0;
  score.rank = std::sqrt(group.fast * group.slow);
  // The root keeps what an incident adds to the mean small: a host is as restless as it mostly is.
  const double root = std::sqrt(static_cast<double>(score.rank));
  score.page = static_cast<float>(static_cast<double>(score.rank) / (kGranted + group.usual * group.usual));
  score.probability = score.page / (score.page + kEven);
  if (!group.held) {
    group.usual += std::max(usual_weight, 1 / (group.steps + 2)) * (root - group.usual);
    group.steps += 1;
  }
  score.learning = group.steps * to_seconds(config.interval) < to_seconds(config.warm_up);
  if (!score.learning) {
    group.budget.add(score.page);
    score.threshold = group.budget.threshold();
  }
  const bool before = score.suspicious;
  score.suspicious = !score.learning && score.page >= (score.suspicious ? kEnds * score.threshold : score.threshold);
  if (score.suspicious && !before) group.claim = now;
  judge_claims(group);
  score.contributions = 0;
  if (score.page >= kExplained * PageBudget::kUsual) explain(group);
}

// What each member has of the evidence of the group models, in the unit of its own.
void Scorer::Internals::share_correlation(const GroupState& group) {
  const std::size_t size = std::min(group.members.size(), kMostMembers);
  std::ranges::fill(shares, 0.0F);
  if (!(group.lasting_correlation > 0)) return;
  for (std::size_t i = 0; i < group.models.size(); ++i) {
    if (!serves(models[kAlwaysOn.size() + i], group) || !(group.models[i].score > 0)) continue;
    group.models[i].model->shares(std::span(values).first(size));
    const float weight = group.lasting_correlation * group.models[i].score / group.correlation;
    for (std::size_t member = 0; member < size; ++member) shares[member] += weight * values[member];
  }
}

void Scorer::Internals::explain(GroupState& group) {
  GroupScore& score = group.score;
  float sum = 0;
  share_correlation(group);
  for (std::size_t member = 0; member < group.members.size(); ++member) {
    const Slot slot = group.members[member];
    if (slot == kNobody) continue;
    const float joint = member < kMostMembers ? shares[member] : 0;
    const float part = at(&LevelBlock::lasting, slot) + joint;
    sum += part;
    const auto kept = std::span(score.top).first(score.contributions);
    if (!(part > 0) || (kept.size() == kMostContributions && kept.back().share >= part)) continue;
    std::size_t place = kept.size() < kMostContributions ? score.contributions++ : kMostContributions - 1;
    for (; place > 0 && score.top[place - 1].share < part; --place) score.top[place] = score.top[place - 1];
    score.top[place] = {.series = slot,
                        .aspect = joint > at(&LevelBlock::lasting, slot) ? Aspect::correlation : Aspect::level,
                        .share = part};
  }
  for (Contribution& part : std::span(score.top).first(score.contributions)) {
    part.share /= sum;
    const Row& row = rows[part.series];
    const float level = at(&LevelBlock::level, part.series), change = at(&LevelBlock::change, part.series);
    const float season = at(&LevelBlock::season, part.series), mean = at(&LevelBlock::mean, part.series);
    const SeasonProfile profile = season_of(part.series);
    const bool by_season = profile.spread(hour) < std::numeric_limits<float>::max();
    const float standing = by_season ? season : level;
    const bool jumped = std::fabs(change) > std::fabs(standing);
    if (part.aspect != Aspect::correlation)
      part.aspect = jumped ? Aspect::change : by_season ? Aspect::season : Aspect::level;
    part.score = jumped ? change : standing;
    part.direction = part.score > 0 ? Direction::above : part.score < 0 ? Direction::below : Direction::none;
    part.score = std::fabs(part.score);
    const float last = at(&LevelBlock::last, part.series);
    part.value = row.base + static_cast<double>(last == last ? last : mean);
    part.expected = row.base + static_cast<double>(mean + (by_season ? profile.offset(hour) : 0));
  }
  while (score.contributions > 0 && score.top[score.contributions - 1].share < kLeastShare) --score.contributions;
}

}  // namespace hostmedic::detect
