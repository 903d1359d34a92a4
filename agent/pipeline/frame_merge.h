// SPDX-License-Identifier: Apache-2.0
// Makes one stream of frames of several sources (the probe, the active checks), for an engine that sees one. Ids are
// made anew; an entity that two sources name is one entity. A source that starts again takes up its old ids: what it
// was is unknown for a moment, and only what it has not named again after kGrace is told gone, so neither models nor
// incidents are lost with a restart. In the steady state nothing allocates. One owner.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "detect/model/frame.h"

namespace hostmedic {

class FrameMerge {
 public:
  static constexpr std::size_t kMostSources = 4;
  static constexpr Duration kGrace = std::chrono::seconds(30);

  // The frame as part of the one stream. source < kMostSources. Valid until the next call of anything here. The time is
  // never before that of the frame returned last.
  const Frame& take(std::size_t source, const Frame& frame);
  // The source is not there: a frame that makes all that it said unknown, at the time of the last frame.
  const Frame& lost(std::size_t source);
  // The next frame is a first one and defines everything again, for a receiver that knows nothing.
  void restart() { started_ = false; }

  // Definitions past the bounds of frame.h, and events about what is not defined.
  std::uint64_t refused() const { return refused_; }

 private:
  struct EntityRow {
    Entity entity;
    unsigned owners = 0;  // a bit per source; 0: free
    std::vector<SeriesId> series;
  };
  struct SeriesRow {
    SeriesDef def;  // with the ids of the one stream
    std::size_t source = 0;
  };
  struct Source {
    std::vector<EntityId> entities;  // by the source's own ids
    std::vector<SeriesId> series;
    std::vector<bool> renewed, renewed_series;  // by the one stream's ids
    std::uint64_t sequence = 0;
    std::optional<MonoTime> started_at;  // until what was not renewed is told gone
    bool seen = false;
  };

  void begin(const Frame& frame, std::uint64_t step);
  void define_all();
  void silence(std::size_t source);
  void forget_stale(std::size_t source);
  void disown(std::size_t source, EntityId id);
  void define(std::size_t source, const EntityDef& def);
  void define(std::size_t source, const SeriesDef& def);

  std::array<Source, kMostSources> sources_;
  std::vector<EntityRow> entities_;
  std::vector<SeriesRow> series_;
  std::vector<EntityId> free_entities_;
  std::vector<SeriesId> free_series_;
  std::map<Entity, EntityId> by_name_;
  Frame out_;
  MonoTime last_;
  WallTime last_wall_;
  std::uint64_t sequence_ = 0, refused_ = 0;
  bool started_ = false;
};

}  // namespace hostmedic
