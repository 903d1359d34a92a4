// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "agent/store/fleet_store.h"
#include "tests/unit/store/store_support.h"

using namespace hostmedic;
using namespace std::chrono_literals;

namespace {

const WallTime kNow = wall_from_ns(1'795'000'000'000'000'000);

FleetLease lease(const std::string& host, WallTime at, Duration lasts = 3min) {
  return {host, "service.restart", "service:nginx.service", at, at + lasts};
}

bool granted(FleetStore& store, const FleetLease& asked, const LeaseLimits& limits = {1, 1.0}) {
  const auto decision = store.ask_lease(asked, limits);
  REQUIRE(decision);
  return decision->granted;
}

}  // namespace

TEST_CASE("so many hosts may act at once: a share of the fleet, at least one and at most so many") {
  const LeaseLimits limits{3, 0.05};
  for (const auto& [hosts, most] : {std::pair(0, 1), {1, 1}, {39, 1}, {40, 2}, {60, 3}, {10000, 3}})
    CHECK(limits.most_of(hosts) == most);
}

TEST_CASE("a lease is one host's until it ends or is given back, over restarts of the store too") {
  test::TempDir dir;
  {
    auto store = FleetStore::open(dir / "fleet.db");
    REQUIRE(store);
    CHECK(granted(*store, lease("web1", kNow)));
    const auto refused = store->ask_lease(lease("web2", kNow + 1s), {1, 1.0});
    REQUIRE(refused);
    CHECK_FALSE(refused->granted);
    CHECK(refused->text == "1 of 1 hosts at work: web1 (service.restart on service:nginx.service)");
  }
  auto store = FleetStore::open(dir / "fleet.db");
  REQUIRE(store);
  CHECK_FALSE(granted(*store, lease("web2", kNow + 2s)));
  CHECK(granted(*store, lease("web1", kNow + 2min)));  // renewed
  CHECK_FALSE(granted(*store, lease("web2", kNow + 4min)));
  CHECK(granted(*store, lease("web2", kNow + 5min)));  // the first has run out
  REQUIRE(store->end_lease("web2"));
  CHECK(store->leases(kNow + 5min)->empty());
  CHECK(granted(*store, lease("web3", kNow + 5min)));
}

TEST_CASE("nobody is granted more than the longest lease, nor held up by a clock that was set back") {
  auto store = FleetStore::open(":memory:");
  REQUIRE(store);
  CHECK(granted(*store, lease("web1", kNow, 24h)));
  const auto held = store->leases(kNow);
  REQUIRE(held);
  REQUIRE(held->size() == 1);
  CHECK(held->front().until == kNow + FleetStore::kLongestLease);
  CHECK(granted(*store, lease("web2", kNow - 1h)));
}
