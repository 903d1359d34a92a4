// SPDX-License-Identifier: Apache-2.0
// The course of treatment of one incident. Internal to Response; one thread.
//
//   untreated   no runbook treats it
//   judging     plan and ask the guard, again on each tick, until an order is given or it is given up
//   proposed    a human is asked
//   acting      the order is with the actuator
//   verifying   the effect is being proved
//   undoing     it did not help and is taken back: the guard is asked, then the actuator
//   watching    proved; waits for detection to fall quiet before anything else is thought of
//   stopped     nothing more is done until it falls quiet (escalated, rejected, or a step said stop)
//   closed      resolved; opens again when detection says so
//
// While it is verified, the causing signals are compared with what they were before the order. One is clearly worse
// when it is further beyond its limit, or beyond its usual band, by more than half of what it was beyond, and by more
// than a quarter of the limit (of the band's width); where there is an end to that, as 1 is for a ratio and 0 for what
// is too low, half of what was left to the end is enough. So is a signal that is proof by itself and did not fire
// before. When that is so for as long as the proof has to hold, and a quarter of its time at least, the step has
// failed.
//
// While a silence covers the incident nothing of it goes on but an order under way; its state is then "suppressed".
#pragma once

#include <set>
#include <string>
#include <vector>

#include "actions/response.h"

namespace hostmedic {

// What one call of the pipeline brings along.
struct Response::Surroundings {
  const std::vector<Runbook>& runbooks;
  const guard::Policy& policy;
  const Sources& sources;
  const std::vector<Silence>& silences;
  Experience& experience;
  const HostView& host;
  Now now;
};

// The commands of one call. Everything is persisted before any order goes out.
struct Response::Batch {
  std::vector<Command> persists, orders, leases, notices, lessons;
  std::vector<Command> in_order() &&;
};

inline constexpr Duration kProposalLife = std::chrono::minutes(15);
inline constexpr Duration kOrderLife = std::chrono::seconds(30);
inline constexpr Duration kAnswerSlack = std::chrono::seconds(30);  // for the actuator's answer after the time limit
inline constexpr Duration kHoldPatience = std::chrono::minutes(5);  // held so long: a human is asked
inline constexpr Duration kWatch = std::chrono::seconds(15);        // for detection to fall quiet after a proof
inline constexpr std::size_t kMostAttempts = 8;                     // that are handed over
inline constexpr Duration kPlanPatience =
    std::chrono::seconds(30);  // facts may come late: the growing file, a condition

// Empty: there is none of that key.
std::string_view fact(const std::vector<Attribute>& facts, std::string_view key);
// A signal of it fires now. Quiet for a moment is not yet inactive: detection waits longer for that.
bool still_fires(const Incident& incident);
// An error says why the step does not apply.
Result<Plan> plan_step(const Step& step, const Incident& incident, const HostView& host);
// Without a key.
Order order_of(const Runbook& runbook, int step, Plan plan, const Incident& incident, const Experience& experience,
               WallTime now);
std::string order_key(const Order& order, int attempt);
// ceiling: the runbook's, however far the policy lets it go.
Verdict judge_under(Tier ceiling, const Order& order, const guard::Policy& policy,
                    const guard::Circumstances& circumstances);

// A signal as it was before an order.
struct SignalMark {
  Entity entity;
  std::string rule, signal;
  bool firing = false;
  std::optional<double> beyond,
      room;  // beyond its limit or band, by so much; how much further it has to go to be worse
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.entity, self.rule, self.signal, self.firing, self.beyond, self.room);
  }
};

// A step that was taken, for whom it is handed over to.
struct Attempt {
  std::string what, result;  // "restart nginx.service through systemd", "no proof in 15s; taken back"
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.what, self.result);
  }
};

// What was done and ends by itself.
struct InForce {
  std::string key, what;
  Duration lasts{};
  MonoTime until;
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.key, self.what, self.lasts, self.until);
  }
};

struct Response::Course {
  enum class Phase : std::uint8_t {
    untreated,
    judging,
    proposed,
    acting,
    verifying,
    undoing,
    watching,
    stopped,
    closed
  };

  explicit Course(Incident& treated) : incident(treated) {}

  // Chooses a runbook and starts at its first step.
  void begin(const Surroundings& here);
  // Takes over detection's view. Opens a closed incident again if it fires again.
  void take(const Incident& detected, const Surroundings& here);
  // Does whatever is due now.
  void advance(const Surroundings& here);
  void learn(const Outcome& outcome, const Surroundings& here);
  // Of the undo.
  void undone(const Outcome& outcome, const Surroundings& here);
  // Another plan of the proposal; false: it has none of that key.
  bool choose(const std::string& key);
  void approve(const std::string& by, const Surroundings& here);
  void reject(const std::string& by, const std::string& reason, const Surroundings& here);
  void acknowledge(const std::string& by, const std::string& reason, const Surroundings& here);
  // How the present order is proved.
  const Check& check() const;
  // Moves what has to be told into the batch.
  void finish(Batch& batch);
  // For a snapshot (response_state.cpp); all but the incident, which is the response's.
  void save_whole(detect::StateWriter& writer) const;
  void load_whole(detect::StateReader& reader);
  // Of the orders that the store has of it (course_restart.cpp).
  void recall(const std::vector<OrderRow>& orders, Now now);
  bool sane() const;
  template <class Self>
  static auto whole(Self& self);

