// SPDX-License-Identifier: Apache-2.0
#include "agent/self/governor.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace hostmedic;
using std::chrono::seconds;

namespace {

// A host on which the agent costs `share` of a core at full speed and a half of it with every level.
struct Host {
  std::optional<Governor::Change> ten_seconds(double share, Bytes resident = mib(20)) {
    now += seconds(10);
    for (int i = 0; i < governor.level(); ++i) share /= 2;
    cpu += std::chrono::duration_cast<Duration>(std::chrono::duration<double>(10 * share));
    return governor.observe(now, cpu, resident);
  }
  // "1:cpu 2:cpu 1:recovered" of that many seconds.
  std::string steps(int count, double share, Bytes resident = mib(20)) {
    std::string text;
    for (int i = 0; i < count / 10; ++i) {
      if (const auto change = ten_seconds(share, resident))
        text += std::to_string(change->level) + ":" + std::string(change->reason) + " ";
    }
    return text;
  }
  Governor governor{Budget{0.01, mib(64)}};
  MonoTime now = mono_from_ns(1'000'000'000'000);
  Duration cpu = seconds(5);
};

}  // namespace

TEST_CASE("governor: below the budget nothing changes") {
  Host host;
  CHECK(host.steps(3600, 0.0099) == "");
  CHECK(host.governor.pace() == Pace{1, 1, 1});
  REQUIRE(host.governor.cpu());
  CHECK(*host.governor.cpu() == doctest::Approx(0.0099));
}

TEST_CASE("governor: a burst shorter than the budget of a minute is no reason") {
  Host host;
  (void)host.steps(120, 0.002);
  CHECK(host.steps(10, 0.04) == "");
  CHECK(host.steps(300, 0.002) == "");
}

TEST_CASE("governor: it slows down step by step until the budget is kept, and no further") {
  Host host;
  CHECK(host.steps(50, 0.03) == "");  // not yet a minute
  CHECK(host.steps(600, 0.03).starts_with("1:cpu 2:cpu "));
  CHECK(host.governor.level() == 2);
  CHECK(*host.governor.cpu() < 0.01);
  CHECK(host.governor.pace().vital == 1);
}

TEST_CASE("governor: the slowest pace is the end") {
  Host host;
  CHECK(host.steps(1200, 100.0) == "1:cpu 2:cpu 3:cpu 4:cpu 5:cpu ");
  CHECK(host.governor.pace() == Pace{4, 0, 0});
}

TEST_CASE("governor: back when the need is gone; later each time that was too early") {
  Host host;
  (void)host.steps(600, 0.03);
  CHECK(host.steps(600, 0.001) == "1:recovered 0:recovered ");
  // A load that fits only when slowed down: at level 1 it looks calm, at level 0 it does not fit.
  std::vector<int> waits;
  int since = 0;
  for (int i = 0; i < 2000; ++i) {
    const double share = host.governor.level() == 0 ? 0.02 : 0.005;
    since += 10;
    const auto change = host.ten_seconds(share);
    if (!change) continue;
    if (change->reason == "recovered") waits.push_back(since);
    since = 0;
  }
  REQUIRE(waits.size() > 4);
  CHECK(waits[1] > waits[0]);
  CHECK(waits[2] > waits[1]);
  CHECK(waits.back() <= 1800 + 60);
}

TEST_CASE("governor: memory over its bound is a reason at once, and is forgiven only with room") {
  Host host;
  CHECK(host.steps(10, 0.001, mib(65)) == "1:memory ");
  CHECK(host.steps(600, 0.001, mib(63)) == "");
  CHECK(host.steps(600, 0.001, mib(40)) == "0:recovered ");
}

TEST_CASE("governor: a restarted part or a long gap begins the minute anew") {
  Host host;
  (void)host.steps(600, 0.009);
  host.cpu = seconds(0);
  CHECK(host.steps(10, 0.009) == "");
  CHECK(!host.governor.cpu());
  (void)host.steps(60, 0.009);
  CHECK(host.governor.cpu());
  host.now += std::chrono::hours(8);
  host.cpu += seconds(3000);
  CHECK(host.steps(10, 0.009) == "");
  CHECK(!host.governor.cpu());
}
