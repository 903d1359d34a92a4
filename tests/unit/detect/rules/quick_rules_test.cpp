// SPDX-License-Identifier: Apache-2.0
// Shipped rules that tell in seconds because several signals agree: each on its fault, and quiet on what is similar.
#include <doctest/doctest.h>

#include "detect/model/names_service.h"
#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using test::Stream;

namespace {

// A web service, as its visitors and a check see it.
struct Web {
  std::unique_ptr<detect::Engine> engine = test::engine_of();
  Stream stream;
  EntityId shop = stream.entity(EntityKind::service, "shop.service");
  SeriesId took = stream.series(shop, metric::kCheckDuration, "check.id=shop");
  SeriesId p50 = stream.series(shop, metric::kHttpDurationP50, "network.local.port=80");
  SeriesId good = stream.series(shop, metric::kHttpRequests, "http.response.status_code=2xx,network.local.port=80");
  SeriesId uptime = stream.series(shop, metric::kServiceUptime);
  double second = 1000, total = 0;

  void run(int seconds, double visitor_waits, double check_waits, double requests) {
    for (int i = 0; i < seconds; ++i) {
      total += requests;
      stream.sample(took, check_waits).sample(p50, visitor_waits).sample(good, total).sample(uptime, second - 900);
      (void)engine->step(stream.cut(second += 1));
    }
  }
};

// A oneshot that ran some times before.
struct Job {
  std::unique_ptr<detect::Engine> engine = test::engine_of();
  Stream stream;
  EntityId backup = stream.entity(EntityKind::service, "backup.service");
  SeriesId running = stream.series(backup, metric::kJobTime);
  SeriesId usual = stream.series(backup, metric::kJobUsual);
  SeriesId cpu = stream.series(backup, metric::kServiceCpuTime);
  double second = 1000, computed = 0;

  void run(int seconds, double usual_s, double share) {
    for (int i = 1; i <= seconds; ++i) {
      stream.sample(running, i).sample(usual, usual_s).sample(cpu, computed += share);
      (void)engine->step(stream.cut(second += 1));
    }
  }
};

}  // namespace

TEST_CASE("a service that is slow from one moment to the next is told in seconds, and not over after half a minute") {
  Web web;
  web.run(130, 0.03, 0.03, 10);
  CHECK(test::only(*web.engine) == nullptr);
  web.run(8, 0.6, 0.6, 10);
  REQUIRE(test::only(*web.engine) != nullptr);
  CHECK(test::only(*web.engine)->kind == "http.slow");
  CHECK_FALSE(test::only(*web.engine)->suspicion);
  web.run(60, 0.6, 0.6, 10);
  CHECK(test::only(*web.engine)->active);
}

TEST_CASE("slower by more visitors, for visitors alone, or too little to be felt is told by no quick rule") {
  Web load, some, fast;
  load.run(130, 0.03, 0.03, 10);
  load.run(20, 0.6, 0.6, 80);
  CHECK(test::only(*load.engine) == nullptr);
  some.run(130, 0.03, 0.03, 10);
  some.run(20, 0.6, 0.03, 10);
  CHECK(test::only(*some.engine) == nullptr);
  fast.run(130, 0.003, 0.003, 10);
  fast.run(20, 0.2, 0.2, 10);
  CHECK(test::only(*fast.engine) == nullptr);
}

TEST_CASE("a job that runs far beyond its usual time and does nothing is told; one that works is not") {
  Job waits, works, slow;
  waits.run(20, 2, 0.001);
  REQUIRE(test::only(*waits.engine) != nullptr);
  CHECK(test::only(*waits.engine)->kind == "job.stuck");
  works.run(60, 2, 0.3);
  CHECK(test::only(*works.engine) == nullptr);
  slow.run(60, 20, 0.001);
  CHECK(test::only(*slow.engine) == nullptr);
}
