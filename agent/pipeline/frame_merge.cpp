// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/frame_merge.h"

#include <algorithm>

namespace hostmedic {
namespace {

constexpr EntityId kNone{0xffffffff};
constexpr SeriesId kNoSeries{0xffffffff};

template <class Id>
constexpr std::size_t index(Id id) {
  return static_cast<std::size_t>(id);
}

template <class Id>
Id lookup(const std::vector<Id>& map, Id id, Id none) {
  return index(id) < map.size() ? map[index(id)] : none;
}

template <class Id>
void store(std::vector<Id>& map, Id from, Id to, Id none) {
  if (map.size() <= index(from)) map.resize(index(from) + 1, none);
  map[index(from)] = to;
}

unsigned bit(std::size_t source) { return 1u << source; }

// A free place of the table, or a new one below the bound, or `none`.
template <class Id, class Row>
Id place_in(std::vector<Row>& rows, std::vector<Id>& free, std::size_t most, Id none) {
  if (!free.empty()) {
    const Id id = free.back();
    free.pop_back();
    return id;
  }
  if (rows.size() >= most) return none;
  rows.emplace_back();
  return Id{static_cast<std::uint32_t>(rows.size() - 1)};
}

}  // namespace

void FrameMerge::begin(const Frame& frame, std::uint64_t step) {
  out_.clear();
  last_ = std::max(last_, frame.mono);
  last_wall_ = std::max(last_wall_, frame.wall);
  out_.mono = last_;
  out_.wall = frame.wall;
  sequence_ += step;
  out_.sequence = sequence_;
  if (started_) return;
  started_ = true;
  out_.first = true;
  define_all();
}

void FrameMerge::define_all() {
  for (std::size_t i = 0; i < entities_.size(); ++i) {
    if (entities_[i].owners != 0)
      out_.entities.push_back({EntityId{static_cast<std::uint32_t>(i)}, entities_[i].entity});
  }
  for (const EntityRow& row : entities_) {
    for (const SeriesId id : row.series) out_.series.push_back(series_[index(id)].def);
  }
}

const Frame& FrameMerge::take(std::size_t from, const Frame& frame) {
  Source& source = sources_[from];
  // A gap in the source's numbers is one in ours.
  const bool follows = source.seen && !frame.first && frame.sequence > source.sequence;
  begin(frame, follows ? frame.sequence - source.sequence : 1);
  source.sequence = frame.sequence;
  if (frame.first || !source.seen) {
    silence(from);
    source.entities.clear();
    source.series.clear();
    source.renewed.assign(entities_.size(), false);
    source.renewed_series.assign(series_.size(), false);
    source.started_at = last_;
    source.seen = true;
  }
  for (const EntityId gone : frame.gone) {
    const EntityId id = lookup(source.entities, gone, kNone);
    if (id == kNone) continue;
    store(source.entities, gone, kNone, kNone);
    disown(from, id);
  }
  if (source.started_at && last_ - *source.started_at >= kGrace) forget_stale(from);
  for (const EntityDef& def : frame.entities) define(from, def);
  for (const SeriesDef& def : frame.series) define(from, def);
  for (const Sample& sample : frame.samples) {
    const SeriesId id = lookup(source.series, sample.series, kNoSeries);
    if (id != kNoSeries) out_.samples.push_back({id, sample.value});
  }
  for (const Event& event : frame.events) {
    const EntityId id = lookup(source.entities, event.entity, kNone);
    if (id == kNone) {
      ++refused_;
      continue;
    }
    out_.events.push_back(event);
    out_.events.back().entity = id;
  }
  return out_;
}

const Frame& FrameMerge::lost(std::size_t from) {
  Frame now;
  now.mono = last_;
  now.wall = last_wall_;
  begin(now, 1);
  silence(from);
  return out_;
}

void FrameMerge::silence(std::size_t from) {
  for (const EntityRow& row : entities_) {
    if ((row.owners & bit(from)) == 0) continue;
    for (const SeriesId id : row.series) {
      if (series_[index(id)].source == from) out_.samples.push_back({id, std::nullopt});
    }
  }
}

void FrameMerge::forget_stale(std::size_t from) {
  Source& source = sources_[from];
  source.started_at.reset();
  for (std::size_t i = 0; i < source.renewed.size(); ++i) {
    if (!source.renewed[i] && (entities_[i].owners & bit(from)) != 0)
      disown(from, EntityId{static_cast<std::uint32_t>(i)});
  }
  for (EntityRow& row : entities_) {
    std::erase_if(row.series, [&](SeriesId id) {
      const bool known = index(id) < source.renewed_series.size() && series_[index(id)].source == from;
      if (!known || source.renewed_series[index(id)]) return false;
      free_series_.push_back(id);  // unknown since the source started again; the next new series takes its place
      return true;
    });
  }
}

// The entity goes, with all its series, when no source is left that names it. Before, the source's series are unknown.
void FrameMerge::disown(std::size_t from, EntityId id) {
  EntityRow& row = entities_[index(id)];
  row.owners &= ~bit(from);
  if (row.owners != 0) {
    for (const SeriesId series : row.series) {
      if (series_[index(series)].source == from) out_.samples.push_back({series, std::nullopt});
    }
    return;
  }
  // A definition of this very frame was made in vain.
  std::erase_if(out_.entities, [&](const EntityDef& def) { return def.id == id; });
  std::erase_if(out_.series, [&](const SeriesDef& def) { return def.entity == id; });
  std::erase_if(out_.samples,
                [&](const Sample& sample) { return std::ranges::find(row.series, sample.series) != row.series.end(); });
  out_.gone.push_back(id);
  for (const SeriesId series : row.series) free_series_.push_back(series);
  row.series.clear();
  by_name_.erase(row.entity);
  free_entities_.push_back(id);
}

void FrameMerge::define(std::size_t from, const EntityDef& def) {
  Source& source = sources_[from];
  EntityId id{};
  if (const auto known = by_name_.find(def.entity); known != by_name_.end()) {
    id = known->second;
  } else {
    id = place_in(entities_, free_entities_, kMostEntities, kNone);
    if (id == kNone) {
      ++refused_;
    } else {
      entities_[index(id)] = {def.entity, 0, {}};
      by_name_.emplace(def.entity, id);
      out_.entities.push_back({id, def.entity});
    }
  }
  store(source.entities, def.id, id, kNone);
  if (id == kNone) return;
  entities_[index(id)].owners |= bit(from);
  if (index(id) < source.renewed.size()) source.renewed[index(id)] = true;
}

void FrameMerge::define(std::size_t from, const SeriesDef& def) {
  Source& source = sources_[from];
  const EntityId entity = lookup(source.entities, def.entity, kNone);
  SeriesId id = kNoSeries;
  if (entity != kNone) {
    EntityRow& owner = entities_[index(entity)];
    const auto same = std::ranges::find_if(owner.series, [&](SeriesId known) {
      const SeriesDef& other = series_[index(known)].def;
      return other.name == def.name && other.attributes == def.attributes;
    });
    if (same != owner.series.end()) {
      id = *same;
    } else if (id = place_in(series_, free_series_, kMostSeries, kNoSeries); id == kNoSeries) {
      ++refused_;
    } else {
      series_[index(id)].def = def;
      series_[index(id)].def.id = id;
      series_[index(id)].def.entity = entity;
      owner.series.push_back(id);
      out_.series.push_back(series_[index(id)].def);
    }
  }
  store(source.series, def.id, id, kNoSeries);
  if (id == kNoSeries) return;
  series_[index(id)].source = from;
  if (index(id) < source.renewed_series.size()) source.renewed_series[index(id)] = true;
}

}  // namespace hostmedic
