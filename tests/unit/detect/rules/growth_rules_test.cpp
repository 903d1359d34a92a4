// SPDX-License-Identifier: Apache-2.0
// The shipped rules over what grows without an end: descriptors, threads, zombies, memory, processes, computing.
#include "tests/unit/detect/rules/play.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

// A rule that looks at seconds, played second by second: how the level of the first line grows; the others stay.
struct Growth {
  Play play;
  std::vector<std::optional<double>> values;

  Growth(const std::string& id, std::vector<std::optional<double>> at_first)
      : play(id, kService), values(std::move(at_first)) {}
  Truth run(int seconds, double grows_by, double counter_rate = 0) {
    Truth truth = Truth::unknown;
    for (int t = 0; t < seconds; ++t) {
      play.bench.second += 1;
      values[0] = *values[0] + grows_by;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const bool counter = play.lines[i].metric.instrument == Instrument::counter;
        if (counter) values[i] = *values[i] + counter_rate;
        play.bench.set(std::to_string(i), values[i]);
      }
      truth = play.bench.step();
    }
    return truth;
  }
};

}  // namespace

TEST_CASE("descriptors that only grow are told long before the limit, those of a load are not") {
  const auto fresh = [] {
    Growth made("service-descriptors-forecast", {10.0, 1.0, 1024.0, 0.0});
    made.play.line(metric::kProcessDescriptors)
        .line(metric::kProcessMembers)
        .line(metric::kLimitMaximum, "resource=descriptors")
        .line(metric::kTcpConnections, "role=server,server.port=80");
    return made;
  };
  Growth leak = fresh();
  CHECK(leak.run(60, 0, 5) == Truth::no);
  CHECK(leak.run(10, 20, 5) == Truth::no);
  CHECK(leak.run(10, 20, 5) == Truth::yes);
  CHECK(*leak.values[0] < 0.5 * 1024);
  CHECK(leak.run(40, 0, 5) == Truth::no);

  Growth load = fresh();
  CHECK(load.run(120, 0, 5) == Truth::no);
  CHECK(load.run(25, 20, 50) == Truth::no);  // many more connections come than before

  Growth far = fresh();
  far.values[2] = 524288.0;
  CHECK(far.run(60, 0, 5) == Truth::no);
  CHECK(far.run(40, 20, 5) == Truth::no);

  Growth steps = fresh();
  CHECK(steps.run(60, 0, 5) == Truth::no);
  for (int i = 0; i < 6; ++i) {
    CHECK(steps.run(8, 12, 0) == Truth::no);  // opened, used, and closed
    CHECK(steps.run(1, -96, 0) == Truth::no);
  }
}

TEST_CASE("threads: a leak is told, a pool that fills up is not") {
  const auto fresh = [] {
    Growth made("service-threads-forecast", {8.0, 4915.0});
    made.play.line(metric::kProcessThreads).line(metric::kLimitMaximum, "resource=threads");
    return made;
  };
  Growth leak = fresh();
  CHECK(leak.run(60, 0) == Truth::no);
  CHECK(leak.run(20, 20) == Truth::yes);
  Growth pool = fresh();
  CHECK(pool.run(60, 0) == Truth::no);
  CHECK(pool.run(5, 40) == Truth::no);
  CHECK(pool.run(30, 0) == Truth::no);
}

TEST_CASE("zombies of a service: a parent that never asks, not one that asks in turn") {
  Growth leak("service-zombies", {0.0, 5.0});
  leak.play.line(metric::kProcessMembers, "process.state=defunct").line(metric::kProcessMembers);
  CHECK(leak.run(30, 0) == Truth::no);
  CHECK(leak.run(9, 10) == Truth::no);
  CHECK(leak.run(15, 10) == Truth::yes);
  Growth turns("service-zombies", {0.0, 5.0});
  turns.play.line(metric::kProcessMembers, "process.state=defunct").line(metric::kProcessMembers);
  for (int i = 0; i < 10; ++i) {
    CHECK(turns.run(9, 15) == Truth::no);
    CHECK(turns.run(1, -135) == Truth::no);
  }
}

