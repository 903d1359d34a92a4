// SPDX-License-Identifier: Apache-2.0
#include "detect/model/host_view.h"

#include <algorithm>

#include "agent/base/parse.h"
#include "detect/model/names.h"

namespace hostmedic {

namespace {
std::size_t index_of(EntityId id) { return static_cast<std::size_t>(id); }
std::size_t index_of(SeriesId id) { return static_cast<std::size_t>(id); }
double growth_of(const Event& event) { return parse_double(event.get(attr::kFileGrowth)).value_or(0); }
}  // namespace

void HostView::apply(const Frame& frame) {
  if (frame.first) {
    entities_.clear();
    series_.clear();
    by_entity_.clear();
    entity_count_ = series_count_ = 0;
  }
  mono_ = frame.mono;
  wall_ = frame.wall;
  for (const EntityId id : frame.gone) retire(id);
  for (const EntityDef& def : frame.entities) define(def);
  for (const SeriesDef& def : frame.series) define(def);
  for (const Sample& sample : frame.samples) {
    const std::size_t index = index_of(sample.series);
    if (index < series_.size() && series_[index].live) series_[index].value = sample.value;
  }
  for (const Event& event : frame.events) note(event);
}

void HostView::retire(EntityId id) {
  if (slot(id) == nullptr) return;
  EntitySlot& entity = entities_[index_of(id)];
  for (const SeriesId series : entity.series) {
    SeriesSlot& row = series_[index_of(series)];
    if (!row.live || row.def.entity != id) continue;
    row = {};
    --series_count_;
  }
  const auto known = by_entity_.find(entity.entity);
  if (known != by_entity_.end() && known->second == id) by_entity_.erase(known);
  entity = {};
  --entity_count_;
}

void HostView::define(const EntityDef& def) {
  const std::size_t index = index_of(def.id);
  if (index >= kMostEntities) return;
  if (const EntitySlot* known = slot(def.id); known != nullptr) {
    if (known->entity == def.entity) return;
    retire(def.id);
  }
  if (index >= entities_.size()) entities_.resize(index + 1);
  entities_[index].live = true;
  entities_[index].entity = def.entity;
  by_entity_[def.entity] = def.id;
  ++entity_count_;
}

void HostView::define(const SeriesDef& def) {
  const std::size_t index = index_of(def.id);
  if (index >= kMostSeries || slot(def.entity) == nullptr) return;
  if (index >= series_.size()) series_.resize(index + 1);
  SeriesSlot& row = series_[index];
  if (row.live && row.def == def) return;
  if (row.live) {
    std::erase(entities_[index_of(row.def.entity)].series, def.id);
  } else {
    ++series_count_;
  }
  row = {true, std::nullopt, def};
  entities_[index_of(def.entity)].series.push_back(def.id);
}

void HostView::note(const Event& event) {
  if (slot(event.entity) == nullptr) return;
  EntitySlot& entity = entities_[index_of(event.entity)];
  if (event.kind == EventKind::unit_state) entity.unit_facts = event.attributes;
  if (event.kind != EventKind::file_growth) return;
  const std::string_view path = event.get(attr::kFilePath);
  const auto same =
      std::ranges::find_if(entity.growth, [&](const Event& known) { return known.get(attr::kFilePath) == path; });
  if (same != entity.growth.end()) {
    *same = event;
  } else if (entity.growth.size() < kMostGrowing) {
    entity.growth.push_back(event);
  } else {
    *std::ranges::min_element(entity.growth, {}, &Event::at) = event;
  }
}

bool HostView::sane() const {
  if (entities_.size() > kMostEntities || series_.size() > kMostSeries) return false;
  const auto live = [](const auto& slot) { return slot.live; };
  if (entity_count_ != static_cast<std::size_t>(std::ranges::count_if(entities_, live))) return false;
  if (series_count_ != static_cast<std::size_t>(std::ranges::count_if(series_, live))) return false;
  for (const SeriesSlot& row : series_)
    if (row.live && slot(row.def.entity) == nullptr) return false;
  for (const EntitySlot& entity : entities_)
    for (const SeriesId id : entity.series)
      if (index_of(id) >= series_.size()) return false;
  return std::ranges::all_of(by_entity_, [&](const auto& known) { return slot(known.second) != nullptr; });
}

const HostView::EntitySlot* HostView::slot(EntityId id) const {
  const std::size_t index = index_of(id);
  return index < entities_.size() && entities_[index].live ? &entities_[index] : nullptr;
}

const HostView::EntitySlot* HostView::slot(const Entity& entity) const {
  const auto known = by_entity_.find(entity);
  return known == by_entity_.end() ? nullptr : slot(known->second);
}

const Entity* HostView::entity(EntityId id) const {
  const EntitySlot* known = slot(id);
  return known == nullptr ? nullptr : &known->entity;
}

const SeriesDef* HostView::series(SeriesId id) const {
  const std::size_t index = index_of(id);
  return index < series_.size() && series_[index].live ? &series_[index].def : nullptr;
}

std::optional<EntityId> HostView::find(const Entity& entity) const {
  const auto known = by_entity_.find(entity);
  if (known == by_entity_.end()) return std::nullopt;
  return known->second;
}

std::optional<SeriesId> HostView::find_series(const Entity& entity, std::string_view name,
                                              std::string_view attributes) const {
  const EntitySlot* known = slot(entity);
  if (known == nullptr) return std::nullopt;
  for (const SeriesId id : known->series) {
    const SeriesDef& def = series_[index_of(id)].def;
    if (def.name == name && def.attributes == attributes) return id;
  }
  return std::nullopt;
}

std::optional<double> HostView::value(const Entity& entity, std::string_view name, std::string_view attributes) const {
  const auto id = find_series(entity, name, attributes);
  if (!id) return std::nullopt;
  return series_[index_of(*id)].value;
}

const std::vector<Attribute>& HostView::unit_facts(const Entity& service) const {
  static const std::vector<Attribute> kNone;
  const EntitySlot* known = slot(service);
  return known == nullptr ? kNone : known->unit_facts;
}

std::vector<const Event*> HostView::growing_files(const Entity& filesystem, Duration max_age) const {
  std::vector<const Event*> files;
  const EntitySlot* known = slot(filesystem);
  if (known == nullptr) return files;
  for (const Event& event : known->growth)
    if (mono_ - event.at <= max_age) files.push_back(&event);
  std::ranges::stable_sort(files, [](const Event* a, const Event* b) { return growth_of(*a) > growth_of(*b); });
  return files;
}

}  // namespace hostmedic
