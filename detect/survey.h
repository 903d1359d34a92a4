// SPDX-License-Identifier: Apache-2.0
// The scorer's place on a host: which series of a stream of frames it watches, in which groups, and what a suspicion
// means for the case book. Services, containers and endpoints are groups of their own; all else is the host's. What was
// learnt belongs to a series' name, so that it outlives a stream and, by the checkpoint, the process. The engine's.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "agent/base/result.h"
#include "detect/correlate/case_book.h"
#include "detect/health/drift.h"
#include "detect/health/threshold_log.h"
#include "detect/model/host_view.h"
#include "detect/scorer.h"

namespace hostmedic::detect {

// How a group of series fares.
struct GroupHealth {
  Entity entity;
  std::size_t series = 0, stale = 0;  // stale: no value for Survey::kStale
  double complete = 1;                // share of its readings that gave a value
  GroupScore score;
  bool held = false;  // judged, but not learnt from
  bool drift_known = false;
  double psi = 0, ks = 0;  // of its scores, the last hours against the last weeks
  double suspicions_a_day = 0;
};

class Survey {
 public:
  static Result<std::unique_ptr<Survey>> make(const ScorerConfig& config);
  // What it may say, one per kind of entity, in this order from the first index that the book gives it.
  static std::vector<SignalRule> signal_rules(Duration quiet_after);

  // A series of the present stream; takes up what is known by its name.
  void bind(const SeriesDef& def, const Entity& entity);
  void unbind(SeriesId id);
  // The stream began anew: its ids mean nothing, what was learnt stays for kKept.
  void restart();
  // expected: it is known to be unusual now, and counts for nothing.
  void sample(SeriesId id, const std::optional<double>& value, bool expected = false) {
    const auto index = static_cast<std::size_t>(id);
    if (index >= slots_.size() || !slots_[index]) return;
    const Slot slot = *slots_[index];
    if (!expected) scorer_->set(slot, value);
    fresh_ = true;
    Feed& feed = feeds_[slot];
    if (++feed.readings == kFade) feed.readings /= 2, feed.failed /= 2;
    if (value && std::isfinite(*value))
      feed.last = now_;
    else
      ++feed.failed;
  }
  // A step of the clock: differences to what was before mean nothing.
  void forget_changes() { scorer_->forget_changes(); }
  void begin(MonoTime now) { now_ = now; }  // of the frame whose samples follow
  // Scores what was sampled, once per interval, and tells the book; first_rule: index of the first of signal_rules().
  void step(const HostView& host, CaseBook& book, LearningHolds& holds, std::uint32_t first_rule);

  // An incident that needs no model to be believed was opened on it: evidence for and against the models.
  void proved(const Entity& entity);
  // Forgets what was learnt of the groups whose entity matches; they learn anew. The number of groups.
  std::size_t relearn(std::string_view entity_pattern);

  const Scorer& scorer() const { return *scorer_; }
  std::vector<GroupHealth> groups() const;
  const ThresholdLog& thresholds() const { return thresholds_; }
  std::uint64_t refused() const { return refused_; }
  std::uint64_t withheld() const { return withheld_; }  // suspicions beyond the host's budget
  std::size_t bytes_used() const;
  void save(StateWriter& writer) const;
  // Before the first frame. False: the bytes are of another make, and everything is learnt anew.
  bool load(StateReader& reader);
  // All of it, for a snapshot; see Scorer.
  void save_whole(StateWriter& writer) const;
  void load_whole(StateReader& reader);

  static constexpr Duration kKept = std::chrono::minutes(10);
  static constexpr Duration kStale = std::chrono::minutes(5);

 private:
  static constexpr Duration kPresent = std::chrono::hours(6), kPast = std::chrono::hours(24 * 14);  // of the drift
  static constexpr std::uint32_t kFade = 1 << 16;  // readings: what is older counts half
  // How the readings of one series came.
  struct Feed {
    std::uint32_t readings = 0, failed = 0;
    MonoTime last;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.readings, self.failed, self.last);
    }
  };
  struct Watched {
    Slot slot = 0;
    GroupSlot group = 0;
    std::optional<SeriesId> bound;
    MonoTime unbound_at;
    std::string entity_text, metric;  // for the evidence
    Unit unit{};
    Instrument instrument{};
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.slot, self.group, self.bound, self.unbound_at, self.entity_text, self.metric, self.unit,
                      self.instrument);
    }
  };
  static Drift make_drift(Duration interval) {
    return {to_seconds(kPresent) / to_seconds(interval), to_seconds(kPast) / to_seconds(interval)};
  }
  struct Group {
    explicit Group(Duration interval) : drift(make_drift(interval)) {}
    Entity entity;
    GroupSlot slot = 0;
    std::size_t series = 0;
    std::optional<Entity> suspected;  // the book holds a signal on it
    bool withheld = false;            // suspicious, but there was no budget left to say so
    bool held = false;
    Drift drift;
    double suspicions = 0, days = 0;  // fading
    float threshold = 0;              // as last logged
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.entity, self.slot, self.series, self.suspected, self.withheld, self.held, self.drift,
                      self.suspicions, self.days, self.threshold);
    }
  };

  Survey(std::unique_ptr<Scorer> scorer, const ScorerConfig& config)
      : scorer_(std::move(scorer)), interval_(config.interval), wanted_(config.suspicions_per_day) {}
  Group* group_of(const Entity& entity);
  void release(std::map<std::string, Watched>::iterator row);
  void forget_unbound();
  void place(Watched& watched);
  void note(Group& group, const GroupScore& score);
  void judge(Group& group, CaseBook& book, LearningHolds& holds, std::uint32_t first_rule);
  Finding finding(const GroupScore& score) const;
  std::string evidence(const Group& group, const GroupScore& score) const;
  Entity root_of(const Group& group, const GroupScore& score) const;

  std::unique_ptr<Scorer> scorer_;
  const Duration interval_;
  const double wanted_;                     // suspicions a day
  std::map<std::string, Watched> watched_;  // by key_of(entity, metric, attributes)
  std::vector<Watched*> by_slot_;           // the scorer's slots; null: free
  std::vector<Feed> feeds_;                 // by slot
  std::vector<std::optional<Slot>> slots_;  // by SeriesId
  std::map<Entity, Group> groups_;
  std::map<std::string, std::string> remembered_;  // from a checkpoint, until the series is bound
  std::map<std::string, std::string> remembered_groups_;
  WallTime wall_;
  std::optional<MonoTime> started_, stepped_;
  MonoTime now_;
  bool fresh_ = false;
  ThresholdLog thresholds_;
  double budget_ = 1;  // suspicions that may be told now; grows by wanted_ a day
  std::uint64_t refused_ = 0, withheld_ = 0;
};

}  // namespace hostmedic::detect
