// SPDX-License-Identifier: Apache-2.0
// What the rules of the guard share. Internal to guard/; pure, any thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "actions/guard/guard.h"

namespace hostmedic::guard {

struct Question {
  const Policy& policy;
  const Order& order;
  const Circumstances& now;
};
struct Answer {
  Decision decision{};
  std::string reason;
};
inline Answer allow(std::string reason) { return {Decision::allow, std::move(reason)}; }
inline Answer hold(std::string reason) { return {Decision::hold, std::move(reason)}; }
inline Answer deny(std::string reason) { return {Decision::deny, std::move(reason)}; }

bool covers(std::string_view glob, const Entity& entity);

// Whether it uses up the limits. What was refused, unnecessary or too late changed nothing on the host, and what took
// another back is not limited; an order whose end is not known counts.
bool counts(const PastAction& past);

// When the last one began, as a duration before now.
template <class Match>
std::optional<Duration> last_age(const Question& q, Match match) {
  std::optional<Duration> least;
  for (const PastAction& past : q.now.history)
    if (counts(past) && match(past)) least = std::min(least.value_or(Duration::max()), age_of(past, q.now));
  return least;
}
template <class Match>
int count_within(const Question& q, Duration window, Match match) {
  return static_cast<int>(std::count_if(q.now.history.begin(), q.now.history.end(), [&](const PastAction& past) {
    return counts(past) && match(past) && age_of(past, q.now) < window;
  }));
}

// guard_people.cpp: what people said.
Answer ask_kill_switch(const Question& q);
Answer ask_maintenance(const Question& q);
Answer ask_exclusion(const Question& q);
Answer ask_tier(const Question& q);
Answer ask_confidence(const Question& q);
Answer ask_human_undo(const Question& q);
Answer ask_protected(const Question& q);

// guard_present.cpp: what is seen now.
Answer ask_two_signals(const Question& q);
Answer ask_target_state(const Question& q);
Answer ask_self_inflicted(const Question& q);
Answer ask_storm(const Question& q);
Answer ask_post_change(const Question& q);
Answer ask_busy(const Question& q);
Answer ask_order_expiry(const Question& q);
Answer ask_boot_grace(const Question& q);
Answer ask_crash_loop(const Question& q);

// guard_limits.cpp: what was done before, and how much may be done.
Answer ask_cooldown(const Question& q);
Answer ask_limit_target(const Question& q);
Answer ask_limit_runbook(const Question& q);
Answer ask_limit_host(const Question& q);
Answer ask_in_flight(const Question& q);
Answer ask_disarmed(const Question& q);
Answer ask_blast_radius(const Question& q);
Answer ask_lease(const Question& q);

// guard_reach.cpp: where nothing may be done.
Answer ask_log_root(const Question& q);
Answer ask_clean_root(const Question& q);
Answer ask_never_touch(const Question& q);

}  // namespace hostmedic::guard
