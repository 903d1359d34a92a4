// SPDX-License-Identifier: Apache-2.0
// What is known of the host now, as plain data built from frames: the last value of each series and the last facts of
// each entity. The planner and the verifier read it; nothing reads the host instead. One owner (the pipeline thread).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "detect/model/frame.h"
#include "detect/model/series.h"

namespace hostmedic {

class HostView {
 public:
  // Applies definitions, retirements, samples and events of a frame, in that order of the frame's contract. What names
  // an id that is not defined, or is out of its bound, is ignored. Samples of known series allocate nothing.
  void apply(const Frame& frame);

  const Entity* entity(EntityId id) const;
  const SeriesDef* series(SeriesId id) const;
  std::optional<EntityId> find(const Entity& entity) const;
  std::optional<SeriesId> find_series(const Entity& entity, std::string_view name,
                                      std::string_view attributes = {}) const;

  // Last known value; nullopt if there is no such series, it was never read, or its last read failed.
  std::optional<double> value(const Entity& entity, std::string_view name, std::string_view attributes = {}) const;
  // Attributes of the last unit_state event of a service; empty if none.
  const std::vector<Attribute>& unit_facts(const Entity& service) const;
  // file_growth events of a filesystem no older than max_age at the view's time, fastest first. Valid until the next
  // apply().
  std::vector<const Event*> growing_files(const Entity& filesystem, Duration max_age) const;

  MonoTime mono() const { return mono_; }
  WallTime wall() const { return wall_; }
  std::size_t series_count() const { return series_count_; }
  std::size_t entity_count() const { return entity_count_; }
  // Visits every entity, in id order.
  template <class Visit>
  void each_entity(Visit visit) const {
    for (const EntitySlot& slot : entities_)
      if (slot.live) visit(slot.entity);
  }
  // Visits every series with its entity and last value, in id order.
  template <class Visit>
  void each_series(Visit visit) const {
    for (const SeriesSlot& slot : series_)
      if (slot.live) visit(slot.def, entities_[static_cast<std::size_t>(slot.def.entity)].entity, slot.value);
  }

  // For a snapshot. sane(): every id leads to where there is something.
  bool sane() const;
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.mono_, self.wall_, self.entities_, self.series_, self.by_entity_, self.entity_count_,
                    self.series_count_);
  }

 private:
  struct SeriesSlot {
    bool live = false;
    std::optional<double> value;
    SeriesDef def;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.live, self.value, self.def);
    }
  };
  struct EntitySlot {
    bool live = false;
    Entity entity;
    std::vector<SeriesId> series;
    std::vector<Attribute> unit_facts;
    std::vector<Event> growth;  // at most kMostGrowing, one per path
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.live, self.entity, self.series, self.unit_facts, self.growth);
    }
  };
  static constexpr std::size_t kMostGrowing = 8;

  const EntitySlot* slot(const Entity& entity) const;
  const EntitySlot* slot(EntityId id) const;
  void retire(EntityId id);
  void define(const EntityDef& def);
  void define(const SeriesDef& def);
  void note(const Event& event);

  MonoTime mono_;
  WallTime wall_;
  std::vector<EntitySlot> entities_;  // by id, below kMostEntities
  std::vector<SeriesSlot> series_;    // by id, below kMostSeries
  std::map<Entity, EntityId> by_entity_;
  std::size_t entity_count_ = 0;
  std::size_t series_count_ = 0;
};

}  // namespace hostmedic
