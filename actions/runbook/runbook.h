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

namespace hostmedic {

// The proof that a step worked, read from the host view.
struct Check {
  enum class Subject : std::uint8_t {
    unit_active,   // the target unit is active
    series_below,  // series of the incident's root entity is below bound
    series_above,
    incident_quiet,  // all causing signals are quiet
    series_fell,     // series is lower by at least bound than when the order was given
  };
  Subject subject = Subject::incident_quiet;
  std::string series, attributes;
  double bound = 0;
  Duration settle = std::chrono::seconds(1);   // must hold this long without a break
  Duration within = std::chrono::seconds(30);  // else the step failed
};
std::string_view to_string(Check::Subject subject);
std::optional<Check::Subject> check_subject_from(std::string_view text);

enum class OnFailure : std::uint8_t {
  next,      // the next step; after the last, escalate
  stop,      // no further step; the incident stays open
  escalate,  // no further step; a human is told
};
std::string_view to_string(OnFailure on_failure);
std::optional<OnFailure> on_failure_from(std::string_view text);

struct Step {
  std::string action;
  std::vector<Attribute> params;
  Duration timeout{};  // 0: the entry's default
  Check verify;
  OnFailure on_failure = OnFailure::next;
};

struct Runbook {
  std::string name;
  std::string summary;
  std::vector<std::string> kinds;  // incident kinds it treats
  std::string entity = "*";        // glob over the root
  Tier ceiling = Tier::automatic;  // never further than this, whatever the policy says
  std::vector<Step> steps;         // 1..8
  std::string notes;               // for the human
  std::string source;              // file:line it came from
};

// First runbook, in the given order, that treats the incident; nullptr if none does.
const Runbook* choose_runbook(std::span<const Runbook> runbooks, const Incident& incident);

}  // namespace hostmedic
