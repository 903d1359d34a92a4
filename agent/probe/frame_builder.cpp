// SPDX-License-Identifier: Apache-2.0
#include "agent/probe/frame_builder.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "agent/base/text.h"
#include "detect/model/codec.h"
#include "detect/model/names.h"

namespace hostmedic {
namespace {

constexpr EntityId kHost{0};
constexpr std::uint64_t kEverybody = ~std::uint64_t{0};

std::size_t index(EntityId id) { return static_cast<std::size_t>(id); }
std::size_t index(SeriesId id) { return static_cast<std::size_t>(id); }

// Sizes on the wire, see codec.h. Rounded up.
constexpr std::size_t kGoneBytes = 4, kSampleBytes = 13;
std::size_t bytes_of(const EntityDef& def) { return 8 + def.entity.name.size(); }
std::size_t bytes_of(const SeriesDef& def) { return 16 + def.name.size() + def.attributes.size(); }
std::size_t bytes_of(const Event& event) {
  std::size_t bytes = 16;
  for (const Attribute& attribute : event.attributes) bytes += 4 + attribute.key.size() + attribute.value.size();
  return bytes;
}

// Text of the host, within a bound that includes the mark of a cut.
std::string bounded(std::string_view text, std::size_t most) { return printable(text, most - 3); }

template <class T>
void drop_front(std::vector<T>& items, std::size_t count) {
  items.erase(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace

class FrameBuilder::Speaker final : public Sink {
 public:
  Speaker(FrameBuilder& builder, std::size_t number) : builder_(builder), number_(number) {}
  EntityId entity(EntityKind kind, std::string_view name) override { return builder_.entity(number_, kind, name); }
  SeriesId series(EntityId entity, const MetricInfo& metric, std::string_view attributes) override {
    return builder_.series(number_, entity, metric, attributes);
  }
  void retire(EntityId entity) override { builder_.retire(number_, entity); }
  void sample(SeriesId series, std::optional<double> value) override { builder_.sample(series, value); }
  void event(Event event) override { builder_.event(std::move(event)); }

 private:
  FrameBuilder& builder_;
  const std::size_t number_;
};

FrameBuilder::FrameBuilder() {
  for (std::size_t i = 0; i < kMostSpeakers; ++i) speakers_.push_back(std::make_unique<Speaker>(*this, i));
  reset();
}

FrameBuilder::~FrameBuilder() = default;

Sink& FrameBuilder::sink(std::size_t speaker) { return *speakers_[speaker]; }

void FrameBuilder::reset() {
  entities_.clear();
  series_.clear();
  free_entities_.clear();
  free_series_.clear();
  by_name_.clear();
  retiring_.clear();
  gone_.clear();
  new_entities_.clear();
  new_series_.clear();
  samples_.clear();
  events_.clear();
  first_ = true;
  sequence_ = lost_ = 0;
  last_mono_ = MonoTime{};
  entities_.push_back({Entity{EntityKind::host, ""}, kEverybody, true, {}});
  by_name_.emplace(entities_[0].entity, kHost);
  new_entities_.push_back(kHost);
}

EntityId FrameBuilder::entity(std::size_t speaker, EntityKind kind, std::string_view name) {
  Entity wanted{kind, bounded(name, kMostEntityName)};
  const std::uint64_t owner = std::uint64_t{1} << speaker;
  const auto known = by_name_.find(wanted);
  if (known != by_name_.end()) {
    entities_[index(known->second)].owners |= owner;  // also calls back one that was about to go
    return known->second;
  }
  EntityId id{};
  if (!free_entities_.empty()) {
    id = free_entities_.back();
    free_entities_.pop_back();
  } else if (entities_.size() < kMostEntities) {
    id = EntityId{static_cast<std::uint32_t>(entities_.size())};
    entities_.emplace_back();
  } else {
    ++refused_;
    return kNoEntity;
  }
  EntityRow& row = entities_[index(id)];
  row.entity = wanted;
  row.owners = owner;
  row.live = true;
  by_name_.emplace(std::move(wanted), id);
  new_entities_.push_back(id);
  return id;
}

SeriesId FrameBuilder::series(std::size_t speaker, EntityId entity, const MetricInfo& metric,
                              std::string_view attributes) {
  if (index(entity) >= entities_.size() || !entities_[index(entity)].live) return kNoSeries;
  EntityRow& owner = entities_[index(entity)];
  for (const SeriesId known : owner.series) {
    SeriesRow& row = series_[index(known)];
    if (row.name != metric.name || row.attributes != attributes) continue;
    row.speaker = speaker;
    return known;
  }
  SeriesId id{};
  if (!free_series_.empty()) {
    id = free_series_.back();
    free_series_.pop_back();
  } else if (series_.size() < kMostSeries) {
    id = SeriesId{static_cast<std::uint32_t>(series_.size())};
    series_.emplace_back();
  } else {
    ++refused_;
    return kNoSeries;
  }
  series_[index(id)] = {entity,
                        bounded(metric.name, kMostSeriesText),
                        bounded(attributes, kMostSeriesText),
                        metric.unit,
                        metric.instrument,
                        speaker};
  owner.series.push_back(id);
  new_series_.push_back(id);
  return id;
}

void FrameBuilder::retire(std::size_t speaker, EntityId entity) {
  if (entity == kHost || index(entity) >= entities_.size()) return;
  EntityRow& row = entities_[index(entity)];
  const std::uint64_t owner = std::uint64_t{1} << speaker;
  if ((row.owners & owner) == 0) return;
  row.owners &= ~owner;
  if (row.owners == 0) {
    retiring_.push_back(entity);
    return;
  }
  silence(speaker, entity);
}

void FrameBuilder::retire_all(std::size_t speaker) {
  for (std::size_t i = 0; i < entities_.size(); ++i) {
    const EntityId id{static_cast<std::uint32_t>(i)};
    if (id == kHost) silence(speaker, id);
    retire(speaker, id);
  }
}

// The speaker's series of the entity become unknown.
void FrameBuilder::silence(std::size_t speaker, EntityId entity) {
  for (const SeriesId id : entities_[index(entity)].series) {
    if (series_[index(id)].speaker == speaker) sample(id, std::nullopt);
  }
}

void FrameBuilder::sample(SeriesId series, std::optional<double> value) {
  if (index(series) >= series_.size()) return;  // kNoSeries
  if (samples_.size() == kMostSeries) {
    ++lost_, ++lost_total_;
    return;
  }
  if (value && !std::isfinite(*value)) value.reset();
  samples_.push_back({series, value});
}

void FrameBuilder::event(Event event) {
  if (events_.size() == kMostPendingEvents) {
    ++lost_, ++lost_total_;
    return;
  }
  if (index(event.entity) >= entities_.size() || !entities_[index(event.entity)].live) event.entity = kHost;
  if (event.attributes.size() > kMostAttributes) event.attributes.resize(kMostAttributes);
  for (Attribute& attribute : event.attributes) {
    attribute.key = bounded(attribute.key, kMostAttributeKey);
    attribute.value = bounded(attribute.value, kMostAttributeValue);
  }
  events_.push_back(std::move(event));
}

void FrameBuilder::begin_tick(MonoTime mono, WallTime wall) {
  if (!samples_.empty()) drop_samples();
  bury();
  set_time(mono, wall);
}

void FrameBuilder::set_time(MonoTime mono, WallTime wall) {
  if (!samples_.empty()) return;
  sample_mono_ = mono;
  sample_wall_ = wall;
}

void FrameBuilder::drop_samples() {
  lost_ += samples_.size();
  lost_total_ += samples_.size();
  ++sequence_;  // the receiver sees a gap where a frame is missing
  samples_.clear();
}

// Tells of the entities that everybody has retired. Only when nothing else waits: then no definition, sample or event
// that is still to be sent can speak of them, and their ids are free at once, because a receiver applies what is gone
// before what is new.
void FrameBuilder::bury() {
  if (retiring_.empty() || pending()) return;
  for (const EntityId id : retiring_) {
    EntityRow& row = entities_[index(id)];
    if (!row.live || row.owners != 0) continue;  // told already, or called back
    for (const SeriesId series : row.series) free_series_.push_back(series);
    row.series.clear();
    row.live = false;
    by_name_.erase(row.entity);
    free_entities_.push_back(id);
    gone_.push_back(id);
  }
  retiring_.clear();
}

bool FrameBuilder::pending() const {
  return !gone_.empty() || !new_entities_.empty() || !new_series_.empty() || !samples_.empty() || !events_.empty() ||
         lost_ > 0;
}

// Fills the frame with definitions; returns the bytes they take. Entities before series, so that a series never comes
// before its entity.
std::size_t FrameBuilder::cut_definitions() {
  std::size_t bytes = gone_.size() * kGoneBytes;
  frame_.gone.assign(gone_.begin(), gone_.end());
  for (const EntityId id : new_entities_) {
    if (bytes >= kChunkBytes) return bytes;
    frame_.entities.push_back({id, entities_[index(id)].entity});
    bytes += bytes_of(frame_.entities.back());
  }
  for (const SeriesId id : new_series_) {
    if (bytes >= kChunkBytes) return bytes;
    const SeriesRow& row = series_[index(id)];
    frame_.series.push_back({id, row.entity, row.name, row.attributes, row.unit, row.instrument});
    bytes += bytes_of(frame_.series.back());
  }
  return bytes;
}

const Frame& FrameBuilder::next(MonoTime now_mono, WallTime now_wall) {
  frame_.clear();
  cut_samples_ = cut_events_ = 0;
  cut_lost_ = 0;
  frame_.first = first_;
  frame_.sequence = sequence_;
  const bool has_samples = !samples_.empty();
  frame_.mono = std::max(has_samples ? sample_mono_ : now_mono, last_mono_);  // receivers want frames in order of time
  frame_.wall = has_samples ? sample_wall_ : now_wall;

  std::size_t bytes = cut_definitions();
  const bool all_defined = frame_.entities.size() == new_entities_.size() && frame_.series.size() == new_series_.size();
  if (!all_defined) return frame_;
  if (bytes < kChunkBytes) cut_samples_ = std::min(samples_.size(), (kChunkBytes - bytes) / kSampleBytes + 1);
  frame_.samples.assign(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(cut_samples_));
  bytes += cut_samples_ * kSampleBytes;
  if (lost_ > 0 && bytes < kChunkBytes) {
    frame_.events.push_back(
        {EventKind::samples_lost, kHost, frame_.mono, {{std::string(attr::kCount), std::to_string(lost_)}}});
    cut_lost_ = lost_;
  }
  for (const Event& event : events_) {
    if (bytes >= kChunkBytes || frame_.events.size() == kMostEventsPerFrame) break;
    // An event younger than the samples waits for the frame after it; a probe that is ahead of the clock is not
    // believed.
    if (has_samples && event.at > frame_.mono) break;
    frame_.events.push_back(event);
    frame_.events.back().at = std::min(event.at, frame_.mono);
    bytes += bytes_of(event);
    ++cut_events_;
  }
  return frame_;
}

void FrameBuilder::sent() {
  gone_.clear();
  drop_front(new_entities_, frame_.entities.size());
  drop_front(new_series_, frame_.series.size());
  drop_front(samples_, cut_samples_);
  drop_front(events_, cut_events_);
  lost_ -= cut_lost_;
  cut_samples_ = cut_events_ = 0;
  cut_lost_ = 0;
  last_mono_ = frame_.mono;
  frame_.clear();
  first_ = false;
  ++sequence_;
}

}  // namespace hostmedic
