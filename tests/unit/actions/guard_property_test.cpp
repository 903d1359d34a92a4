// SPDX-License-Identifier: Apache-2.0
// Whatever happened before, whatever the clock does and however orders come in, no window ever holds more actions than
// its limit, and nothing that the limits permit is refused. Judged beside a model in plain numbers that shares no code
// with the guard.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "actions/guard/guard.h"

using namespace hostmedic;
using namespace hostmedic::guard;
using namespace std::chrono_literals;

namespace {

// ---- the model: seconds, and small numbers for names ----

struct Rules {
  long count[3], window[3];  // per target, runbook, host
  long pause, pause_most;
  long own_pause;  // the runbook's
};
struct Deed {
  long real, boot, wall;  // when it began: truly, in which life of the host, and what its clock said
  int target, runbook, action;
  bool ended, weightless;  // weightless: it ended as refused, unnecessary or expired
};
struct World {
  long real = 0, boot = 0, boot_began = -7200, offset = 0;
  long wall() const { return real + offset; }
  long up() const { return real - boot_began; }
  long age(const Deed& deed) const {
    if (deed.boot == boot) return real - deed.real;
    return std::max(0L, wall() - deed.wall);
  }
};
struct Wish {
  int target, runbook, action;
};

long pause_left(const Rules& rules, const World& world, const std::vector<Deed>& deeds, long first, const auto& fits) {
  const long window = std::max(rules.window[0], first);
  long last = window, wait = first;
  int seen = 0;
  for (const Deed& deed : deeds) {
    if (deed.weightless || !fits(deed) || world.age(deed) >= window) continue;
    last = std::min(last, world.age(deed));
    ++seen;
  }
  for (int i = 1; i < seen; ++i) wait = std::min(wait * 2, std::max(first, rules.pause_most));
  return seen == 0 ? 0 : wait - last;
}

// Would a careful clerk let it go ahead?
bool permitted(const Rules& rules, const World& world, const std::vector<Deed>& deeds, const Wish& wish) {
  long seen[3] = {};
  for (const Deed& deed : deeds) {
    if (!deed.ended && deed.target == wish.target) return false;
    if (deed.weightless) continue;
    const bool fits[3] = {deed.target == wish.target, deed.runbook == wish.runbook, true};
    for (int i = 0; i < 3; ++i) seen[i] += fits[i] && world.age(deed) < rules.window[i];
  }
  for (int i = 0; i < 3; ++i)
    if (seen[i] >= rules.count[i]) return false;
  const auto on_target = [&](const Deed& deed) { return deed.target == wish.target; };
  const auto same = [&](const Deed& deed) {
    return on_target(deed) && deed.runbook == wish.runbook && deed.action == wish.action;
  };
  return pause_left(rules, world, deeds, rules.pause, on_target) <= 0 &&
         (rules.own_pause == 0 || pause_left(rules, world, deeds, rules.own_pause, same) <= 0);
}

// ---- the same for the guard ----

const WallTime kZero = wall_from_ns(1'790'000'000'000'000'000);
const char* const kTargets[] = {"a.service", "b.service", "c.service"};
const char* const kRunbooks[] = {"one", "two"};
const char* const kActions[] = {"service.restart", "journal.vacuum"};

Policy policy_of(const Rules& rules) {
  Policy policy;
  policy.tier = Tier::automatic;
  Limit* limits[] = {&policy.per_target, &policy.per_runbook, &policy.per_host};
  for (int i = 0; i < 3; ++i) *limits[i] = {static_cast<int>(rules.count[i]), rules.window[i] * 1s};
  policy.cooldown = rules.pause * 1s;
  policy.cooldown_most = rules.pause_most * 1s;
  policy.disarm_failures = 1000;
  return policy;
}

PastAction past_of(const Deed& deed, std::size_t number) {
  PastAction past;
  past.key = "deed" + std::to_string(number);
  past.target = {EntityKind::service, kTargets[deed.target]};
  past.runbook = kRunbooks[deed.runbook];
  past.action = kActions[deed.action];
  past.at = kZero + deed.wall * 1s;
  past.finished = deed.ended;
  past.result = deed.weightless ? OutcomeResult::refused : OutcomeResult::interrupted;
  past.boot = "boot" + std::to_string(deed.boot);
  return past;
}

bool guard_allows(const Policy& policy, const Rules& rules, const World& world, const std::vector<Deed>& deeds,
                  const Wish& wish) {
  Order order;
  order.key = "wish";
  order.runbook = kRunbooks[wish.runbook];
  order.plan.action = kActions[wish.action];
  order.plan.target = {EntityKind::service, kTargets[wish.target]};
  order.confidence = 1;
  order.proof = true;
  order.cooldown = rules.own_pause * 1s;
  Circumstances now;
  now.now = order.issued_at = kZero + world.wall() * 1s;
  order.expires_at = now.now + 30s;
  now.uptime = world.up() * 1s;
  now.boot = "boot" + std::to_string(world.boot);
  now.target = TargetState::faulty;
  for (std::size_t i = 0; i < deeds.size(); ++i) {
    now.history.push_back(past_of(deeds[i], i));
    // Truly so long ago; for another boot the number means nothing, and is not looked at.
    now.history.back().uptime = now.uptime - (world.real - deeds[i].real) * 1s;
  }
  return judge(policy, order, now).decision == Decision::allow;
}

// ---- chance ----

struct Dice {
  std::mt19937_64 engine;
  long up_to(long most) { return static_cast<long>(engine() % static_cast<std::uint64_t>(most + 1)); }
  bool one_in(long n) { return up_to(n - 1) == 0; }
};

Rules any_rules(Dice& dice) {
  Rules rules{};
  for (int i = 0; i < 3; ++i) {
    rules.count[i] = 1 + dice.up_to(2 + 2 * i);
    rules.window[i] = 60 + dice.up_to(3600);
  }
  rules.pause = dice.up_to(90);
  rules.pause_most = rules.pause + dice.up_to(600);
  rules.own_pause = dice.one_in(3) ? 1 + dice.up_to(5000) : 0;
  return rules;
}
Wish any_wish(Dice& dice) {
  return {static_cast<int>(dice.up_to(2)), static_cast<int>(dice.up_to(1)), static_cast<int>(dice.up_to(1))};
}

// Time goes on; clocks are set, the host is booted.
void something_happens(Dice& dice, World& world, long most_seconds) {
  world.real += dice.up_to(most_seconds);
  if (dice.one_in(8)) world.offset += dice.up_to(14400) - 7200;
  if (dice.one_in(200)) world.offset += dice.one_in(2) ? 1'000'000'000 : -1'000'000'000;  // a host without a clock
  if (dice.one_in(12)) {
    ++world.boot;
    world.boot_began = world.real - 200;  // past the grace after boot
  }
}

void record(Dice& dice, const World& world, std::vector<Deed>& deeds, const Wish& wish) {
  deeds.push_back({world.real, world.boot, world.wall(), wish.target, wish.runbook, wish.action, true, dice.one_in(6)});
}

// Actions that truly began within a window of one life of the host, whatever its clock said.
long truly_within(const World& world, const std::vector<Deed>& deeds, long window, const auto& fits) {
  return std::count_if(deeds.begin(), deeds.end(), [&](const Deed& deed) {
    return !deed.weightless && deed.boot == world.boot && world.real - deed.real < window && fits(deed);
  });
}

}  // namespace

