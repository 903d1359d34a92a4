// SPDX-License-Identifier: Apache-2.0
// What was changed on the host of late, and which of it may be why something fails. Bounded, pure; one owner.
#pragma once

#include <string>
#include <tuple>
#include <vector>

#include "detect/correlate/entity_graph.h"
#include "detect/model/frame.h"
#include "detect/model/incident.h"

namespace hostmedic::detect {

class ChangeLog {
 public:
  static constexpr std::size_t kMostKept = 1024;  // an upgrade of the whole system fits
  static constexpr Duration kKept = std::chrono::hours(1);
  // A fault that begins this soon after a change may be its work.
  static constexpr Duration kBefore = std::chrono::minutes(5);
  // Logs date a change to the second, a fault is dated to the nanosecond.
  static constexpr Duration kAfter = std::chrono::seconds(2);

  // Takes a change or a step of the clock; other events are ignored.
  void note(const Entity& about, const Event& event, WallTime at, MonoTime now);
  void age(MonoTime now);

  // What may have caused a fault of the root: changed on it, on what it depends on, or on the whole host, within
  // kBefore. Likeliest first, at most kMostChanges.
  std::vector<RecentChange> before(const Entity& root, WallTime fault_at, const EntityGraph& graph) const;
  // For each sort of circumstance, the latest within kBefore anywhere on the host, or that there was none.
  std::vector<ContextCheck> context(WallTime fault_at) const;
  // What of the entity, or of the package that owns it, was changed less than `length` ago; a thing that is new is not
  // a change of it. Null: nothing. Valid until the next note() or age().
  const std::string* changed(const Entity& entity, Duration length, MonoTime now, const EntityGraph& graph) const;

  // For a snapshot.
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.changes_);
  }

 private:
  struct Change {
    Entity entity;
    WallTime at;
    MonoTime noted;
    std::string type, text;
    bool is_new = false;  // nothing was there before
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.entity, self.at, self.noted, self.type, self.text, self.is_new);
    }
  };
  double probability(const Change& change, const Entity& root, WallTime fault_at, const std::vector<Path>& below) const;
  std::vector<Change> changes_;  // oldest first
};

}  // namespace hostmedic::detect
