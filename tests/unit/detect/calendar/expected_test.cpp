// SPDX-License-Identifier: Apache-2.0
// What is expected, in an engine: ten times the traffic for four hours with a factor, or in the shadow.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/unit/detect/scorer/scorer_world.h"
#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using namespace hostmedic::detect;
using namespace std::chrono_literals;

namespace {

constexpr int kLearnt = 1500;  // minutes

Rule unusual(std::string id, std::string detector) {
  Rule rule;
  rule.id = std::move(id);
  rule.metric = metric::kHttpRequests.name;
  rule.attributes = "*";
  rule.detector = std::move(detector);
  rule.incident_kind = "http.traffic";
  rule.params = {{"warmup", 3600}};
  return rule;
}

// A service that answers 100 requests a second, and one in a thousand of them with an error; a reading a minute.
struct Shop {
  explicit Shop(std::vector<ExpectedEntry> expected = {}) {
    EngineConfig config = default_engine_config();
    config.rules.push_back(unusual("traffic-unusual", "zscore"));
    config.rules.push_back(unusual("traffic-changed", "change_point"));
    config.expected = std::move(expected);
    config.scoring.interval = 1min;
    config.scoring.warm_up = 2h;
    engine = test::engine_of(std::move(config));
    service = stream.entity(EntityKind::service, "shop.service");
    good = stream.series(service, metric::kHttpRequests, "http.response.status_code=2xx,network.local.port=80");
    bad = stream.series(service, metric::kHttpRequests, "http.response.status_code=5xx,network.local.port=80");
  }
  const Changes& minute(double traffic = 1, double failing = 0.001) {
    ++now;
    const double requests = 6000 * traffic * (1 + 0.02 * test::noise(1, now));
    served += std::round(requests * (1 - failing));
    failed += std::round(requests * failing);
    stream.sample(good, served);
    stream.sample(bad, failed);
    return engine->step(stream.cut(60.0 * now));
  }
  void run(int minutes, double traffic = 1, double failing = 0.001) {
    for (int i = 0; i < minutes; ++i) (void)minute(traffic, failing);
  }
  WallTime wall() const { return wall_from_ns(test::Stream::kEpochNs + 60'000'000'000LL * now); }
  // Everything opened so far, by kind.
  std::string opened() const {
    std::string kinds;
    for (const auto& [id, incident] : engine->incidents()) kinds += incident.kind + " ";
    return kinds;
  }

  test::Stream stream;
  std::unique_ptr<Engine> engine;
  EntityId service{};
  SeriesId good{}, bad{};
  double served = 0, failed = 0;
  int now = 0;
};

ExpectedEntry load_test(const Shop& shop, double factor, std::string series = "hostmedic.http.*") {
  ExpectedEntry entry{.name = "load test", .entity = "service:shop*", .series = std::move(series)};
  entry.shadow = factor == 0;
  entry.factor = factor == 0 ? 1 : factor;
  entry.schedule.from = shop.wall();
  entry.schedule.until = shop.wall() + 4h;
  return entry;
}

}  // namespace

TEST_CASE("ten times the traffic is an incident, unless it is expected: then nothing opens, now or afterwards") {
  Shop surprised;
  surprised.run(kLearnt);
  CHECK(surprised.opened().empty());
  surprised.run(240, 9);
  CHECK_FALSE(surprised.opened().empty());

  for (const double factor : {10.0, 0.0}) {
    Shop shop;
    shop.run(kLearnt);
    shop.engine->set_expected({load_test(shop, factor)});
    shop.run(239, 9);
    CHECK(shop.opened().empty());
    CHECK(shop.engine->calendar().context({EntityKind::service, "shop.service"}).starts_with("load test: "));
    // Back to what it was: had anything been learnt, this were the departure.
    shop.run(300);
    CHECK(shop.opened().empty());
    CHECK(shop.engine->calendar().context({EntityKind::service, "shop.service"}).empty());
    // And from now on it is none that is expected.
    shop.run(60, 9);
    CHECK_FALSE(shop.opened().empty());
  }
}

TEST_CASE("errors while traffic is up are a fault, and so is more traffic than was expected") {
  Shop shop;
  shop.run(kLearnt);
  shop.engine->set_expected({load_test(shop, 10)});
  shop.run(60, 9);
  REQUIRE(shop.opened().empty());
  shop.run(5, 9, 0.3);
  CHECK(shop.opened() == "http.errors ");
  const Incident* errors = test::only(*shop.engine);
  REQUIRE(errors != nullptr);
  const auto known = std::ranges::find(errors->context, "expected event", &ContextCheck::what);
  REQUIRE(known != errors->context.end());
  CHECK(known->found.starts_with("load test: up to 10 times the usual hostmedic.http.* of service:shop*, until "));

  Shop stormed;
  stormed.run(kLearnt);
  stormed.engine->set_expected({load_test(stormed, 10)});
  stormed.run(60, 40);
  CHECK(stormed.opened().find("http.traffic") != std::string::npos);
}

TEST_CASE("what opened before it was said to be expected ends in the shadow") {
  Shop shop;
  shop.run(kLearnt);
  shop.run(5, 1, 0.5);
  REQUIRE(test::only(*shop.engine) != nullptr);
  REQUIRE(test::only(*shop.engine)->active);
  shop.engine->set_expected({load_test(shop, 0)});
  shop.run(120, 1, 0.5);
  CHECK_FALSE(test::only(*shop.engine)->active);
}

TEST_CASE("another series of the same service is not covered") {
  Shop shop;
  shop.run(kLearnt);
  shop.engine->set_expected({load_test(shop, 10, "system.*")});
  shop.run(60, 9);
  CHECK_FALSE(shop.opened().empty());
}

TEST_CASE("the configuration's entries hold by their schedule") {
  ExpectedEntry nightly{.name = "load test", .entity = "service:*", .series = "hostmedic.http.*", .factor = 10};
  const WallTime from = wall_from_ns(test::Stream::kEpochNs) + std::chrono::minutes(kLearnt);
  nightly.schedule = {.from = from, .until = from + 2h};
  Shop shop({nightly});
  shop.run(kLearnt);
  shop.run(119, 9);
  CHECK(shop.opened().empty());
  shop.run(30, 9);
  CHECK(shop.opened().find("http.traffic") != std::string::npos);
}
