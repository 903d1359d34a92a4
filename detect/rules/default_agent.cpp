// SPDX-License-Identifier: Apache-2.0
// The agent about itself: what it cannot see, and what it costs.
#include "detect/model/names.h"
#include "detect/rules/defaults.h"

namespace hostmedic::detect {

namespace {

using std::chrono::minutes;

constexpr DefaultCondition kAgent[] = {
    {"agent-events-lost", "delta(sum(hostmedic.bpf.events.dropped{reason!=rate}), 5m) > 5000", "agent.blind",
     Severity::info, 0.6,
     "the kernel saw more than found room. What is held back on purpose, by rate, is not meant: builds cause it"},
    {"agent-over-budget", "hostmedic.agent.budget.level >= 3 for 30m", "agent.over_budget", Severity::warning, 0.7,
     "it looks less often than it should for half an hour: the budget is too small for this host"},
    {"agent-memory", "sum(hostmedic.agent.memory.usage) > 256MiB for 10m", "agent.over_budget", Severity::warning, 0.8,
     "ten times what it is built for: a fault of its own"},
    {"agent-kernel-log-lost", "delta(hostmedic.kernel.messages.dropped{reason=overwritten}, 10m) > 100", "agent.blind",
     Severity::info, 0.6, "the kernel writes faster than anybody can read"},
    {"agent-journal-behind", "rate(hostmedic.log.dropped, 10m) > 100/s", "agent.blind", Severity::info, 0.6,
     "the journal grows faster than it is read; counts of logs are too low"},
};

constexpr DefaultEvent kEvents[] = {
    {"probe-late",
     EventKind::probe_state,
     attr::kProbeState,
     "late",
     "agent.blind",
     Severity::warning,
     0.8,
     {},
     "what it reads does not answer for minutes: a hung mount or device",
     "available|unavailable",
     true,
     minutes(2)},
    {"samples-lost",
     EventKind::samples_lost,
     attr::kCount,
     "*",
     "agent.blind",
     Severity::info,
     0.5,
     minutes(5),
     "the probe told more than was taken; it is counted and goes on, so it only supports",
     {},
     false},
};

}  // namespace

void add_agent(EngineConfig& ret_config) {
  add(kAgent, ret_config);
  add(kEvents, ret_config);
}

}  // namespace hostmedic::detect
