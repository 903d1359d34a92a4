// SPDX-License-Identifier: Apache-2.0
// From the order's outcome to the proof, the next step or the end.
#include <algorithm>

#include "actions/course.h"
#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic {
namespace {

constexpr int kMostUnknownEnds = 2;

}  // namespace

std::string_view fact(const std::vector<Attribute>& facts, std::string_view key) {
  for (const Attribute& attribute : facts)
    if (attribute.key == key) return attribute.value;
  return {};
}

const Check& Response::Course::check() const {
  static const Check kQuiet;
  const std::size_t step = static_cast<std::size_t>(order.step);
  return runbook && order.step >= 0 && step < runbook->steps.size() ? runbook->steps[step].verify : kQuiet;
}

void Response::Course::learn(const Outcome& outcome, const Surroundings& here) {
  if (restored) resume(here);
  std::vector<Attribute> details = outcome.details;
  details.push_back({"result", std::string(to_string(outcome.result))});
  details.push_back({"order", outcome.key});
  if (phase != Phase::acting) {
    note(TimelineKind::note, "a late answer: " + outcome.text, here, std::move(details));
    return;
  }
  note(TimelineKind::acted, std::string(to_string(outcome.result)) + ": " + outcome.text, here, std::move(details));
  good_since.reset();
  worse_since_.reset();
  unsure_ = false;
  result_ = outcome.result;
  if (order.plan.lasts > Duration{} && may_undo(outcome.result)) begin_measure(order, here.now.mono);
  const bool prepares = check().subject == Check::Subject::none;
  switch (outcome.result) {
    case OutcomeResult::failed: return step_failed("it failed: " + outcome.text, here);
    case OutcomeResult::refused: return refused(outcome.verdict, here);
    case OutcomeResult::unnecessary:
      deadline = here.now.mono + kWatch;
      phase = Phase::watching;
      return set_state(IncidentState::verifying);
    case OutcomeResult::expired:
      if (++unknown_ends_ > kMostUnknownEnds)
        return escalate("expired", strf("%d orders were too old before they could be carried out", unknown_ends_),
                        here);
      phase = Phase::judging;
      return set_state(IncidentState::open);
    case OutcomeResult::timed_out:
    case OutcomeResult::interrupted:
      if (prepares) return step_failed("how it ended is not known: " + outcome.text, here);
      // It may have worked. The proof says so, and only after that is it judged again.
      ++unknown_ends_;
      unsure_ = true;
      break;
    case OutcomeResult::done:
      if (!prepares) break;
      tried.insert(order.step);
      phase = Phase::judging;
      return set_state(IncidentState::open);
  }
  deadline = here.now.mono + check().within;
  phase = Phase::verifying;
  set_state(IncidentState::verifying);
}

std::optional<bool> Response::Course::check_holds(const Check& check, const Surroundings& here) const {
  const auto series = [&] { return here.host.value(incident.root, check.series, check.attributes); };
  switch (check.subject) {
    case Check::Subject::unit_active: {
      const std::string_view state = fact(here.host.unit_facts(order.plan.target), attr::kUnitActiveState);
      if (state.empty()) return std::nullopt;
      return state == "active";
    }
    case Check::Subject::series_below:
    case Check::Subject::series_above: {
      const std::optional<double> value = series();
      if (!value) return std::nullopt;
      return check.subject == Check::Subject::series_below ? *value < check.bound : *value > check.bound;
    }
    case Check::Subject::series_fell: {
      const std::optional<double> value = series();
      if (!before_ || !value) return std::nullopt;
      return *value <= *before_ - check.bound;
    }
    case Check::Subject::incident_quiet:
      if (blind()) return std::nullopt;
      return !still_fires(incident);
    case Check::Subject::condition: return here.sources.conditions.holds(check.condition, incident.root);
    case Check::Subject::none: break;  // uncovered: what only prepares is not proved
  }
  return std::nullopt;  // uncovered: as above
}

std::string Response::Course::proof_text(const Check& check, const Surroundings& here) const {
  const auto value = here.host.value(incident.root, check.series, check.attributes);
  switch (check.subject) {
    case Check::Subject::unit_active: return order.plan.target.name + " is active again";
    case Check::Subject::series_below:
    case Check::Subject::series_above: return check.series + strf(" is %.3f", value.value_or(0));
    case Check::Subject::series_fell:
      return check.series + strf(" fell from %.3f to %.3f", before_.value_or(0), value.value_or(0));
    case Check::Subject::incident_quiet: return "all signals are quiet";
    case Check::Subject::condition: return here.sources.conditions.explain(check.condition, incident.root);
    case Check::Subject::none: break;  // uncovered: what only prepares is not proved
  }
  return {};  // uncovered: as above
}