TEST_CASE("over 100,000 random histories the guard permits what the limits permit, and nothing else") {
  long allowed = 0, stopped = 0;
  for (unsigned run = 0; run < 100'000; ++run) {
    Dice dice{std::mt19937_64(run)};
    const Rules rules = any_rules(dice);
    World world;
    std::vector<Deed> deeds;
    for (long left = dice.up_to(7); left > 0; --left) {
      something_happens(dice, world, 400);
      record(dice, world, deeds, any_wish(dice));
      deeds.back().ended = deeds.back().weightless || !dice.one_in(10);  // its actuator died, or it is under way
    }
    something_happens(dice, world, 600);
    const Wish wish = any_wish(dice);
    const bool expected = permitted(rules, world, deeds, wish);
    const bool seen = guard_allows(policy_of(rules), rules, world, deeds, wish);
    if (seen != expected) CAPTURE(run);
    REQUIRE(seen == expected);
    ++(seen ? allowed : stopped);
  }
  CHECK(allowed > 10'000);
  CHECK(stopped > 10'000);
}

TEST_CASE("in random lives of a host no window ever holds more than its limit: restarts, clocks, crashes, rivals") {
  long begun = 0, rivals_refused = 0;
  for (unsigned run = 0; run < 400; ++run) {
    Dice dice{std::mt19937_64(1'000'000 + run)};
    const Rules rules = any_rules(dice);
    const Policy policy = policy_of(rules);
    World world;
    std::vector<Deed> deeds;
    for (int step = 0; step < 40; ++step) {
      const long boot = world.boot;
      something_happens(dice, world, 200);
      for (Deed& deed : deeds)  // what was under way ends, or is found interrupted at the next start
        if (world.boot != boot || !dice.one_in(4)) deed.ended = true;
      // Two that want to act at once come one after the other to where it is judged and written down, in any order.
      Wish wishes[2] = {any_wish(dice), any_wish(dice)};
      if (dice.one_in(2)) wishes[1].target = wishes[0].target;
      bool first_went = false;
      for (int i = 0; i < (dice.one_in(3) ? 2 : 1); ++i) {
        const Wish& wish = wishes[i];
        if (!guard_allows(policy, rules, world, deeds, wish)) {
          rivals_refused += first_went;
          continue;
        }
        const auto any = [](const Deed&) { return true; };
        const auto on_target = [&](const Deed& deed) { return deed.target == wish.target; };
        const auto of_runbook = [&](const Deed& deed) { return deed.runbook == wish.runbook; };
        CAPTURE(run);
        CAPTURE(step);
        REQUIRE(truly_within(world, deeds, rules.window[0], on_target) < rules.count[0]);
        REQUIRE(truly_within(world, deeds, rules.window[1], of_runbook) < rules.count[1]);
        REQUIRE(truly_within(world, deeds, rules.window[2], any) < rules.count[2]);
        REQUIRE(truly_within(world, deeds, rules.pause, on_target) == 0);
        REQUIRE(std::none_of(deeds.begin(), deeds.end(), [&](const Deed& d) { return on_target(d) && !d.ended; }));
        record(dice, world, deeds, wish);
        deeds.back().ended = deeds.back().weightless;
        first_went = true;
        ++begun;
      }
    }
  }
  CHECK(begun > 1'000);
  CHECK(rivals_refused > 100);
}