TEST_CASE("cpu runaway: most of the CPUs at once, without more requests, and others wait") {
  const auto fresh = [] {
    Play play("service-cpu-runaway", kService);
    play.line(metric::kServiceCpuTime).line(metric::kHttpRequestsBegun, "network.local.port=80");
    play.bench.of(Entity{}, "cpus", metric::kCpuCount);
    play.bench.of(Entity{}, "stall", metric::kPressureStall, "kind=some,resource=cpu");
    return play;
  };
  // CPUs taken and requests a second; of two CPUs.
  const auto run = [](Play& play, double seconds, double cpus, double requests, double stall) {
    Truth truth = Truth::unknown;
    static double stalled = 0;
    for (double t = 0; t < seconds; t += 2) {
      play.bench.second += 2;
      play.lines[0].total += 2 * cpus;
      play.lines[1].total += 2 * requests;
      stalled += 2 * stall;
      play.bench.set("0", play.lines[0].total);
      play.bench.set("1", play.lines[1].total);
      play.bench.set("cpus", 2.0);
      play.bench.set("stall", stalled);
      truth = play.bench.step();
    }
    return truth;
  };
  Play runaway = fresh();
  CHECK(run(runaway, 90, 0.05, 5, 0.1) == Truth::no);
  CHECK(run(runaway, 10, 1.9, 5, 0.8) == Truth::yes);
  CHECK(run(runaway, 300, 1.9, 5, 0.8) == Truth::yes);  // it lasts as long as it does
  CHECK(run(runaway, 40, 0.05, 5, 0.1) == Truth::no);
  Play load = fresh();
  CHECK(run(load, 90, 0.05, 5, 0.1) == Truth::no);
  CHECK(run(load, 60, 1.9, 300, 0.8) == Truth::no);
  Play alone = fresh();
  CHECK(run(alone, 90, 0.05, 5, 0.1) == Truth::no);
  CHECK(run(alone, 60, 1.9, 5, 0.05) == Truth::no);  // nobody waits
  Play busy = fresh();
  CHECK(run(busy, 300, 1.9, 5, 0.8) == Truth::no);  // always so: that is its work
}

TEST_CASE("killed for memory: the host only when it was the host's memory") {
  Play group("memory-oom-kills");
  group.line(metric::kMemoryEvents, "event=oom_kill").line(metric::kMemoryEvents, "event=allocation_stall");
  CHECK(group.run(60, {0.0, 0.0}) != Truth::yes);
  CHECK(group.run(60, {0.2, 0.0}) != Truth::yes);  // a group at its own limit
  CHECK(group.run(60, {0.2, 5.0}) == Truth::yes);
}

TEST_CASE("memory that only grows towards the unit's limit, and a cache that stops before") {
  const auto fresh = [] {
    Growth made("service-memory-forecast", {20e6, 400e6});
    made.play.line(metric::kProcessMemoryUsage).line(metric::kLimitMaximum, "resource=memory");
    return made;
  };
  Growth leak = fresh();
  CHECK(leak.run(120, 0) == Truth::no);
  CHECK(leak.run(50, 3e6) == Truth::no);
  CHECK(leak.run(40, 3e6) == Truth::yes);
  CHECK(*leak.values[0] < 0.8 * 400e6);
  Growth cache = fresh();
  CHECK(cache.run(120, 0) == Truth::no);
  CHECK(cache.run(40, 4e6) == Truth::no);
  CHECK(cache.run(120, 0) == Truth::no);
  Growth slower = fresh();  // full and fuller, less and less
  CHECK(slower.run(120, 0) == Truth::no);
  for (int i = 0; i < 40; ++i) CHECK(slower.run(5, 0.07 * (350e6 - *slower.values[0]) / 5) == Truth::no);
}

TEST_CASE("a fork storm is told of its unit, a server with more clients is not one") {
  const auto fresh = [] {
    Growth made("service-fork-storm", {4.0, 0.0});
    made.play.line(metric::kProcessMembers).line(metric::kProcessMembers, "process.state=defunct");
    made.play.bench.of(Entity{}, "cpus", metric::kCpuCount);
    made.play.bench.set("cpus", 2.0);
    return made;
  };
  Growth storm = fresh();
  CHECK(storm.run(60, 0) == Truth::no);
  CHECK(storm.run(2, 120) == Truth::no);
  CHECK(storm.run(4, 0) == Truth::yes);
  CHECK(storm.run(120, 0) == Truth::yes);
  CHECK(storm.run(1, -240) != Truth::unknown);
  CHECK(storm.run(20, 0) == Truth::no);
  Growth build = fresh();
  CHECK(build.run(60, 0) == Truth::no);
  CHECK(build.run(1, 20) == Truth::no);
  CHECK(build.run(30, 0) == Truth::no);
}