void Response::Course::verify(const Surroundings& here) {
  const Check& check = this->check();
  // Unknown breaks the run as well: a proof needs readings.
  if (!check_holds(check, here).value_or(false)) {
    good_since.reset();
  } else if (!good_since) {
    good_since = here.now.mono;
  }
  if (good_since && here.now.mono - *good_since >= check.settle) {
    const Duration before_opening = std::max(Duration{}, incident.opened_at - incident.fault_at);
    const Duration after_fault = *good_since - incident.opened_mono + before_opening;
    const std::string after_order = format_duration(*good_since - acted_at_);
    proved_text_ = proof_text(check, here) + ", " + after_order + " after the order, " + format_duration(after_fault) +
                   " after the fault; held for " + format_duration(here.now.mono - *good_since);
    proved_ = true;
    tried.insert(order.step);
    note_lesson(true, here);
    add_attempt(proved_text_);
    note(TimelineKind::verified, proved_text_, here,
         {{"after_order", after_order}, {"after_fault", format_duration(after_fault)}});
    if (!still_fires(incident)) return close(proved_text_, here);
    phase = Phase::watching;
    deadline = here.now.mono + kWatch;
    return;
  }
  if (const std::string got_worse = worse(here); got_worse.empty()) {
    worse_since_.reset();
  } else {
    if (!worse_since_) worse_since_ = here.now.mono;
    if (here.now.mono - *worse_since_ >= std::max(check.settle, check.within / 4))
      return step_failed("it got worse: " + got_worse, here);
  }
  if (good_since || here.now.mono < deadline) return;
  const std::string why = "no proof in " + format_duration(check.within);
  if (!incident.active)
    return close(blind() ? "the signals are quiet again; whether the step did it was not seen, for the restart"
                         : "the signals are quiet again, though the step's own check did not hold",
                 here);
  if (unsure_ && unknown_ends_ < kMostUnknownEnds) {
    note(TimelineKind::note, "still faulty after an order whose end is not known; judged again", here);
    set_state(IncidentState::open);
    phase = Phase::judging;
    return;
  }
  step_failed(why, here);
}

void Response::Course::step_failed(const std::string& why, const Surroundings& here) {
  tried.insert(order.step);
  note(TimelineKind::verified, strf("step %d did not help: ", order.step + 1) + why, here, {{"result", "failed"}});
  if (result_ != OutcomeResult::interrupted) note_lesson(false, here);  // nobody knows that it was carried out
  add_attempt(why);
  failed_why_ = why;
  if (may_undo(result_) && step_undoes(here)) return begin_undo(here);
  go_on(here);
}

// What the step says of its failure, once it is taken back or cannot be.
void Response::Course::go_on(const Surroundings& here) {
  const std::size_t step = static_cast<std::size_t>(order.step);
  const OnFailure then =
      runbook && step < runbook->steps.size() ? runbook->steps[step].on_failure : OnFailure::escalate;
  switch (then) {
    case OnFailure::next: phase = Phase::judging; return set_state(IncidentState::open);
    case OnFailure::stop: phase = Phase::stopped; return set_state(IncidentState::open);
    case OnFailure::escalate:
      return escalate("step-failed",
                      strf("step %d of runbook ", order.step + 1) + order.runbook + " did not help: " + failed_why_,
                      here);
  }
}

// What prepares is no treatment, and there is no experience with it.
void Response::Course::note_lesson(bool helped, const Surroundings& here) {
  if (check().subject == Check::Subject::none) return;
  Lesson lesson{incident.fingerprint,       incident.kind, order.plan.action, helped,
                !order.approved_by.empty(), here.now.wall};
  here.experience.note(lesson.fingerprint, lesson.kind, lesson.action, lesson.helped, lesson.supervised, lesson.at);
  lessons_.push_back(std::move(lesson));
}

void Response::Course::add_attempt(const std::string& result) {
  if (attempts_.size() == kMostAttempts) attempts_.erase(attempts_.begin());
  attempts_.push_back({order.plan.what, result});
}

}  // namespace hostmedic
