// SPDX-License-Identifier: Apache-2.0
// What is known of the host now, as plain data built from frames: the last value of each series and the last facts of
// each entity. The planner and the verifier read it; nothing reads the host instead. One owner (the pipeline thread).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "detect/model/frame.h"
#include "detect/model/series.h"

namespace hostmedic {

class HostView {
 public:
  // Applies definitions, retirements, samples and events of a frame, in that order of the frame's contract.
  void apply(const Frame& frame);

  const Entity* entity(EntityId id) const;
  const SeriesDef* series(SeriesId id) const;
  std::optional<EntityId> find(const Entity& entity) const;

  // Last known value; nullopt if there is no such series, it was never read, or its last read failed.
  std::optional<double> value(const Entity& entity, std::string_view name, std::string_view attributes = {}) const;
  // Attributes of the last unit_state event of a service; empty if none.
  const std::vector<Attribute>& unit_facts(const Entity& service) const;
  // file_growth events of a filesystem no older than max_age at the view's time, fastest first.
  std::vector<const Event*> growing_files(const Entity& filesystem, Duration max_age) const;

  MonoTime mono() const { return mono_; }
  WallTime wall() const { return wall_; }
  std::size_t series_count() const { return series_.size(); }
  std::size_t entity_count() const { return entities_.size(); }
  // Visits every series with its entity and last value, in id order.
  template <class Visit>
  void each_series(Visit visit) const {
    for (const auto& [id, row] : series_) visit(row.def, entities_.at(row.def.entity), row.value);
  }

 private:
  struct Row {
    SeriesDef def;
    std::optional<double> value;
  };
  void retire(EntityId id);

  MonoTime mono_;
  WallTime wall_;
  std::map<EntityId, Entity> entities_;
  std::map<Entity, EntityId> by_entity_;
  std::map<SeriesId, Row> series_;
  std::map<EntityId, std::vector<SeriesId>> series_of_;
  std::map<EntityId, std::vector<Attribute>> unit_facts_;
  std::map<EntityId, std::vector<Event>> growth_;  // at most 8 per filesystem, one per path
};

}  // namespace hostmedic
