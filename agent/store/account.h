// SPDX-License-Identifier: Apache-2.0
// What was done, and would have been done, over a time: the sums behind `hostmedic report`. Pure; any thread.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "detect/model/feedback.h"
#include "detect/model/incident.h"

namespace hostmedic {

struct RunbookAccount {
  int planned = 0;   // incidents for which it had a plan
  int ordered = 0;   // orders given
  int helped = 0;    // after which the signals proved it
  int failed = 0;    // the effect failed, or nothing was proved
  int undone = 0;    // taken back
  int would = 0;     // incidents for which it would have acted, had its tier allowed it
  int mistaken = 0;  // incidents that it treated and that a human says were none
};

struct Account {
  int incidents = 0, suspicions = 0, parts = 0;        // parts: of another incident; counted there
  int treated = 0;                                     // an order was given
  int healed = 0, alone = 0, escalated = 0, open = 0;  // ended by a treatment, by itself; a human was called; goes on
  int said_real = 0, said_none = 0;
  std::map<std::string, RunbookAccount> runbooks;
  std::vector<std::string> would_have;  // what would have been done, newest first, at most kMostWould
  // Of incidents, in ascending order: from the fault to its opening; to the first order; to its end.
  std::vector<Duration> to_notice, to_act, to_recover;
  static constexpr std::size_t kMostWould = 20;
};

// Newest incident first. Suspicions and parts count as such and for nothing else.
Account account_of(std::span<const Incident> incidents, std::span<const Feedback> feedback);
// The middle one; nullopt: there is none.
std::optional<Duration> median_of(const std::vector<Duration>& ascending);

}  // namespace hostmedic
