// SPDX-License-Identifier: Apache-2.0
#include "detect/rules/bound_condition.h"
#include "tests/unit/detect/rules/condition_bench.h"

using namespace hostmedic;
using test::ConditionBench;
using test::Truth;

namespace {
const Entity kWeb{EntityKind::service, "web.service"};
const Entity kDb{EntityKind::service, "db.service"};
}  // namespace

TEST_CASE("and, or, not with what is unknown") {
  ConditionBench bench("load_per_cpu > 4 and system.memory.utilization > 90% or not (system.uptime > 60s)");
  bench.with("load", metric::kLoad5).with("cpus", metric::kCpuCount);
  bench.with("memory", metric::kMemoryUtilization).with("uptime", metric::kUptime);
  CHECK(bench.step() == Truth::unknown);
  CHECK(bench.tick({{"uptime", 100.0}}) == Truth::unknown);
  CHECK(bench.tick({{"memory", 0.5}}) == Truth::no);  // unknown and false
  CHECK(bench.tick({{"load", 20.0}, {"cpus", 4.0}}) == Truth::no);
  CHECK(bench.tick({{"memory", 0.95}}) == Truth::yes);
  CHECK(bench.bound->explain() == "load_per_cpu 5 > 4 and system.memory.utilization 95% > 90%");
  CHECK(bench.tick({{"memory", std::nullopt}}) == Truth::unknown);
  CHECK(bench.tick({{"uptime", 10.0}}) == Truth::yes);                                       // unknown or true
  CHECK(bench.tick({{"cpus", 0.0}, {"memory", 0.95}, {"uptime", 99.0}}) == Truth::unknown);  // nothing divides by zero
}

TEST_CASE("a limit with another at which it ends") {
  ConditionBench bench("system.memory.utilization > 90% clear below 85%");
  bench.with("m", metric::kMemoryUtilization);
  CHECK(bench.tick({{"m", 0.88}}) == Truth::no);
  CHECK(bench.tick({{"m", 0.91}}) == Truth::yes);
  CHECK(bench.tick({{"m", 0.88}}) == Truth::yes);
  CHECK(bench.bound->explain() == "system.memory.utilization 88%, was > 90%");
  CHECK(bench.tick({{"m", std::nullopt}}) == Truth::unknown);
  CHECK(bench.tick({{"m", 0.88}}) == Truth::yes);
  CHECK(bench.tick({{"m", 0.84}}) == Truth::no);
  CHECK(bench.tick({{"m", 0.88}}) == Truth::no);
  ConditionBench below("system.memory.utilization < 10% margin 5%");
  below.with("m", metric::kMemoryUtilization);
  CHECK(below.tick({{"m", 0.09}}) == Truth::yes);
  CHECK(below.tick({{"m", 0.14}}) == Truth::yes);
  CHECK(below.tick({{"m", 0.16}}) == Truth::no);
}

TEST_CASE("for: at the boundary, over a gap, and until it was quiet for long enough") {
  ConditionBench bench("system.memory.utilization > 90% for 10s clear after 3s");
  bench.with("m", metric::kMemoryUtilization);
  for (int i = 0; i < 10; ++i) CHECK(bench.tick({{"m", 0.95}}) == Truth::no);
  CHECK(bench.tick({{"m", 0.95}}) == Truth::yes);
  CHECK(bench.bound->explain() == "system.memory.utilization 95% > 90% for 10.0s");
  CHECK(bench.tick({{"m", 0.5}}) == Truth::yes);
  CHECK(bench.tick({{"m", 0.5}}) == Truth::yes);
  CHECK(bench.tick({{"m", std::nullopt}}, 60) == Truth::unknown);
  CHECK(bench.tick({{"m", 0.5}}, 60) == Truth::yes);  // nobody saw it in between
  CHECK(bench.tick({{"m", 0.5}}) == Truth::yes);
  CHECK(bench.tick({{"m", 0.5}}) == Truth::no);
}

