// SPDX-License-Identifier: Apache-2.0
// Ordinary life is no incident. Coarse here, to be quick: ten seconds between frames where nothing goes on. Second by
// second it is ./dev bench ordinary_day.
#include <doctest/doctest.h>

#include "tests/support/day_watcher.h"

using namespace hostmedic;
using namespace std::chrono_literals;

TEST_CASE("24 hours of ordinary host life: nothing above a suspicion, nobody told, no order") {
  test::DayWatcher watcher(1, 10s, HM_SHIPPED);
  watcher.run(10);
  for (const std::string& text : watcher.confirmed()) FAIL_CHECK(text);
  for (const std::string& text : watcher.notices()) FAIL_CHECK(text);
  for (const std::string& text : watcher.orders()) FAIL_CHECK(text);
  // It was watched, and it was a full day.
  CHECK(watcher.pipeline().runbooks().size() >= 2);
  CHECK(watcher.pipeline().engine().ignored_frames() == 0);
  CHECK(watcher.pipeline().engine().refused() == 0);
  CHECK(watcher.pipeline().engine().host().series_count() >= 150);
  CHECK(watcher.day().containers_gone() >= 400);
  for (const detect::GroupHealth& group : watcher.pipeline().engine().survey().groups())
    if (group.entity.kind != EntityKind::container) CHECK_FALSE(group.score.learning);
  // The same watch does act on a fault.
  watcher.fail();
  CHECK(watcher.confirmed().size() == 1);
  CHECK(watcher.orders() == std::vector<std::string>{"restart nginx.service through systemd"});
}

TEST_CASE("the same seed is the same day") {
  test::OrdinaryDay one(3), two(3), other(4);
  bool differs = false;
  for (int i = 0; i < 500; ++i) {
    const Frame& frame = one.next(300);
    CHECK(frame == two.next(300));
    differs = differs || !(frame == other.next(300));
  }
  CHECK(differs);
}
