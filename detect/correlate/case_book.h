// SPDX-License-Identifier: Apache-2.0
// Signals become incidents here: at most one per root entity, and one per fault. Holds what fires per root, opens,
// joins what another root explains, clears, and says how sure and why. A root that suffers because one that it depends
// on failed has no incident of its own (case_cascade.cpp); when too much departs at once, one incident stands for all
// (storm_watch.h). Used by the engine only, between begin() and end() of each frame; entities are its keys, never ids,
// so that it outlives a stream of frames.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "detect/correlate/change_log.h"
#include "detect/correlate/entity_graph.h"
#include "detect/correlate/feedback_bias.h"
#include "detect/correlate/signal.h"
#include "detect/correlate/storm_watch.h"
#include "detect/engine.h"

namespace hostmedic::detect {

struct CaseTimes {
  Duration adopted_quiet_after = std::chrono::seconds(5);
  Duration post_change = std::chrono::minutes(10);  // what was changed is doubted so long
};

class CaseBook {
 public:
  // rules: by the index that signals name.
  CaseBook(std::vector<SignalRule> rules, std::uint64_t host_seed, CaseTimes times);

  // What is expected at present, and where people work, is part of an incident's context. Both outlive the book.
  void look_at(const Calendar& calendar, LearningHolds& maintenance) {
    calendar_ = &calendar;
    maintenance_ = &maintenance;
  }

  void begin(MonoTime now, WallTime wall);
  // What a detector or an event says. Each returns at once if it changes nothing.
  void fire(std::uint32_t rule, const Entity& entity, const SeriesDef& series, Unit unit, double value, double weight,
            const Finding& finding);
  // A condition rule, with its evidence; and that it still holds, with nothing new to say.
  void fire_condition(std::uint32_t rule, const Entity& entity, Unit unit, std::optional<double> value,
                      const Finding& finding, std::string evidence);
  void repeat(std::uint32_t rule, const Entity& entity);
  // True when the signal is settled and need not be told again.
  bool quiet(std::uint32_t rule, const Entity& entity, std::string_view attributes);
  // at_once: the rule's open_after is not waited for.
  void fire_event(std::uint32_t rule, const Entity& entity, const Event& event, double probability, bool at_once);
  // What is said in words of its own, by what is neither a detector of one series nor an event: a model of a group, a
  // condition, a novelty. Its rule has no detector. May be said at every step; clear_event() ends it.
  void tell(std::uint32_t rule, const Entity& entity, std::string_view evidence, const Finding& finding);
  void clear_event(std::uint32_t rule, const Entity& entity);
  // As if it had never fired, unless an incident was opened for it meanwhile.
  void withdraw_event(std::uint32_t rule, const Entity& entity);
  // What an event says besides what its rules make of it: who depends on whom, what was changed.
  void note(const Entity& about, const Event& event);
  // Whether a treatment of this root ended what it had: counts when roots are ranked.
  void learn(const Entity& root, bool worked);
  // What people said of incidents; replaces what was set.
  void set_feedback(const std::vector<Feedback>& all) { feedback_.set(all); }
  // A detector of the present stream now watches this. True if there is a signal that it must tell when quiet.
  bool attach(std::uint32_t rule, const Entity& entity, std::string_view attributes);
  // The sender retired the entity.
  void gone(const Entity& entity);
  // The present stream has told the states of the units it found.
  void units_listed();
  // The stream began anew: nothing is known of the signals until they speak again.
  void restart();
  // Decides, and reports in changes.
  void end(const HostView& host, Changes& ret_changes);

  const std::map<std::string, Incident>& incidents() const { return incidents_; }
  // An incident of it is open and says more than "unusual": what is seen now is not to be learnt as normal.
  bool treated(const Entity& entity) const;
  const EntityGraph& graph() const { return graph_; }
  // What of it was changed within CaseTimes::post_change; null: nothing. Valid until the next begin().
  const std::string* recent_change(const Entity& entity) const {
    return changes_.changed(entity, times_.post_change, now_, graph_);
  }
  // So much departs at once that one incident stands for all.
  bool storming() const { return storming_; }
  // It may be about to.
  bool gathering() const { return storm_.gathering(now_); }
  void adopt(const Incident& incident);
  void forget(const std::string& id);
  std::uint64_t refused() const { return refused_; }
  std::size_t bytes_used() const;
  // All of it, for a snapshot between two frames; load() is for a book of the same rules and fails the reader at what
  // cannot be (case_state.cpp).
  void save(StateWriter& writer) const;
  void load(StateReader& reader);

