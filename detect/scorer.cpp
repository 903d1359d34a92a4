// SPDX-License-Identifier: Apache-2.0
#include "detect/scorer.h"

#include <algorithm>
#include <cmath>

#include "detect/multivariate/group_model.h"

namespace hostmedic::detect {

namespace {

constexpr float kDeadZone = 3;       // deviations that count for nothing
constexpr float kFloor = 0.02F;      // of the range: the least deviation that is worth a look
constexpr float kPrior = 0.2F;       // of the range: deviation assumed before it is known
constexpr float kDrawIn = 1e-5F;     // of the range, per reading
constexpr float kPriorFades = 1000;  // readings
constexpr double kMemorySeconds = 14 * 86400;

float excess(float deviations) {
  const float over = std::max(0.0F, deviations - kDeadZone);
  return over * std::sqrt(over);
}

struct Row {
  bool live = false, counter = false, fresh = false;
  GroupSlot group = 0;
  double base = 0;
  std::optional<double> counted;  // last reading of a counter
  float x = 0, n = 0, mean = 0, variance = 0, last = 0, variance_change = 0, low = 0, high = 0;
  float level = 0, change = 0;
};

struct Group {
  bool live = false, held = false;
  float fast = 0, slow = 0;
  double steps = 0;
  GroupScore score;
};

}  // namespace

std::string_view to_string(ModelMode mode) {
  switch (mode) {
    case ModelMode::off: return "off";
    case ModelMode::shadow: return "shadow";
    case ModelMode::serving: return "serving";
  }
  return "";
}
std::optional<ModelMode> model_mode_from(std::string_view text) {
  for (const ModelMode mode : {ModelMode::off, ModelMode::shadow, ModelMode::serving})
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

struct Scorer::Internals {
  ScorerConfig config;
  std::vector<Row> rows;
  std::vector<Group> groups;
  std::size_t live = 0;
};

Scorer::Scorer(std::unique_ptr<Internals> internals) : internals_(std::move(internals)) {}
Scorer::~Scorer() = default;

Result<std::unique_ptr<Scorer>> Scorer::make(const ScorerConfig& config) {
  auto internals = std::make_unique<Internals>();
  internals->config = config;
  return std::unique_ptr<Scorer>(new Scorer(std::move(internals)));
}

GroupSlot Scorer::add_group() {
  auto& groups = internals_->groups;
  const auto free = std::ranges::find(groups, false, &Group::live);
  const auto slot = static_cast<GroupSlot>(free - groups.begin());
  if (free == groups.end()) groups.emplace_back();
  groups[slot] = {};
  groups[slot].live = true;
  return slot;
}
void Scorer::remove_group(GroupSlot group) { internals_->groups[group] = {}; }

std::optional<Slot> Scorer::add(GroupSlot group, Unit, Instrument instrument) {
  auto& rows = internals_->rows;
  if (internals_->live >= kMostSeries) return std::nullopt;
  const auto free = std::ranges::find(rows, false, &Row::live);
  const auto slot = static_cast<Slot>(free - rows.begin());
  if (free == rows.end()) rows.emplace_back();
  rows[slot] = {};
  rows[slot].live = true;
  rows[slot].counter = instrument == Instrument::counter;
  rows[slot].group = group;
  ++internals_->live;
  return slot;
}
void Scorer::remove(Slot series) {
  internals_->rows[series] = {};
  --internals_->live;
}

void Scorer::set(Slot series, std::optional<double> value) {
  Row& row = internals_->rows[series];
  if (!value || !std::isfinite(*value)) {
    row.counted.reset();
    return;
  }
  double now = *value;
  if (row.counter) {
    const std::optional<double> before = std::exchange(row.counted, now);
    if (!before || now < *before) return;
    now -= *before;
  }
  if (row.n == 0) row.base = now;
  row.x = static_cast<float>(now - row.base);
  row.fresh = true;
}

void Scorer::step(MonoTime, WallTime) {
  Internals& in = *internals_;
  const auto memory = static_cast<float>(kMemorySeconds / to_seconds(in.config.interval));
  for (Group& group : in.groups) group.score.page = 0;
  for (Row& row : in.rows) {
    row.level = row.change = 0;
    if (!std::exchange(row.fresh, false)) continue;
    const float range = row.high - row.low;
    const float fade = std::exp(-row.n / kPriorFades), prior = fade * kPrior * kPrior * range * range;
    const float floor = kFloor * kFloor * range * range;
    const float off = row.x - row.mean, step = row.n > 0 ? row.x - row.last : 0;
    if (range > 0) {
      row.level = off / std::sqrt((1 - fade) * row.variance + prior + floor);
      row.change = step / std::sqrt((1 - fade) * row.variance_change + prior + floor / 9);
    }
    const float a = std::max(1 / memory, 1 / (row.n + 2));
    row.mean += a * off;
    row.variance = (1 - a) * (row.variance + a * off * off);
    row.variance_change = (1 - a) * (row.variance_change + a * step * step);
    row.last = row.x;
    row.low = std::min(row.x, row.low + kDrawIn * range);
    row.high = std::max(row.x, row.high - kDrawIn * range);
    row.n += 1;
    in.groups[row.group].score.page += excess(std::abs(row.level)) + excess(std::abs(row.change));
  }
  for (Group& group : in.groups) {
    if (!group.live) continue;
    group.fast += (group.score.page - group.fast) / 5;
    group.slow += (group.score.page - group.slow) / 20;
    group.score.rank = std::sqrt(group.fast * group.slow);
    group.score.probability = group.score.rank / (group.score.rank + 10);
    group.score.learning = ++group.steps * to_seconds(in.config.interval) < to_seconds(in.config.warm_up);
  }
}

const GroupScore& Scorer::group(GroupSlot group) const { return internals_->groups[group].score; }
float Scorer::evidence(Slot series) const {
  const Row& row = internals_->rows[series];
  return excess(std::abs(row.level)) + excess(std::abs(row.change));
}
void Scorer::hold(GroupSlot group, bool held) { internals_->groups[group].held = held; }
void Scorer::forget_changes() {
  for (Row& row : internals_->rows) row.last = row.x, row.counted.reset();
}
std::vector<ModelHealth> Scorer::health() const { return {}; }
std::size_t Scorer::series_count() const { return internals_->live; }
std::size_t Scorer::bytes_used() const {
  return sizeof *internals_ + internals_->rows.capacity() * sizeof(Row) + internals_->groups.capacity() * sizeof(Group);
}
void Scorer::save(Slot, StateWriter&) const {}
bool Scorer::load(Slot, StateReader&) { return false; }
void Scorer::save_group(GroupSlot, StateWriter&) const {}
bool Scorer::load_group(GroupSlot, StateReader&) { return false; }

}  // namespace hostmedic::detect
