// SPDX-License-Identifier: Apache-2.0
// The condition rules of an engine: one bound condition per rule and entity, fed with the series that it names, and
// evaluated when one of them was. Tells the case book. Used by the engine only, between its begin() and end().
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "detect/correlate/case_book.h"
#include "detect/rules/bound_condition.h"
#include "detect/rules/condition_rule.h"

namespace hostmedic::detect {

class ConditionSet {
 public:
  // Refuses what cannot be read; the message says where. What is switched off is read as well, and left out.
  static Result<ConditionSet> make(const std::vector<ConditionRule>& rules, std::string stage);

  // What the case book is to know of them, in order. first: the number of the first among its rules.
  std::vector<SignalRule> signal_rules(Duration quiet_after) const;
  void begin_at(std::size_t first) { first_ = static_cast<std::uint32_t>(first); }

  void restart();
  void retire(EntityId id, const Entity& entity);
  void bind(const SeriesDef& def, const Entity& entity, CaseBook& book);
  // shadow: what the series says now is expected; to the conditions it is not known.
  void feed(SeriesId series, const Reading& reading, bool shadow = false);
  void judge(MonoTime now, WallTime wall, CaseBook& book);

  const std::string& stage() const { return stage_; }
  std::size_t size() const { return bound_.size(); }  // conditions at work
  std::size_t refused() const { return refused_; }
  std::size_t bytes_used() const;
  // All of it, for a snapshot between two frames; load_whole() is for a set of the same rules.
  void save_whole(StateWriter& writer) const;
  void load_whole(StateReader& reader);

 private:
  struct Program {
    ConditionRule rule;
    Condition condition;
    bool about_itself = false;
  };
  struct Bound {
    Bound(const Program& program, std::uint32_t rule_of, const Entity& subject, const std::string& stage)
        : rule(rule_of), condition(program.condition, subject, stage) {}
    std::uint32_t rule;
    BoundCondition condition;
    bool due = false;     // something was fed
    bool shadow = false;  // and some of it in the shadow
    bool told = false;    // the case book has heard of it and must hear when it is quiet
    std::optional<MonoTime> since, explained;
  };
  // A series of the present stream: who is fed by it.
  struct Feed {
    EntityId entity{};
    std::vector<std::pair<Bound*, bool>> to;  // and whether it makes the condition due
  };
  static constexpr std::size_t kMostBound = 20'000;

  void forget_series(EntityId id);
  Bound* bound_for(std::uint32_t program, const Entity& subject, CaseBook& book);
  void bind_to(Bound& bound, const SeriesDef& def, const Entity& entity);
  void judge(Bound& bound, MonoTime now, WallTime wall, CaseBook& book);
  void fire(Bound& bound, MonoTime now, CaseBook& book);

  std::vector<std::unique_ptr<Program>> programs_;                            // enabled; stay where they are
  std::map<std::string, std::vector<std::uint32_t>, std::less<>> by_metric_;  // who names it
  std::string stage_;
  std::uint32_t first_ = 0;
  std::map<std::pair<std::uint32_t, Entity>, std::unique_ptr<Bound>> bound_;
  std::vector<Feed> feeds_;  // by SeriesId
  std::vector<Bound*> due_;
  // Series that conditions about others may name: told to those that are bound later.
  std::map<SeriesId, std::pair<SeriesDef, Entity>> shared_;
  std::size_t refused_ = 0;
};

}  // namespace hostmedic::detect
