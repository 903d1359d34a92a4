// SPDX-License-Identifier: Apache-2.0
// Limits hold through the real ledger: over other lives of the actuator, boots, orders that it died with, and clocks
// that are set forward and back.
#include <algorithm>
#include <random>

#include "tests/unit/actuator/rig.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;

TEST_CASE("through the actuator and its ledger no window ever holds more than its limit") {
  int begun = 0, refused = 0;
  for (unsigned run = 0; run < 200; ++run) {
    CAPTURE(run);
    std::mt19937_64 random(run);
    const auto up_to = [&](int most) { return static_cast<int>(random() % static_cast<unsigned>(most + 1)); };
    Rig rig;
    rig.policy.per_target = {1 + up_to(2), (1 + up_to(30)) * 1min};
    rig.policy.per_runbook = {1 + up_to(4), (1 + up_to(30)) * 1min};
    rig.policy.per_host = {2 + up_to(5), (1 + up_to(30)) * 1min};
    rig.policy.cooldown = up_to(60) * 1s;
    struct Done {
      Duration real;
      int boot;
      std::string target, runbook;
    };
    std::vector<Done> done;
    Duration real{};
    for (int step = 0; step < 12; ++step) {
      const Duration time = up_to(240) * 1s;
      real += time;
      rig.pass(time);
      if (up_to(5) == 0) rig.wall += up_to(2) == 0 ? 24h * 365 * 30 : (up_to(7200) - 3600) * 1s;
      if (up_to(9) == 0) rig.wall -= up_to(600) * 1min;
      if (up_to(7) == 0) rig.open();
      if (up_to(11) == 0) rig.reboot();
      const Order order = rig.order("s" + std::to_string(up_to(2)) + ".service", "r" + std::to_string(up_to(1)));
      const int before = rig.how().executed;
      rig.stopping = up_to(9) == 0;
      (void)rig.actuator->carry_out(order);
      if (rig.stopping) rig.open();
      REQUIRE(rig.how().executed <= before + 1);
      if (rig.how().executed == before) {
        ++refused;
        continue;
      }
      ++begun;
      const auto within = [&](Duration window, const auto& fits) {
        return std::count_if(done.begin(), done.end(), [&](const Done& one) {
          return one.boot == rig.boot && real - one.real < window && fits(one);
        });
      };
      const auto on_target = [&](const Done& one) { return one.target == order.plan.target.name; };
      REQUIRE(within(rig.policy.per_target.window, on_target) < rig.policy.per_target.count);
      REQUIRE(within(rig.policy.per_runbook.window, [&](const Done& one) { return one.runbook == order.runbook; }) <
              rig.policy.per_runbook.count);
      REQUIRE(within(rig.policy.per_host.window, [](const Done&) { return true; }) < rig.policy.per_host.count);
      REQUIRE(within(rig.policy.cooldown, on_target) == 0);
      done.push_back({real, rig.boot, order.plan.target.name, order.runbook});
    }
  }
  CHECK(begun > 400);
  CHECK(refused > 400);
}
