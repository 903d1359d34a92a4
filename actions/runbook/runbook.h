// SPDX-License-Identifier: Apache-2.0
// A runbook: which incidents it treats, with which steps, and how each step is proved. Plain data; the configuration
// parses it from TOML and validates it against the catalogue.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actions/action.h"
#include "actions/runbook/conditions.h"

namespace hostmedic {

// The proof that a step worked, read from the host view.
struct Check {
  enum class Subject : std::uint8_t {
    unit_active,   // the target unit is active
    series_below,  // series of the incident's root entity is below bound
    series_above,
    incident_quiet,  // all causing signals are quiet
    series_fell,     // series is lower by at least bound than when the order was given
    condition,       // a text in the language of hostmedic-rules(5) holds for the incident's root
    none,            // the step only prepares, such as evidence: once it is done the next step follows
  };
  Subject subject = Subject::incident_quiet;
  std::string series, attributes;
  std::string condition;
  double bound = 0;
  Duration settle = std::chrono::seconds(1);   // must hold this long without a break
  Duration within = std::chrono::seconds(30);  // else the step failed
};
std::string_view to_string(Check::Subject subject);

enum class OnFailure : std::uint8_t {
  next,      // the next step; after the last, escalate
  stop,      // no further step; the incident stays open
  escalate,  // no further step; a human is told
};
std::string_view to_string(OnFailure on_failure);

// A step that only tells people, with what its parameter "text" says: no entry of the catalogue and no order, so that
// nobody is asked and nothing is proved.
inline constexpr std::string_view kNotifyStep = "notify";

struct Step {
  std::string action;  // an entry of the catalogue, or kNotifyStep
  std::vector<Attribute> params;
  Duration timeout{};  // 0: the entry's default
  Check verify;
  OnFailure on_failure = OnFailure::next;
  bool undo = true;  // when it is not proved, and its action can be undone
};

// What a notify step says; empty for any other.
inline std::string notice_of(const Step& step) {
  return step.action == kNotifyStep && !step.params.empty() ? step.params.front().value : std::string();
}

// What must hold before any step is taken, besides what says which incidents are treated.
struct Requirement {
  std::string condition;  // in the language of hostmedic-rules(5), about the incident's root
  std::string why;
};

// Among the steps that have a plan.
enum class Choice : std::uint8_t {
  order,    // the first
  success,  // the one that is most likely to help, by what came of it before
};
std::string_view to_string(Choice choice);

struct Runbook {
  std::string name;
  std::string summary;
  std::vector<std::string> kinds;         // incident kinds it treats
  std::string entity = "*";               // glob over the root
  std::string when;                       // condition about the root; empty: always
  std::vector<Requirement> requirements;  // at most 8
  std::vector<std::string> not_while;     // kinds of busy work that it must not disturb
  Duration cooldown{};                    // its own pause between two of its actions on one target
  int touched_most = 0;                   // its own bound of the blast radius; 0: the policy's alone
  Choice choose = Choice::order;
  Tier ceiling = Tier::automatic;  // never further than this, whatever the policy says
  std::vector<Step> steps;         // 1..8
  std::string notes;               // for the human
  std::string source;              // file:line it came from
};

// Kind and root of the incident fit.
bool fits(const Runbook& runbook, const Incident& incident);
// First runbook, in the given order, that fits and whose `when` holds; nullptr if none does. Each that fits is asked.
const Runbook* choose_runbook(std::span<const Runbook> runbooks, const Incident& incident, Conditions& conditions);

}  // namespace hostmedic