  Incident& incident;
  Phase phase = Phase::judging;
  std::optional<Runbook> runbook;
  Order order;                         // proposed, or the last one given
  std::optional<Order> undo;           // that takes it back
  std::vector<Order> others;           // that a human may approve instead
  std::optional<MonoTime> good_since;  // the check has held since
  MonoTime deadline;                   // of proposed, acting, verifying, watching
  WallTime proposal_expires_at;
  std::vector<InForce> in_force;  // the one that ends last at the end; at most eight
  bool restored = false;          // nothing was done since the restart
  bool choose_again = false;      // the runbooks changed
  std::set<std::string> told;     // reasons for which a human was told
  std::set<int> tried;            // steps, since the incident was last resolved or a step was proved
  int attempt = 0;                // orders given

 private:
  void step_once(const Surroundings& here);
  // What detection knew when the order was given is lost: that it is quiet now proves nothing.
  bool blind() const { return marks_.empty(); }
  const Silence* silenced(const Surroundings& here) const;
  bool hush(const Surroundings& here);
  void resume(const Surroundings& here);
  void resume_order(const Surroundings& here);
  void recall_one(const OrderRow& row, bool taken_back, Now now);
  void recall_proof(const Outcome& last, Now now);
  void new_round();
  void treat(const Surroundings& here);
  void look_again(const Surroundings& here);
  bool may_act(const Surroundings& here);
  void notify_first(const Surroundings& here);
  bool make_plan(const Surroundings& here);
  std::vector<Order> plans(const Surroundings& here, std::string& ret_reasons) const;
  void put_in_order(std::vector<Order>& ret_plans, const Surroundings& here) const;
  void date(Order& ret_order, const Surroundings& here) const;
  void no_plan(const std::string& reasons, const Surroundings& here);
  Tier tier(const Surroundings& here, const Entity& target) const;
  Verdict judge(const Order& asked, const Surroundings& here);
  void decide(const Verdict& verdict, const Surroundings& here);
  void note_verdict(const Verdict& verdict, std::string_view whose, Tier tier, const Surroundings& here);
  void propose(const Surroundings& here);
  void give_order(const Surroundings& here);
  void refused(const Verdict& verdict, const Surroundings& here);
  void verify(const Surroundings& here);
  std::optional<bool> check_holds(const Check& check, const Surroundings& here) const;
  std::string proof_text(const Check& check, const Surroundings& here) const;
  void step_failed(const std::string& why, const Surroundings& here);
  bool may_undo(OutcomeResult result) const;
  void begin_undo(const Surroundings& here);
  void take_back(const Surroundings& here);
  void go_on(const Surroundings& here);
  void mark_signals(const Surroundings& here);
  std::string worse(const Surroundings& here) const;
  bool step_undoes(const Surroundings& here) const;
  void note_lesson(bool helped, const Surroundings& here);
  void add_attempt(const std::string& result);
  void begin_measure(const Order& by, MonoTime since);
  void end_measures(const Surroundings& here);
  void escalate(const std::string& reason, const std::string& text, const Surroundings& here);
  void close(const std::string& text, const Surroundings& here);
  void reopen(const Surroundings& here);
  void note(TimelineKind kind, std::string text, const Surroundings& here, std::vector<Attribute> attributes = {});
  void tell(const std::string& reason, const std::string& text, const Surroundings& here);
  void set_state(IncidentState state);
  bool stuck_for(Duration most, const Surroundings& here);

  bool changed_ = false;
  std::optional<Order> order_out_;
  bool lease_out_ = false;      // the order waits for nothing else
  std::optional<bool> worked_;  // what came of the treatment, to be learnt
  std::vector<Lesson> lessons_;
  std::vector<std::string> notices_;
  std::vector<Attempt> attempts_;  // since the incident was last resolved, the last eight
  std::vector<SignalMark> marks_;  // before the order; none: it was given before a restart
  std::optional<MonoTime> worse_since_;
  std::string failed_why_;  // of the step that is taken back
  bool undo_sent_ = false;
  OutcomeResult result_ = OutcomeResult::done;  // of the order
  bool may_come_ = false;                       // a runbook fits but for its `when`
  std::string unmet_;                           // the requirement that was told
  std::size_t detection_entries_ = 0;           // of detection's timeline, already taken over
  std::string planned_;                         // what the last planned entry said
  std::string judged_;                          // what the last verdict entry said
  std::optional<MonoTime> stuck_since_;
  MonoTime not_before_;  // no new order earlier, after a refusal
  int refusals_ = 0;
  int unknown_ends_ = 0;  // orders that were interrupted, timed out or expired
  bool unsure_ = false;   // the present verification follows such an end
  bool proved_ = false;
  std::string proved_text_;
  std::string approved_by_;
  std::optional<MonoTime> approved_until_;
  MonoTime acted_at_;
  std::optional<double> before_;  // the check's series when the order was given
};

}  // namespace hostmedic