TEST_CASE("a bare name of several series means any, sum() and all() say otherwise") {
  ConditionBench bench("system.network.errors > 10/s");
  bench.with("in", metric::kNetworkErrors, "network.io.direction=receive");
  bench.with("out", metric::kNetworkErrors, "network.io.direction=transmit");
  (void)bench.tick({{"in", 0.0}, {"out", 0.0}});
  CHECK(bench.tick({{"in", 6.0}, {"out", 6.0}}) == Truth::no);
  CHECK(bench.tick({{"in", 12.0}, {"out", 26.0}}) == Truth::yes);
  CHECK(bench.bound->explain() == "system.network.errors 20/s > 10/s (network.io.direction=transmit)");
  ConditionBench sum("sum(system.network.errors) > 10/s");
  sum.with("in", metric::kNetworkErrors, "network.io.direction=receive");
  sum.with("out", metric::kNetworkErrors, "network.io.direction=transmit");
  (void)sum.tick({{"in", 0.0}, {"out", 0.0}});
  CHECK(sum.tick({{"in", 6.0}, {"out", 6.0}}) == Truth::yes);
  CHECK(sum.tick({{"in", 7.0}, {"out", 7.0}}) == Truth::no);
}

TEST_CASE("names are joined by what they are of") {
  ConditionBench bench("hostmedic.limit.usage / hostmedic.limit.maximum > 90%");
  for (const char* resource : {"pids", "threads"}) {
    bench.with(std::string(resource) + "-used", metric::kLimitUsage, std::string("resource=") + resource);
    bench.with(std::string(resource) + "-most", metric::kLimitMaximum, std::string("resource=") + resource);
  }
  bench.with("conntrack-used", metric::kLimitUsage, "resource=conntrack");  // has no limit here
  CHECK(bench.tick({{"pids-used", 5.0},
                    {"pids-most", 10.0},
                    {"threads-used", 95.0},
                    {"threads-most", 1000.0},
                    {"conntrack-used", 1e9}}) == Truth::no);
  CHECK(bench.tick({{"pids-used", 9.5}}) == Truth::yes);
  CHECK(bench.bound->explain() == "hostmedic.limit.usage / hostmedic.limit.maximum 95% > 90% (resource=pids)");
}

TEST_CASE("over entities") {
  ConditionBench bench("count(hostmedic.service.memory.utilization@\"service:*\" > 90% for 2s) >= 2");
  bench.of(kWeb, "web", metric::kServiceMemoryUtilization).of(kDb, "db", metric::kServiceMemoryUtilization);
  for (int i = 0; i < 3; ++i) CHECK(bench.tick({{"web", 0.95}, {"db", 0.5}}) == Truth::no);
  for (int i = 0; i < 2; ++i) CHECK(bench.tick({{"web", 0.95}, {"db", 0.95}}) == Truth::no);
  CHECK(bench.tick({{"web", 0.95}, {"db", 0.95}}) == Truth::yes);
  CHECK(bench.bound->explain().find("2 >= 2") != std::string::npos);
  ConditionBench any("any(hostmedic.service.memory.utilization@\"service:*\" > 90%) unless stage is test", {}, "test");
  any.of(kWeb, "web", metric::kServiceMemoryUtilization);
  CHECK(any.tick({{"web", 0.95}}) == Truth::no);
  ConditionBench own("hostmedic.service.memory.utilization > 90% and system.memory.utilization@host > 80%", kWeb);
  own.with("own", metric::kServiceMemoryUtilization).of({}, "host", metric::kMemoryUtilization);
  CHECK(own.tick({{"own", 0.95}, {"host", 0.85}}) == Truth::yes);
  CHECK(own.bound->explain() ==
        "hostmedic.service.memory.utilization 95% > 90% and system.memory.utilization@host 85% > 80%");
}

TEST_CASE("over time") {
  ConditionBench mean("avg(system.memory.utilization, 16s) > 50%");
  mean.with("m", metric::kMemoryUtilization);
  for (int i = 0; i < 15; ++i) CHECK(mean.tick({{"m", 0.9}}) == Truth::unknown);  // the window is not full
  CHECK(mean.tick({{"m", 0.9}}) == Truth::yes);
  for (int i = 0; i < 8; ++i) (void)mean.tick({{"m", 0.0}});
  CHECK(mean.tick({{"m", 0.0}}) == Truth::no);

  // What was counted is known to be more than three before the window is full, but not to be less.
  ConditionBench restarts("delta(hostmedic.service.restarts, 10m) > 3", kWeb);
  restarts.with("n", metric::kServiceRestarts);
  CHECK(restarts.tick({{"n", 100.0}}) == Truth::unknown);
  CHECK(restarts.tick({{"n", 103.0}}, 10) == Truth::unknown);
  CHECK(restarts.tick({{"n", 104.0}}, 10) == Truth::yes);
  for (int i = 0; i < 70; ++i) (void)restarts.tick({{"n", 104.0}}, 10);
  CHECK(restarts.step() == Truth::no);
  // A reset of the counter counts nothing.
  CHECK(restarts.tick({{"n", 0.0}}, 10) == Truth::no);

  ConditionBench growth("delta(system.memory.utilization, 16s) > 10%");
  growth.with("m", metric::kMemoryUtilization);
  for (int i = 0; i < 20; ++i) CHECK(growth.tick({{"m", 0.2 + 0.004 * i}}) != Truth::yes);
  for (int i = 0; i < 20; ++i) (void)growth.tick({{"m", 0.28 + 0.01 * i}});
  CHECK(growth.step() == Truth::yes);
}

