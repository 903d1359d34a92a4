// SPDX-License-Identifier: Apache-2.0
// A rule whose condition is written in the language of condition.h. Plain values; any thread.
#pragma once

#include <string>

#include "detect/model/incident.h"

namespace hostmedic::detect {

struct ConditionRule {
  std::string id;  // unique among all rules
  bool enabled = true;
  std::string when;          // see condition.h
  std::string entity = "*";  // glob over to_string() of what it is about; the host where it names no series of its own
  std::string incident_kind;
  Severity severity = Severity::warning;
  double probability = 0.8;  // that it is a real problem
  bool proof = false;        // enough by itself to act on
  bool opens = true;         // false: only supports an incident that another rule opened on the same root
  std::string why;           // the reason for the numbers
};

}  // namespace hostmedic::detect
