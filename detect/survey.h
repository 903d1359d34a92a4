// SPDX-License-Identifier: Apache-2.0
// The scorer's place on a host: which series of a stream of frames it watches, in which groups, and what a suspicion
// means for the case book. Services, containers and endpoints are groups of their own; all else is the host's. What was
// learnt belongs to a series' name, so that it outlives a stream and, by the checkpoint, the process. The engine's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "detect/correlate/case_book.h"
#include "detect/model/host_view.h"
#include "detect/scorer.h"

namespace hostmedic::detect {

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
  void sample(SeriesId id, const std::optional<double>& value) {
    const auto index = static_cast<std::size_t>(id);
    if (index >= slots_.size() || !slots_[index]) return;
    scorer_->set(*slots_[index], value);
    fresh_ = true;
  }
  // A step of the clock: differences to what was before mean nothing.
  void forget_changes() { scorer_->forget_changes(); }
  // Scores what was sampled, once per interval, and tells the book; first_rule: index of the first of signal_rules().
  void step(const HostView& host, CaseBook& book, std::uint32_t first_rule);
  void hold(std::vector<LearningHold> holds) { holds_ = std::move(holds); }

  const Scorer& scorer() const { return *scorer_; }
  std::uint64_t refused() const { return refused_; }
  std::size_t bytes_used() const;
  void save(StateWriter& writer) const;
  // Before the first frame. False: the bytes are of another make, and everything is learnt anew.
  bool load(StateReader& reader);

  static constexpr Duration kKept = std::chrono::minutes(10);

 private:
  struct Watched {
    Slot slot = 0;
    GroupSlot group = 0;
    std::optional<SeriesId> bound;
    MonoTime unbound_at;
    std::string entity_text, metric;  // for the evidence
    Unit unit{};
  };
  struct Group {
    Entity entity;
    GroupSlot slot = 0;
    std::size_t series = 0;
    std::optional<Entity> suspected;  // the book holds a signal on it
    bool held = false;
  };

  explicit Survey(std::unique_ptr<Scorer> scorer, Duration interval)
      : scorer_(std::move(scorer)), interval_(interval) {}
  Group* group_of(const Entity& entity);
  void release(std::map<std::string, Watched>::iterator row);
  void forget_unbound();
  void judge(Group& group, CaseBook& book, std::uint32_t first_rule);
  Finding finding(const GroupScore& score) const;
  std::string evidence(const Group& group, const GroupScore& score) const;
  Entity root_of(const Group& group, const GroupScore& score) const;
  bool is_held(const Group& group, const CaseBook& book) const;

  std::unique_ptr<Scorer> scorer_;
  const Duration interval_;
  std::map<std::string, Watched> watched_;  // by key_of(entity, metric, attributes)
  std::vector<const Watched*> by_slot_;     // the scorer's slots
  std::vector<std::optional<Slot>> slots_;  // by SeriesId
  std::map<Entity, Group> groups_;
  std::map<std::string, std::string> remembered_;  // from a checkpoint, until the series is bound
  std::map<std::string, std::string> remembered_groups_;
  std::vector<LearningHold> holds_;
  WallTime wall_;
  std::optional<MonoTime> started_, stepped_;
  bool fresh_ = false;
  std::uint64_t refused_ = 0;
};

}  // namespace hostmedic::detect