TEST_CASE("by the time of the day and the day, in UTC") {
  // 2026-11-21 is a Saturday.
  constexpr std::int64_t kSaturday = 1'795'219'200'000'000'000;
  ConditionBench bench("system.uptime > (8s if between 22:00 and 06:00 else 4s) and on sat");
  bench.with("u", metric::kUptime);
  bench.wall_offset_ns = kSaturday;
  CHECK(bench.tick({{"u", 6.0}}) == Truth::no);  // night
  bench.wall_offset_ns = kSaturday + 12 * 3'600'000'000'000;
  CHECK(bench.tick({{"u", 6.0}}) == Truth::yes);
  bench.wall_offset_ns = kSaturday + 36 * 3'600'000'000'000;
  CHECK(bench.tick({{"u", 6.0}}) == Truth::no);  // Sunday
}

TEST_CASE("known() tells what is there, and nothing else does") {
  ConditionBench bench("hostmedic.array.disks.missing > 0 unless known(hostmedic.array.sync.ratio)");
  bench.with("missing", metric::kArrayMissing);
  CHECK(bench.tick({{"missing", 1.0}}) == Truth::yes);
  bench.with("sync", metric::kArraySync);
  CHECK(bench.tick({{"missing", 1.0}, {"sync", 0.5}}) == Truth::no);
  CHECK(bench.tick({{"missing", 1.0}, {"sync", std::nullopt}}) == Truth::yes);
}

TEST_CASE("a series that is not read any more is not looked at") {
  ConditionBench bench("sum(system.network.errors) > 10/s");
  bench.with("in", metric::kNetworkErrors, "network.io.direction=receive");
  bench.with("out", metric::kNetworkErrors, "network.io.direction=transmit");
  double counted = 0;
  (void)bench.tick({{"in", counted}, {"out", counted}});
  (void)bench.tick({{"in", counted += 20}, {"out", 0.0}});
  for (int i = 0; i < 280; ++i) CHECK(bench.tick({{"in", counted += 20}}) == Truth::yes);
  CHECK(bench.tick({{"in", std::nullopt}}) == Truth::unknown);
  CHECK(bench.tick({{"in", counted += 20}}, 400) == Truth::unknown);  // too long ago for a rate
  CHECK(bench.tick({{"in", counted += 20}}) == Truth::yes);
}

TEST_CASE("what was learned of a series outlives the coming and going of others") {
  ConditionBench bench("any(hostmedic.service.memory.utilization@\"service:*\" > 90% for 5s)");
  bench.of(kWeb, "web", metric::kServiceMemoryUtilization).of(kDb, "db", metric::kServiceMemoryUtilization);
  for (int i = 0; i < 5; ++i) (void)bench.tick({{"web", 0.95}, {"db", 0.1}});
  bench.of({EntityKind::service, "new.service"}, "new", metric::kServiceMemoryUtilization);
  CHECK(bench.tick({{"web", 0.95}, {"db", 0.1}, {"new", 0.1}}) == Truth::yes);
  bench.bound->remove(bench.ids.at("new"));
  CHECK(bench.tick({{"web", 0.95}, {"db", 0.1}}) == Truth::yes);
  CHECK(bench.bound->explain() ==
        "hostmedic.service.memory.utilization@\"service:*\" 95% > 90% for 6.0s at service:web.service");
}

TEST_CASE("a condition that is asked once, of all that the host has") {
  test::Stream stream;
  const auto host = stream.entity(EntityKind::host, "");
  const auto memory = stream.series(host, metric::kMemoryUtilization);
  stream.sample(memory, 0.95);
  HostView view;
  view.apply(stream.cut(1));
  ConditionBench bench("system.memory.utilization > 90%");
  bench.bound->read(view);
  CHECK(bench.bound->step(view.mono(), view.wall()) == Truth::yes);
}
