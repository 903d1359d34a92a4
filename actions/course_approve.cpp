// SPDX-License-Identifier: Apache-2.0
// A human's part: the proposal, the choice among what the runbook has, the answer.
#include <algorithm>
#include <utility>

#include "actions/course.h"
#include "agent/base/text.h"

namespace hostmedic {

void Response::Course::propose(const Surroundings& here) {
  phase = Phase::proposed;
  for (Order& other : others) date(other, here);
  deadline = here.now.mono + kProposalLife;
  proposal_expires_at = here.now.wall + kProposalLife;
  note(TimelineKind::approval, "waits for a human until " + format_utc(proposal_expires_at) + ": " + order.plan.what,
       here, {{"reason", "proposal"}});
  tell("proposal",
       "approval wanted for " + to_string(incident.root) + ": " + order.plan.what + " (" + order.plan.command + ")",
       here);
}

bool Response::Course::choose(const std::string& key) {
  if (order.key == key) return true;
  const auto chosen = std::ranges::find(others, key, &Order::key);
  if (chosen == others.end()) return false;
  std::swap(order, *chosen);
  return true;
}

void Response::Course::approve(const std::string& by, const Surroundings& here) {
  approved_by_ = by;
  approved_until_ = deadline;
  phase = Phase::judging;
  judged_.clear();
  note(TimelineKind::approval, "approved by " + by + ": " + order.plan.what, here);
}

void Response::Course::reject(const std::string& by, const std::string& reason, const Surroundings& here) {
  phase = Phase::stopped;
  note(TimelineKind::approval, "rejected by " + by + (reason.empty() ? std::string() : ": " + reason), here);
}

}  // namespace hostmedic