 private:
  struct Root {
    std::vector<Signal> signals;  // at most kMostAnomalies
    std::string incident;         // id; empty: none
    std::string joined;           // id of the incident of another root that explains this one; empty: none
    MonoTime refreshed;
    std::optional<MonoTime> orphaned;  // the incident it joined ended then
    std::optional<MonoTime> quiet;     // its incident flaps, and nothing fires since
    LastMoments<8> relapses;
    int signals_at_open = 0;
    bool adopted = false;  // unresolved from the store, not yet confirmed or denied
    std::optional<MonoTime> adopted_until;
    bool changed = false;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.signals, self.incident, self.joined, self.refreshed, self.orphaned, self.quiet,
                      self.relapses, self.signals_at_open, self.adopted, self.adopted_until, self.changed);
    }
  };
  struct Record {  // of treatments of one root
    std::uint32_t tried = 0, worked = 0;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.tried, self.worked);
    }
  };
  using RootPlace = std::map<Entity, Root>::value_type;

  Signal* find(const Entity& entity, std::uint32_t rule, std::string_view attributes);
  Signal* start(const Entity& entity, std::uint32_t rule, std::string_view attributes);
  // case_life.cpp
  void settle(Root& root);
  bool opens_now(const Root& root) const;
  bool holds(const Root& root) const;
  bool is_idle(const Root& root) const;
  void weather();
  void open_all(const HostView& host, Changes& ret_changes);
  void keep_up(const Entity& entity, Root& root, const HostView& host, Changes& ret_changes);
  void follow(Root& root);
  void open(const Entity& entity, Root& root, const HostView& host, Changes& ret_changes);
  void subsume(const Entity& entity, Root& root, const Incident& explanation);
  void absorb(RootPlace& place, const Incident& explanation, Changes& ret_changes);
  void absorb_others(const Entity& entity, const Incident& incident, Changes& ret_changes);
  void count_relapse(Root& root, Incident& incident);
  void reactivate(const Entity& entity, Root& root, const HostView& host, Changes& ret_changes);
  void close(Root& root, Changes& ret_changes);
  void update(const Entity& entity, Root& root, const HostView& host, bool report, Changes& ret_changes);

  // case_judgement.cpp
  // Rewrites what detection owns in the incident from the root's signals. True if more than numbers changed.
  bool rebuild(const Entity& entity, Root& root, Incident& incident, const HostView& host);
  // How likely the signal means a real problem, as people moved it.
  double likely(const Entity& entity, const Signal& signal) const;
  void judge(const Entity& entity, const Root& root, Incident& incident) const;
  bool confirmed(const Entity& entity, const Root& root, const Incident& incident) const;
  Severity weigh(const Root& root, const Incident& incident) const;
  void diagnose(const Entity& entity, const Root& root, Incident& incident, const HostView& host) const;
  void look_around(const Entity& entity, Incident& incident) const;
  const Incident* active_incident(const Entity& entity) const;
  const Signal* lead(const Root& root) const;

  // case_cascade.cpp
  double explains(const Entity& cause, const Incident& incident, const Entity& sufferer, const Root& root) const;
  static bool is_missing_answer(std::string_view kind);
  bool may_wait_for_names(const Incident& incident, const Entity& sufferer, const Root& root) const;
  bool has_witness(const Incident& incident) const;
  const Incident* explanation(const Entity& entity, const Root& root) const;
  std::vector<Affected> suffer_with(const Entity& entity, const Incident& incident) const;
  std::vector<Candidate> rank(const Entity& entity, const Incident& incident) const;
  Candidate weigh_candidate(const Entity& entity, const Root& root, const std::vector<Entity>& suffering,
                            WallTime first) const;

  std::string new_id(const Entity& entity, std::string_view kind) const;
  std::string fingerprint(const Entity& entity, const Root& root, std::string_view kind) const;
  WallTime wall_at(MonoTime at) const { return wall_ - (now_ - at); }

  const std::vector<SignalRule> rules_;
  const std::uint64_t host_seed_;
  const CaseTimes times_;
  MonoTime now_;
  WallTime wall_;
  std::map<Entity, Root> roots_;
  std::map<std::string, Incident> incidents_;
  EntityGraph graph_;
  ChangeLog changes_;
  StormWatch storm_;
  bool storming_ = false;
  std::map<Entity, Record> records_;
  FeedbackBias feedback_;
  std::vector<RootPlace*> ready_;   // of this frame: what would open
  std::optional<MonoTime> listed_;  // units_listed() of the present stream
  bool news_ = false;               // something began or ended in this frame: others may be affected by it
  const Calendar* calendar_ = nullptr;
  LearningHolds* maintenance_ = nullptr;
  std::uint64_t refused_ = 0;
};

}  // namespace hostmedic::detect
