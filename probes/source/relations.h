// SPDX-License-Identifier: Apache-2.0
// Telling who depends on whom, a few per turn: a list of relations that a probe knows as a whole (RelationBook), or
// what it sees now and then (ToldMemory). Both tell again what still holds, because whoever follows relations forgets
// what is not told for a day. Bounded; what was left out is counted. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/model/names.h"
#include "probes/probe.h"

namespace hostmedic {

inline constexpr Duration kRelationAgain = std::chrono::hours(6);
// Of one probe: a start must not fill a frame.
inline constexpr std::size_t kMostRelationsPerTurn = 16;

struct Related {
  std::string_view type;  // a constant: "requires", "stored_on"
  Entity to;
  auto operator<=>(const Related&) const = default;
};

inline Event relation_event(EntityId from, const Related& related, bool present, MonoTime now) {
  return {EventKind::relation,
          from,
          now,
          {{std::string(attr::kRelationType), std::string(related.type)},
           {std::string(attr::kRelationTarget), to_string(related.to)},
           {std::string(attr::kRelationState), present ? "present" : "gone"}}};
}

// Tells of an entity what event(id) makes. One that the probe does not follow itself is let go after it; who else knows
// it keeps it.
template <class Make>
void tell_of(const Entity& about, bool followed, Sink& sink, Make event) {
  const EntityId id = sink.entity(about.kind, about.name);
  if (id == kNoEntity) return;
  sink.event(event(id));
  if (!followed) sink.retire(id);
}

class RelationBook {
 public:
  static constexpr std::size_t kMostPerEntity = 32;

  explicit RelationBook(std::size_t most) : most_(most) {}

  // All that the entity depends on, the most important first. What it depended on before and is not in here is told as
  // gone.
  void replace(const Entity& from, std::vector<Related> related) {
    if (related.size() > kMostPerEntity) {
      left_out_ += related.size() - kMostPerEntity;
      related.resize(kMostPerEntity);
    }
    if (related.empty() && !entries_.contains(from)) return;
    std::vector<Row>& rows = entries_[from];
    std::vector<Row> after;
    for (Related& one : related) {
      const auto known = find(rows, one);
      if (known == rows.end()) {
        if (count_ >= most_) {
          ++left_out_;
          continue;
        }
        ++count_;
        waits_ = true;
      }
      after.push_back({std::move(one), known == rows.end() ? std::nullopt : known->told, true});
    }
    for (Row& row : rows) {
      if (find(after, row.related) != after.end()) continue;
      if (row.told) {
        after.push_back({std::move(row.related), row.told, false});
        waits_ = true;
      } else {
        --count_;
      }
    }
    rows = std::move(after);
  }
  // Nothing more is known of the entity. Nothing is told of it: what depends on what is not over by that.
  void forget(const Entity& from) {
    const auto found = entries_.find(from);
    if (found == entries_.end()) return;
    count_ -= found->second.size();
    entries_.erase(found);
  }
  template <class Gone>
  void forget_if(Gone gone) {
    for (auto at = entries_.begin(); at != entries_.end();) {
      const auto next = std::next(at);
      if (gone(at->first)) forget(at->first);
      at = next;
    }
  }

  // Once per turn. follows(entity): the probe has the entity for itself, it is not let go after the event.
  template <class Follows>
  void tell(MonoTime now, Sink& sink, Follows follows) {
    if (!waits_ && now < again_) return;
    std::size_t left = kMostRelationsPerTurn;
    waits_ = false;
    again_ = now + kRelationAgain;
    for (auto& [from, rows] : entries_) {
      for (auto row = rows.begin(); row != rows.end();) {
        const bool due = !row->present || !row->told || now - *row->told >= kRelationAgain;
        if (!due) {
          again_ = std::min(again_, *row++->told + kRelationAgain);
          continue;
        }
        if (left == 0) {
          waits_ = true;
          return;
        }
        --left;
        tell_of(from, follows(from), sink,
                [&](EntityId id) { return relation_event(id, row->related, row->present, now); });
        if (row->present) {
          row++->told = now;
        } else {
          row = rows.erase(row);
          --count_;
        }
      }
    }
  }

  std::size_t size() const { return count_; }
  bool full() const { return count_ >= most_; }
  // Relations past the bounds, since the last call.
  std::uint64_t take_left_out() { return std::exchange(left_out_, 0); }

 private:
  struct Row {
    Related related;
    std::optional<MonoTime> told;
    bool present = true;
  };
  static std::vector<Row>::iterator find(std::vector<Row>& rows, const Related& wanted) {
    return std::ranges::find_if(rows, [&](const Row& row) { return row.related == wanted; });
  }

  const std::size_t most_;
  std::map<Entity, std::vector<Row>> entries_;
  std::size_t count_ = 0;
  std::uint64_t left_out_ = 0;
  bool waits_ = false;  // something is to be told now
  MonoTime again_;      // when the oldest has to be told again
};

// What was told of things that are only seen now and then.
template <class Key>
class ToldMemory {
 public:
  explicit ToldMemory(std::size_t most) : most_(most) {}

  void begin_turn() { left_ = kMostRelationsPerTurn; }
  // Whether to tell it now, which is then noted. When the turn has told enough, the next sighting will do.
  bool is_due(const Key& key, MonoTime now) {
    const auto found = told_.find(key);
    if (found != told_.end() && now - found->second < kRelationAgain) return false;
    if (left_ == 0) return false;
    if (found == told_.end() && told_.size() >= most_)
      std::erase_if(told_, [&](const auto& one) { return now - one.second >= kRelationAgain; });
    if (found == told_.end() && told_.size() >= most_) {
      ++left_out_;
      return false;
    }
    --left_;
    told_[key] = now;
    return true;
  }
  std::uint64_t take_left_out() { return std::exchange(left_out_, 0); }

 private:
  const std::size_t most_;
  std::map<Key, MonoTime> told_;
  std::size_t left_ = kMostRelationsPerTurn;
  std::uint64_t left_out_ = 0;
};

}  // namespace hostmedic
