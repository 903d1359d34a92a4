// SPDX-License-Identifier: Apache-2.0
// The last lines of `hostmedic explain`: what happens next.
#include <string_view>

#include "agent/base/text.h"
#include "agent/ctl/explain.h"

namespace hostmedic {

namespace {

// What lifts a rule's refusal. Rules that are not listed need no human.
struct Lift {
  std::string_view rule, sentence;
};
constexpr Lift kLifts[] = {
    {"kill-switch",
     "Everything is halted; `hostmedic status` says why. `hostmedic resume` (as root) lets it act again."},
    {"maintenance", "It waits for the end of the maintenance, or for `hostmedic maintenance off` (as root)."},
    {"exclusion-window", "It waits for the end of the exclusion window of the policy."},
    {"tier", "It only watches. To let this runbook act here, root raises its tier in /etc/hostmedic/policy.toml."},
    {"target-state", "It looks at the target again on each tick and acts when it is faulty and left alone."},
    {"cooldown", "It acts when the pause after the last action is over."},
    {"boot-grace", "It acts when the host has been up long enough."},
    {"disarmed", "Its runbook misfired. `hostmedic approve` lets this one act; as root, arm the runbook again."},
    {"self-inflicted", "It waits whether what our own action stirred up settles by itself, for a minute."},
    {"busy", "It waits for the end of the work that it must not disturb; after five minutes a human is told."},
    {"lease", "It waits for the aggregator's leave; after five minutes a human is told."},
    {"two-signals", "It waits for a second independent signal; after five minutes a human is told."},
};

// Rule of the last verdict that says no, first come.
std::string_view refusing_rule(const TimelineEntry& verdict) {
  for (const std::string_view wanted : {"deny: ", "hold: "})
    for (const Attribute& answer : verdict.attributes)
      if (answer.value.starts_with(wanted)) return answer.key;
  return {};
}

std::vector<std::string> next_open(const CaseFile& file, const Look& look) {
  const Incident& incident = file.incident;
  const std::string id = printable(incident.id, 32);
  if (incident.suspicion)
    return {"Nothing is done and nobody is told until an independent signal confirms it.",
            "It closes by itself when its signals are quiet."};
  if (!incident.part_of.empty())
    return {"The incident that explains it is treated: hostmedic explain " + printable(incident.part_of, 32)};
  if (file.proposal) {
    return {"It waits for a human, " + relative(file.proposal->expires_at, look.now) + " at the latest.",
            "To let it: hostmedic approve " + id + "    To forbid it: hostmedic reject " + id};
  }
  const TimelineEntry* approval = last_entry(incident, TimelineKind::approval);
  if (approval != nullptr && approval->text.starts_with("rejected"))
    return {"The plan was " + printable(approval->text, 400) +
            ". Nothing is done until the signals fall quiet and fire again."};
  const TimelineEntry* verdict = last_entry(incident, TimelineKind::verdict);
  if (verdict == nullptr) return {"Nothing treats it. It closes when its signals are quiet; until then it stays open."};
  const std::string_view rule = refusing_rule(*verdict);
  for (const Lift& lift : kLifts)
    if (lift.rule == rule) return {std::string(lift.sentence), "It closes by itself when its signals are quiet."};
  if (rule.empty()) return {"The guard allows the plan: the order goes out on the next tick."};
  return {"The guard is asked again on each tick; a human is told if it goes on.",
          "It closes by itself when its signals are quiet."};
}

}  // namespace

std::vector<std::string> what_next(const CaseFile& file, const Look& look) {
  const Incident& incident = file.incident;
  switch (incident.state) {
    case IncidentState::open: return next_open(file, look);
    case IncidentState::acting:
      return {"The actuator carries out the order. After its outcome the effect is proved, or a human is told."};
    case IncidentState::verifying:
      return {
          "The effect is being proved. Without proof in the step's time the next step is taken or a human is told."};
    case IncidentState::resolved: return {"Nothing. If the same signals fire again soon, it opens again."};
    case IncidentState::escalated: {
      const TimelineEntry* entry = last_entry(incident, TimelineKind::escalated);
      std::vector<std::string> lines{"A human is needed; nothing more is done by itself."};
      if (entry != nullptr) {
        lines.push_back("Why: " + printable(entry->text, 1024));
        for (const Attribute& fact : entry->attributes) {
          if (fact.key.starts_with("tried.")) lines.push_back("Tried: " + printable(fact.value, 1024));
          if (fact.key == "in_force") lines.push_back("Still in force: " + printable(fact.value, 1024));
          if (fact.key == "next") lines.push_back("The runbook says: " + printable(fact.value, 1024));
        }
      }
      lines.push_back("It closes by itself when its signals are quiet.");
      return lines;
    }
    case IncidentState::suppressed: return {"Nothing: it is silenced."};
  }
  return {};
}

}  // namespace hostmedic
