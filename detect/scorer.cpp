// SPDX-License-Identifier: Apache-2.0
#include "detect/scorer.h"

#include <algorithm>
#include <limits>

#include "detect/multivariate/resize_tightly.h"
#include "detect/scorer_state.h"

namespace hostmedic::detect {

namespace {

constexpr float kNoNews = std::numeric_limits<float>::quiet_NaN();
// How many readings a smoothing covers grows slower than their number per second does: noise is correlated over
// readings as well as over time. Fitted on data of one minute, five minutes and one hour.
constexpr double kAnchorSeconds = 60, kPace = 0.4;
constexpr double kFastReadings = 5, kSlowReadings = 30, kLevelReadings = 40;
constexpr double kUsualSeconds = 7 * 86400;
constexpr double kModelSeconds = 60;  // group models: at most once in so long
constexpr double kMostSeconds = 86400;
constexpr std::size_t kSpareShare = 32;  // of what is there: so much more is reserved when it is full
constexpr std::uint32_t kSweep = 64;     // each series is looked after once in so many steps
constexpr Duration kShortestCount = std::chrono::milliseconds(50);  // a shorter one makes a rate of rounding errors
constexpr Duration kMostCount = std::chrono::minutes(5);            // an older one says nothing of the present

double readings_of(double readings, double seconds) {
  return std::max(1.0, readings * std::pow(kAnchorSeconds / seconds, kPace));
}
std::uint32_t clock_of(MonoTime at) { return static_cast<std::uint32_t>(to_ns(at) / 100'000); }

// Reference points cost more than they find: they run on request only. What serves earned its place; the recurrent
// forecaster finds a little more than the residual on SMD and nothing on ASD, so it has still to show it on hosts.
struct Shipped {
  std::string_view name;
  ModelMode mode;
};
constexpr Shipped kShippedModels[] = {{"level", ModelMode::serving},        {"change", ModelMode::serving},
                                      {"season", ModelMode::serving},       {"shape", ModelMode::serving},
                                      {"pca_residual", ModelMode::serving}, {"gru_forecaster", ModelMode::shadow}};

ModelMode shipped_mode(std::string_view name) {
  for (const Shipped& shipped : kShippedModels)
    if (shipped.name == name) return shipped.mode;
  return ModelMode::off;
}

constexpr std::string_view kSummaries[] = {
    "the level, and its mean over some readings, against the long mean, in usual deviations",
    "the step between two readings, in usual steps", "the residual from the usual course of a day",
    "forms over minutes that were never seen before: onsets only"};

}  // namespace

std::string_view to_string(ModelMode mode) {
  switch (mode) {
    case ModelMode::off: return "off";
    case ModelMode::shadow: return "shadow";
    case ModelMode::trial: return "trial";
    case ModelMode::serving: return "serving";
  }
  return "";
}
std::optional<ModelMode> model_mode_from(std::string_view text) {
  for (const ModelMode mode : {ModelMode::off, ModelMode::shadow, ModelMode::trial, ModelMode::serving})
    if (to_string(mode) == text) return mode;
  return std::nullopt;
}
std::string_view to_string(Aspect aspect) {
  switch (aspect) {
    case Aspect::level: return "level";
    case Aspect::change: return "change";
    case Aspect::season: return "season";
    case Aspect::shape: return "shape";
    case Aspect::correlation: return "correlation";
  }
  return "";
}

Scorer::Internals::Internals(const ScorerConfig& settings) : config(settings), shape_plan(settings.interval) {
  const double seconds = to_seconds(settings.interval);
  fast = static_cast<float>(1 / readings_of(kFastReadings, seconds));
  slow = static_cast<float>(1 / readings_of(kSlowReadings, seconds));
  usual_weight = seconds / kUsualSeconds;
  stride = std::max(1U, static_cast<std::uint32_t>(kModelSeconds / seconds));
  for (std::size_t i = 0; i < kAlwaysOn.size(); ++i) models.push_back({.name = kAlwaysOn[i], .summary = kSummaries[i]});
  for (const GroupModelInfo* info : all_group_models())
    models.push_back({.name = info->name, .summary = info->summary, .info = info});
  for (RunningModel& model : models) model.mode = shipped_mode(model.name);
}

RunningModel* Scorer::Internals::find(std::string_view name) {
  const auto found = std::ranges::find(models, name, &RunningModel::name);
  return found == models.end() ? nullptr : &*found;
}

Scorer::Scorer(std::unique_ptr<Internals> internals) : internals_(std::move(internals)) {}
Scorer::~Scorer() = default;

Result<std::unique_ptr<Scorer>> Scorer::make(const ScorerConfig& config) {
  const double seconds = to_seconds(config.interval);
  if (!(seconds >= 0.01 && seconds <= kMostSeconds))
    return make_error(ErrorCode::malformed, "the interval of scoring must be 10 ms to a day");
  if (!(config.suspicions_per_day >= 0.01 && config.suspicions_per_day <= 1000))
    return make_error(ErrorCode::malformed, "suspicions a day must be 0.01 to 1000");
  if (config.warm_up < Duration::zero()) return make_error(ErrorCode::malformed, "a warm-up cannot be negative");
  auto internals = std::make_unique<Internals>(config);
  for (const auto& [name, mode] : config.modes) {
    RunningModel* model = internals->find(name);
    if (model == nullptr) return make_error(ErrorCode::malformed, "no model is called " + name);
    model->mode = mode;
  }
  return std::unique_ptr<Scorer>(new Scorer(std::move(internals)));
}

std::optional<Slot> Scorer::add(GroupSlot group, Unit, Instrument instrument) {
  Internals& in = *internals_;
  if (in.live >= kMostSeries || group >= in.groups.size() || !in.groups[group].live) return std::nullopt;
  if (in.free_rows.empty()) {
    const auto first = static_cast<Slot>(in.rows.size());
    in.make_room();
    LevelBlock& block = in.blocks.emplace_back();
    for (std::size_t lane = 0; lane < kLanes; ++lane) block.reset(lane);
    in.rows.resize(in.rows.size() + kLanes);
    in.seasons.emplace_back();
    for (std::size_t lane = kLanes; lane-- > 0;) in.free_rows.push_back(first + static_cast<Slot>(lane));
  }
  const Slot slot = in.free_rows.back();
  in.free_rows.pop_back();
  in.begin_row(slot, group, instrument == Instrument::counter);
  ++in.live;
  in.give_shape(slot);
  GroupState& of = in.groups[group];
  const auto place = of.free_places > 0 ? std::ranges::find(of.members, kNobody) : of.members.end();
  const auto member = static_cast<std::size_t>(place - of.members.begin());
  if (place != of.members.end()) {
    *place = slot;
    --of.free_places;
    for (GroupMember& model : of.models)
      if (model.model && member < kMostMembers) model.model->forget(member);
  } else {
    resize_tightly(of.members, of.members.size() + 1, slot);
    for (GroupMember& model : of.models)
      if (model.model && of.members.size() <= kMostMembers) model.model->resize(of.members.size());
  }
  if (const std::size_t room = std::min(of.members.capacity(), kMostMembers); in.values.size() < room)
    in.values.resize(room), in.deviations.resize(room), in.shares.resize(room);
  return slot;
}

// Doubling would leave half of the memory empty.
void Scorer::Internals::make_room() {
  if (blocks.size() < blocks.capacity()) return;
  const std::size_t wanted = blocks.size() + blocks.size() / kSpareShare + 1;
  blocks.reserve(wanted);
  rows.reserve(wanted * kLanes);
  seasons.reserve(wanted);
}

void Scorer::Internals::begin_row(Slot slot, GroupSlot group, bool counter) {
  rows[slot] = {};
  rows[slot].live = true;
  rows[slot].group = group;
  seasons[slot / kLanes].set(slot % kLanes, {});
  if (counter) give_count(slot);
  set_period(slot, 1);
  set_learns(slot);
}

void Scorer::Internals::give_count(Slot slot) {
  if (free_counts.empty()) {
    if (counts.size() == counts.capacity()) counts.reserve(counts.size() + counts.size() / kSpareShare + kLanes);
    counters.reserve(counts.capacity());  // so that none is allocated for in a step
    free_counts.push_back(static_cast<std::uint32_t>(counts.size()));
    counts.emplace_back();
  }
  rows[slot].counter = true;
  rows[slot].first = free_counts.back();
  free_counts.pop_back();
  count_of(slot) = {};
}

void Scorer::Internals::take_count(Slot slot) {
  if (!rows[slot].counter) return;
  std::erase(counters, slot);
  free_counts.push_back(rows[slot].first);
}

void Scorer::remove(Slot slot) {
  Internals& in = *internals_;
  if (slot >= in.rows.size() || !in.rows[slot].live) return;
  GroupState& of = in.groups[in.rows[slot].group];
  std::ranges::replace(of.members, slot, kNobody);
  ++of.free_places;
  in.take_count(slot);
  in.take_shape(slot);
  in.rows[slot] = {};
  in.blocks[slot / kLanes].reset(slot % kLanes);
  in.free_rows.push_back(slot);
  --in.live;
}

void Scorer::set(Slot slot, std::optional<double> value) {
  Internals& in = *internals_;
  Row& row = in.rows[slot];
  if (!row.live) return;
  if (!value || !(std::fabs(*value) <= kMostReading)) {  // NaN is no number either
    in.forget_change(slot);
    row.has_counted = false;
    return;
  }
  const std::uint32_t step = in.now + 1;
  if (row.readings < kLearnPeriod) in.learn_period(slot);
  if (step - row.seen > kPeriodsSilent * row.period) in.forget_change(slot);
  if (row.counter) return in.count_up(slot, *value);
  row.seen = step;
  if (!row.has_base) row.base = *value;
  row.has_base = true;
  in.at(&LevelBlock::x, slot) = static_cast<float>(*value - row.base);
}

void Scorer::Internals::count_up(Slot slot, double value) {
  Row& row = rows[slot];
  const bool again = row.readings > 1 && row.seen == now + 1;
  row.seen = now + 1;
  if (!again) counters.push_back(slot);
  double& counted = count_of(slot).last;
  float& x = at(&LevelBlock::x, slot);
  const bool grows = row.has_counted && value >= counted;
  x = grows ? static_cast<float>(value - counted) + (again && x == x ? x : 0) : kNoNews;
  row.has_counted = grows;  // else it begins anew: take_counters()
  counted = value;
}

void Scorer::Internals::learn_period(Slot slot) {
  Row& row = rows[slot];
  if (row.readings == 0) first_of(slot) = now + 1;
  if (++row.readings < kLearnPeriod) return;
  const std::uint32_t steps = (now + 1 - first_of(slot) + kLearnPeriod / 2) / (kLearnPeriod - 1);
  set_period(slot, std::clamp(steps, 1U, 0xFFFFU));
}

void Scorer::Internals::set_period(Slot slot, std::uint32_t steps) {
  rows[slot].period = static_cast<std::uint16_t>(steps);
  const double seconds = to_seconds(config.interval) * steps;
  float& forget = at(&LevelBlock::forget, slot);
  forget = std::copysign(static_cast<float>(std::min(1.0, seconds / (kMemoryDays * 86400.0))), forget);
  at(&LevelBlock::smoothing, slot) = static_cast<float>(1 / readings_of(kLevelReadings, seconds));
}

void Scorer::Internals::set_learns(Slot slot) {
  blocks[slot / kLanes].set_learns(slot % kLanes, !groups[rows[slot].group].held);
}

void Scorer::Internals::forget_change(Slot slot) { at(&LevelBlock::last, slot) = kNoNews; }

void Scorer::Internals::take_counters(MonoTime time) {
  const std::uint32_t clock = clock_of(time);
  for (const Slot slot : counters) {
    Row& row = rows[slot];
    float& x = at(&LevelBlock::x, slot);
    std::uint32_t& counted_at = count_of(slot).at;
    const Duration since = std::chrono::microseconds(100) * static_cast<std::int64_t>(clock - counted_at);
    counted_at = clock;
    const bool usable = row.has_counted && since >= kShortestCount &&
                        since <= std::max<Duration>(kMostCount, config.interval * (kPeriodsSilent * row.period));
    row.has_counted = true;
    if (!usable) {
      x = kNoNews;
      continue;
    }
    const double rate = static_cast<double>(x) / to_seconds(since);
    if (!row.has_base) row.base = rate;
    row.has_base = true;
    x = static_cast<float>(rate - row.base);
  }
  counters.clear();
}

void Scorer::Internals::turn_hour(std::size_t to) {
  const std::size_t passed = std::exchange(hour, to);
  for (Slot slot = 0; slot < rows.size(); ++slot) {
    if (!rows[slot].live) continue;
    float &sum = at(&LevelBlock::season_sum, slot), &squares = at(&LevelBlock::season_squares, slot),
          &count = at(&LevelBlock::season_count, slot);
    if (passed < SeasonProfile::kHours) {
      SeasonProfile profile = season_of(slot);
      profile.add(passed, sum, squares, count);
      seasons[slot / kLanes].set(slot % kLanes, profile);
    }
    sum = squares = count = 0;
  }
}

// Once in kSweep steps: what is silent says nothing, and what has been elsewhere for long lives there now.
void Scorer::Internals::sweep(Slot slot) {
  const Row& row = rows[slot];
  if (!row.live) return;
  if (now - row.seen > kPeriodsSilent * row.period) {
    for (const auto field :
         {&LevelBlock::level, &LevelBlock::change, &LevelBlock::season, &LevelBlock::lasting, &LevelBlock::power})
      at(field, slot) = 0;
    forget_change(slot);
  }
  if (at(&LevelBlock::away, slot) < kAdoptDays / kMemoryDays) return;
  at(&LevelBlock::away, slot) = 0;
  at(&LevelBlock::mean, slot) = at(&LevelBlock::smooth, slot);
}

void Scorer::Internals::break_series(Slot slot) {
  ++broken_series;
  blocks[slot / kLanes].reset(slot % kLanes);
  seasons[slot / kLanes].set(slot % kLanes, {});
  set_period(slot, rows[slot].period);
  rows[slot].has_base = false;
  forget_shape(slot);
  set_learns(slot);
}

void Scorer::Internals::step_breakers(MonoTime time) {
  for (RunningModel& model : models) {
    const bool was_out = model.breaker.is_out();
    model.allowed = model.mode != ModelMode::off && model.breaker.allows(time);
    if (!was_out || !model.allowed) continue;
    model.breaker.close(time);
    for (GroupState& group : groups)  // made anew: the rare step that allocates
      if (group.live) make_models(group);
  }
}

void Scorer::step(MonoTime at, WallTime wall) {
  Internals& in = *internals_;
  if (in.stepped && at <= *in.stepped) {  // a frame that came twice or late
    for (const Slot slot : in.counters) in.rows[slot].has_counted = false;
    in.counters.clear();
    for (LevelBlock& block : in.blocks) block.x.fill(kNoNews);
    return;
  }
  in.stepped = at;
  ++in.now;
  in.step_breakers(at);
  in.take_counters(at);
  if (const std::size_t hour = SeasonProfile::hour_of(wall); hour != in.hour) in.turn_hour(hour);
  const auto weight = [&](std::size_t model) { return in.serves(model) ? 1.0F : 0.0F; };
  step_levels(in.blocks, in.seasons, in.hour, {.level = weight(0), .change = weight(1), .season = weight(2)});
  in.step_shapes();
  for (Slot slot = in.now % kSweep; slot < in.rows.size(); slot += kSweep) in.sweep(slot);
  in.sum_groups();
  for (std::size_t i = 0; i < in.groups.size(); ++i) {
    GroupState& group = in.groups[i];
    if (!group.live) continue;
    if (in.now % in.stride == i % in.stride) in.step_models(group, at);  // not all in one step
    in.judge(group);
  }
  in.end_models(at);
}

float Scorer::evidence(Slot slot) const { return internals_->at(&LevelBlock::lasting, slot); }

void Scorer::forget_changes() {
  Internals& in = *internals_;
  for (LevelBlock& block : in.blocks) block.last.fill(kNoNews);
  for (Row& row : in.rows) row.has_counted = false;
}

}  // namespace hostmedic::detect
