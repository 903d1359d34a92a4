// SPDX-License-Identifier: Apache-2.0
// Rules as the engine uses them: checked, with their detectors found and their parameters complete. Pure.
#pragma once

#include <vector>

#include "agent/base/result.h"
#include "detect/correlate/signal.h"
#include "detect/engine.h"

namespace hostmedic::detect {

struct CompiledRule {
  Rule rule;
  const DetectorInfo* detector = nullptr;
  std::vector<double> values;  // of all its parameters
};

// Those that are enabled. Refuses an unknown detector or parameter, a value out of its range, and an id that is empty
// or used twice, also among the rules about events and the conditions.
Result<std::vector<CompiledRule>> compile_rules(const EngineConfig& config);

SignalRule signal_rule(const Rule& rule, Duration quiet_after);
SignalRule signal_rule(const EventRule& rule);

// The event has the rule's attribute, of the value and the size that it wants.
bool fires(const EventRule& rule, const Event& event);

}  // namespace hostmedic::detect
