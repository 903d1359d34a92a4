// SPDX-License-Identifier: Apache-2.0
// The shipped rules: each group fires on its fault, and is quiet on what is similar and healthy.
#include "detect/rules/defaults.h"

#include <algorithm>
#include <set>

#include "detect/correlate/explain.h"
#include "detect/rules/condition.h"
#include "tests/unit/detect/rules/play.h"

using namespace hostmedic;
using namespace hostmedic::test;

TEST_CASE("every shipped condition can be read, and has its reason") {
  CHECK(shipped().condition_rules.size() > 80);
  // The engine's own count of restarts; all other conditions are judgements, and need a second signal.
  const std::set<std::string> proofs{"container-crash-loop"};
  std::set<std::string> ids;
  for (const detect::ConditionRule& rule : shipped().condition_rules) {
    const auto parsed = detect::parse_condition(rule.when);
    CAPTURE(rule.id);
    INFO(detect::show_fault(rule.when, parsed.fault));
    CHECK(parsed.condition.has_value());
    CHECK(rule.why.size() > 10);
    CHECK(rule.proof == proofs.contains(rule.id));
    CHECK(ids.insert(rule.id).second);
  }
  for (const detect::EventRule& rule : shipped().event_rules) {
    CAPTURE(rule.id);
    CHECK(rule.why.size() > 10);
    CHECK(ids.insert(rule.id).second);
  }
  CHECK(detect::Engine::make(shipped()).has_value());
}

TEST_CASE("every kind of incident reads as a sentence") {
  for (const detect::ConditionRule& rule : shipped().condition_rules) {
    CAPTURE(rule.incident_kind);
    CHECK_FALSE(detect::phrase_of(rule.incident_kind).empty());
  }
  for (const detect::EventRule& rule : shipped().event_rules) {
    CAPTURE(rule.incident_kind);
    CHECK((!rule.opens || !detect::phrase_of(rule.incident_kind).empty()));
  }
}

TEST_CASE("few rules may wake somebody") {
  const auto critical =
      std::ranges::count(shipped().condition_rules, Severity::critical, &detect::ConditionRule::severity);
  CHECK(critical <= 6);
}

TEST_CASE("cpu: full and waiting is a lack, full is not") {
  const auto fresh = [] {
    Play play("cpu-overloaded");
    play.line(metric::kLoad15).line(metric::kCpuCount).line(metric::kPressureStall, "kind=some,resource=cpu");
    play.line(metric::kUptime);
    return play;
  };
  CHECK(fresh().run(600, {40.0, 8.0, 0.9, 9e5}) == Truth::yes);
  CHECK(fresh().run(600, {40.0, 8.0, 0.1, 9e5}) == Truth::no);    // they wait for disks
  CHECK(fresh().run(600, {8.0, 8.0, 0.9, 9e5}) == Truth::no);     // well used
  CHECK(fresh().run(600, {40.0, 8.0, 0.9, 100.0}) == Truth::no);  // the boot
  CHECK(fresh().run(600, {40.0, 8.0, std::nullopt, 9e5}) == Truth::unknown);
  Play cleared = fresh();
  CHECK(cleared.run(600, {40.0, 8.0, 0.9, 9e5}) == Truth::yes);
  CHECK(cleared.run(600, {26.0, 8.0, 0.9, 9e5}) == Truth::yes);  // above the limit less its margin
  CHECK(cleared.run(30, {40.0, std::nullopt, 0.9, 9e5}) == Truth::unknown);
  CHECK(cleared.run(30, {16.0, 8.0, 0.9, 9e5}) == Truth::yes);  // not yet for a minute
  CHECK(cleared.run(60, {16.0, 8.0, 0.9, 9e5}) == Truth::no);

  Play steal("cpu-stolen");
  steal.line(metric::kCpuTime, "cpu.mode=steal");
  CHECK(steal.run(1000, {0.3}) == Truth::unknown);  // the window is not full
  CHECK(steal.run(600, {0.3}) == Truth::yes);
  CHECK(steal.run(1500, {0.03}) == Truth::no);
}

TEST_CASE("cpu: batch jobs may have the night") {
  const auto at_hour = [](int hour) {
    Play play("cpu-busy");
    play.line(metric::kCpuTime, "cpu.mode=idle").line(metric::kCpuTime, "cpu.mode=iowait");
    play.line(metric::kPressureStall, "kind=some,resource=cpu");
    constexpr std::int64_t kMidnight = 1'795'219'200'000'000'000;
    play.bench.wall_offset_ns = kMidnight + hour * 3'600'000'000'000;
    return play.run(1200, {0.05, 0.0, 0.9});
  };
  CHECK(at_hour(12) == Truth::yes);
  CHECK(at_hour(23) == Truth::no);
}

TEST_CASE("memory: swapping in and out at once, with waiting") {
  Play play("memory-thrashing");
  play.line(metric::kPressureStall, "kind=some,resource=memory");
  play.line(metric::kPagingOperations, "system.paging.direction=in");
  play.line(metric::kPagingOperations, "system.paging.direction=out");
  CHECK(play.run(120, {0.5, 5000.0, 10.0}) == Truth::no);     // reads back what was put away at night
  CHECK(play.run(120, {0.05, 5000.0, 5000.0}) == Truth::no);  // to compressed memory, nobody waits
  CHECK(play.run(120, {0.5, 5000.0, 5000.0}) == Truth::yes);
  CHECK(play.run(10, {std::nullopt, 5000.0, 5000.0}) == Truth::unknown);
  CHECK(play.run(120, {0.5, 0.0, 5000.0}) == Truth::no);
}

TEST_CASE("disks: slow, failing, and without a spare") {
  Play slow("disk-slow", kDisk);
  slow.line(metric::kDiskOperationTime, "disk.io.direction=read")
      .line(metric::kDiskOperationTime, "disk.io.direction=write");
  slow.line(metric::kDiskOperations, "disk.io.direction=read").line(metric::kDiskOperations, "disk.io.direction=write");
  CHECK(slow.run(300, {0.9, 2.0, 100.0, 50.0}) == Truth::no);
  CHECK(slow.run(300, {0.9, 0.9, 100.0, 1.0}) == Truth::no);  // one slow write a second
  CHECK(slow.run(300, {0.9, 30.0, 100.0, 20.0}) == Truth::yes);
  CHECK(slow.run(300, {0.0, 0.0, 0.0, 0.0}) == Truth::no);  // idle again

  Play errors("disk-request-errors", kDisk);
  errors.line(metric::kDiskErrors, "error.type=io").line(metric::kDiskErrors, "error.type=no_space");
  CHECK(errors.run(1200, {0.0, 1.0}) == Truth::no);
  CHECK(errors.run(60, {0.2, 0.0}) == Truth::yes);
  CHECK(errors.run(1200, {0.0, 0.0}) == Truth::no);

  Play array("array-degraded", {EntityKind::block_device, "md0"});
  array.line(metric::kArrayMissing);
  CHECK(array.run(60, {0.0}) == Truth::no);
  CHECK(array.run(60, {1.0}) == Truth::yes);
  CHECK(array.run(60, {std::nullopt}) == Truth::unknown);

  Play left("filesystem-little-left", {EntityKind::filesystem, "/srv"});
  left.line(metric::kFilesystemUsage, "system.filesystem.state=free").line(metric::kFilesystemLimit);
  CHECK(left.run(60, {100e6, 500e6}) == Truth::no);  // small by design
  CHECK(left.run(60, {100e6, 500e9}) == Truth::yes);
  CHECK(left.run(60, {400e6, 500e9}) == Truth::yes);
  CHECK(left.run(60, {4e9, 500e9}) == Truth::no);
}

TEST_CASE("disks: who keeps one so busy that others wait, and who only uses it well") {
  const Entity exporter{EntityKind::service, "export.service"}, ledger{EntityKind::service, "ledger.service"};
  ConditionBench bench(when("disk-crowded"), exporter);
  bench.with("moves", metric::kProcessDiskIo, "disk.io.direction=write")
      .with("waits", metric::kServicePressureStall, "kind=full,resource=io")
      .with("stalls", metric::kServicePressureStall, "kind=some,resource=io")
      .of(ledger, "other moves", metric::kProcessDiskIo, "disk.io.direction=write")
      .of(ledger, "other waits", metric::kServicePressureStall, "kind=full,resource=io")
      .of(kDisk, "busy", metric::kDiskIoTime)
      .of(kDisk, "queue", metric::kDiskQueueTime);
  struct Rates {
    double moves, waits, other_moves, other_waits, busy, queue;
  };
  Rates total{};
  const auto run = [&](double seconds, const Rates& rates) {
    Truth truth = Truth::unknown;
    for (double t = 0; t < seconds; ++t) {
      total = {total.moves + rates.moves,
               total.waits + rates.waits,
               total.other_moves + rates.other_moves,
               total.other_waits + rates.other_waits,
               total.busy + rates.busy,
               total.queue + rates.queue};
      truth = bench.tick({{"moves", total.moves},
                          {"waits", total.waits},
                          {"stalls", total.waits},
                          {"other moves", total.other_moves},
                          {"other waits", total.other_waits},
                          {"busy", total.busy},
                          {"queue", total.queue}});
    }
    return truth;
  };
  CHECK(run(20, {6e6, 1, 4e4, 0.2, 1, 100}) == Truth::no);  // a batch job alone on the disk
  CHECK(run(20, {6e6, 1, 4e4, 1, 1, 4}) == Truth::no);      // a short queue
  CHECK(run(20, {6e6, 1, 6e6, 1, 1, 100}) == Truth::no);    // both the same: neither is to blame
  CHECK(run(20, {4e5, 1, 1e4, 1, 1, 100}) == Truth::no);    // the disk itself is slow
  CHECK(run(10, {6e6, 1, 4e4, 1, 1, 100}) == Truth::yes);
  CHECK(run(20, {1e4, 0, 4e4, 0, 0.1, 0}) == Truth::no);
}

TEST_CASE("containers: one that falls at once is told at its second fall, one that is new may wait for others") {
  const Entity container{EntityKind::container, "shop"};
  Play known("container-falls-at-once", container);
  known.line(metric::kContainerRestarts);
  CHECK(known.run(60, {0.0}) == Truth::no);
  CHECK(known.run(5, {0.2}) == Truth::no);  // one fall
  CHECK(known.run(5, {0.2}) == Truth::yes);
  CHECK(known.run(20, {0.0}) == Truth::no);
  CHECK(known.run(300, {1.0 / 60}) == Truth::no);  // works for a minute each time, as some do on purpose

  Play fresh("container-falls-at-once", container);
  fresh.line(metric::kContainerRestarts);
  CHECK(fresh.run(20, {0.4}) != Truth::yes);

  Play loop("container-crash-loop", container);
  loop.line(metric::kContainerRestarts);
  CHECK(loop.run(20, {0.2}) != Truth::yes);  // three since the first look
  CHECK(loop.run(5, {0.2}) == Truth::yes);
  CHECK(loop.run(1200, {0.0}) == Truth::no);
}

TEST_CASE("logs: a flood of errors of a new kind, where there was none") {
  const auto fresh = [] {
    Play play("log-errors-flood", kService);
    play.line(metric::kLogRecords, "log.severity=ERROR").line(metric::kLogTemplatesNew);
    (void)play.run(60, {0.0, 0.0});
    return play;
  };
  CHECK(fresh().run(10, {20.0, 0.2}) == Truth::yes);
  CHECK(fresh().run(10, {20.0, 0.0}) != Truth::yes);  // it has complained like that before
  CHECK(fresh().run(60, {0.6, 0.2}) == Truth::no);    // a few
  Play burst = fresh();
  (void)burst.run(5, {20.0, 0.2});
  CHECK(burst.run(30, {0.0, 0.0}) == Truth::no);
  Play always = fresh();
  (void)always.run(600, {20.0, 0.0});
  CHECK(always.run(30, {20.0, 0.2}) == Truth::no);
  Play at_start("log-errors-flood", kService);
  at_start.line(metric::kLogRecords, "log.severity=ERROR").line(metric::kLogTemplatesNew);
  CHECK(at_start.run(30, {20.0, 0.2}) != Truth::yes);
}

TEST_CASE("links: down after it was up, flapping, dropping") {
  Play down("network-link-down", kEth);
  down.line(metric::kLinkUp);
  CHECK(down.run(600, {0.0}) != Truth::yes);  // nobody ever plugged it in
  CHECK(down.run(60, {1.0}) == Truth::no);
  CHECK(down.run(20, {0.0}) == Truth::no);  // a switch that restarts is longer
  CHECK(down.run(60, {0.0}) == Truth::yes);
  CHECK(down.run(7200, {0.0}) == Truth::no);  // the new state

  Play flaps("network-flapping", kEth);
  flaps.line(metric::kCarrierChanges);
  (void)flaps.run(60, {0.0});
  CHECK(flaps.run(5, {0.4}) != Truth::yes);  // down and up
  CHECK(flaps.run(5, {1.2}) == Truth::yes);
  CHECK(flaps.run(900, {0.0}) == Truth::no);

  Play drops("network-drops", kEth);
  drops.line(metric::kNetworkDropped, "network.io.direction=receive")
      .line(metric::kNetworkPackets, "network.io.direction=receive");
  CHECK(drops.run(900, {1.0, 5.0}) == Truth::no);  // few packets say little
  CHECK(drops.run(900, {5.0, 1000.0}) == Truth::no);
  CHECK(drops.run(900, {50.0, 1000.0}) == Truth::yes);

  Play gateway("network-gateway-lost", kEth);
  gateway.line(metric::kGatewayReachable, "network.gateway.address=192.0.2.1");
  gateway.line(metric::kGatewayReachable, "network.gateway.address=fd00::1");
  CHECK(gateway.run(600, {1.0, 0.0}) != Truth::yes);  // the second was never there
  CHECK(gateway.run(60, {0.0, 0.0}) == Truth::yes);

  Play slow("network-link-slow", kEth);
  slow.line(metric::kLinkSpeed).line(metric::kLinkUp);
  CHECK(slow.run(600, {125e6, 1.0}) != Truth::yes);
  CHECK(slow.run(120, {12.5e6, 1.0}) == Truth::yes);
}

TEST_CASE("tcp, udp and the tables of the kernel") {
  Play overflow("tcp-listen-overflows");
  overflow.line(metric::kTcpEvents, "event=listen_overflow");
  CHECK(overflow.run(600, {0.0}) == Truth::no);
  CHECK(overflow.run(20, {1.0}) == Truth::yes);
  CHECK(overflow.run(120, {0.0}) == Truth::no);

  Play lost("tcp-retransmits");
  lost.line(metric::kTcpEvents, "event=retransmit").line(metric::kTcpSegments, "network.io.direction=transmit");
  CHECK(lost.run(600, {1.0, 2.0}) == Truth::no);  // an idle host with one dead peer
  CHECK(lost.run(600, {1.0, 1000.0}) == Truth::no);
  CHECK(lost.run(600, {100.0, 1000.0}) == Truth::yes);

  Play table("conntrack-nearly-full");
  table.line(metric::kLimitUtilization, "resource=conntrack");
  CHECK(table.run(60, {0.8}) == Truth::no);
  CHECK(table.run(60, {0.9}) == Truth::yes);
  CHECK(table.run(60, {0.8}) == Truth::yes);
  CHECK(table.run(60, {0.7}) == Truth::no);

  Play udp("udp-receive-full");
  udp.line(metric::kUdpEvents, "event=receive_buffer_full,network.type=ipv4");
  udp.line(metric::kUdpEvents, "event=receive_buffer_full,network.type=ipv6");
  CHECK(udp.run(300, {1.0, 0.0}) == Truth::no);
  CHECK(udp.run(300, {1.0, 2.0}) == Truth::yes);
}

TEST_CASE("an upstream that is reached late and in part; a copy over a bad line, and a burst, are none") {
  const auto fresh = [] {
    Play play("upstream-losing", {EntityKind::endpoint, "tcp://192.0.2.1:443"});
    play.line(metric::kTcpRetransmits, "role=client,service.name=shop.service");
    play.line(metric::kTcpConnectP99, "role=client,service.name=shop.service");
    return play;
  };
  CHECK(fresh().run(20, {2.0, 1.0}) == Truth::yes);
  CHECK(fresh().run(60, {0.1, 1.0}) == Truth::no);    // far away and slow
  CHECK(fresh().run(60, {20.0, 0.02}) == Truth::no);  // a copy
  Play burst = fresh();
  CHECK(burst.run(60, {0.0, 0.001}) == Truth::no);
  CHECK(burst.run(5, {30.0, 1.0}) == Truth::no);
  CHECK(burst.run(30, {0.0, 0.001}) == Truth::no);
}

TEST_CASE("connections that leak in every count, and a pool that was closed at once") {
  Play leak("service-close-wait-growing", kService);
  leak.line(metric::kServiceSockets, "network.connection.state=close_wait");
  CHECK(leak.run(30, {0.0}) == Truth::no);
  Truth truth = Truth::no;
  for (double count = 50; count <= 400; count += 50) truth = leak.run(5, {count});
  CHECK(truth == Truth::yes);
  CHECK(leak.run(30, {400.0}) == Truth::no);
  Play pool("service-close-wait-growing", kService);
  pool.line(metric::kServiceSockets, "network.connection.state=close_wait");
  CHECK(pool.run(30, {0.0}) == Truth::no);
  for (int i = 0; i < 12; ++i) CHECK(pool.run(5, {250.0}) == Truth::no);
}

TEST_CASE("limits, each where it belongs") {
  Play other("limit-nearly-reached");
  other.line(metric::kLimitUtilization, "resource=keys");
  CHECK(other.run(120, {0.95}) == Truth::yes);
  const auto parsed = *detect::parse_condition(when("limit-nearly-reached")).condition;
  const auto looks_at = [&](std::string_view resource) {
    return parsed.refs[0].matches("hostmedic.limit.utilization", "resource=" + std::string(resource));
  };
  for (const char* resource : {"pids", "threads", "file_handles", "conntrack", "tcp_memory", "neighbours_ipv4"})
    CHECK_FALSE(looks_at(resource));
  CHECK(looks_at("semaphore_sets"));
  Play tasks("limit-processes");
  tasks.line(metric::kLimitUtilization, "resource=pids").line(metric::kLimitUtilization, "resource=threads");
  CHECK(tasks.run(30, {0.5, 0.5}) == Truth::no);
  CHECK(tasks.run(30, {0.5, 0.95}) == Truth::yes);

  Play blocked("processes-blocked");
  blocked.line(metric::kThreadsBlockedAge).line(metric::kThreadsBlocked);
  CHECK(blocked.run(600, {5000.0, 1.0}) == Truth::no);  // a driver's thread that is parked
  CHECK(blocked.run(600, {3.0, 30.0}) == Truth::no);    // a busy disk
  CHECK(blocked.run(600, {300.0, 30.0}) == Truth::yes);
}

TEST_CASE("the clock: lost is not the same as never had") {
  Play lost("clock-lost");
  lost.line(metric::kClockSynchronized);
  CHECK(lost.run(3600, {0.0}) != Truth::yes);
  CHECK(lost.run(600, {1.0}) == Truth::no);
  CHECK(lost.run(1000, {0.0}) == Truth::no);  // the service restarts
  CHECK(lost.run(600, {0.0}) == Truth::yes);
  Play off("clock-off");
  off.line(metric::kClockOffset);
  CHECK(off.run(600, {-0.01}) == Truth::no);
  CHECK(off.run(600, {-0.5}) == Truth::yes);
  Play away("clock-set-away");
  away.line(metric::kClockOffset);
  CHECK(away.run(600, {0.5}) == Truth::no);  // slewed away in minutes
  CHECK(away.run(10, {-600.0}) == Truth::yes);
  CHECK(away.run(10, {0.0}) == Truth::no);  // set back
}

TEST_CASE("hardware: hot, and memory that fails") {
  Play hot("hardware-overheating");
  hot.line(metric::kTemperatureUtilization, "hw.id=a").line(metric::kTemperatureUtilization, "hw.id=b");
  CHECK(hot.run(300, {0.8, 0.85}) == Truth::no);
  CHECK(hot.run(300, {0.8, 0.97}) == Truth::yes);
  Play fan("hardware-fan-stopped");
  fan.line(metric::kFanSpeed, "hw.id=1")
      .line(metric::kFanSpeed, "hw.id=2")
      .line(metric::kTemperatureUtilization, "hw.id=a");
  (void)fan.run(300, {20.0, 0.0, 0.5});
  CHECK(fan.run(300, {20.0, 0.0, 0.9}) != Truth::yes);  // nothing is plugged in there
  CHECK(fan.run(300, {0.0, 0.0, 0.5}) == Truth::no);    // cool: it may stand
  CHECK(fan.run(300, {0.0, 0.0, 0.9}) == Truth::yes);
  Play flips("hardware-memory-corrected");
  flips.line(metric::kHardwareErrors, "error.type=corrected,hw.id=mc0");
  CHECK(flips.run(600, {0.001}) != Truth::yes);
  CHECK(flips.run(60, {0.4}) == Truth::yes);
}

TEST_CASE("services: loops, limits and leaks") {
  Play loop("service-restarting", kService);
  loop.line(metric::kServiceRestarts);
  CHECK(loop.run(600, {0.0}) != Truth::yes);
  CHECK(loop.run(5, {1.0}) != Truth::yes);  // somebody restarted it a few times
  CHECK(loop.run(5, {0.4}) == Truth::yes);

  Play limited("service-memory-limited", kService);
  limited.line(metric::kServiceMemoryUtilization).line(metric::kServicePressureStall, "kind=some,resource=memory");
  CHECK(limited.run(300, {0.99, 0.0}) == Truth::no);  // full of cached files
  CHECK(limited.run(300, {0.99, 0.3}) == Truth::yes);
  CHECK(limited.run(300, {0.5, 0.0}) == Truth::no);

  Play throttled("service-throttled", kService), in_test("service-throttled", kService, "testing");
  throttled.line(metric::kServiceThrottledTime);
  in_test.line(metric::kServiceThrottledTime);
  CHECK(throttled.run(600, {0.7}) == Truth::yes);
  CHECK(in_test.run(600, {0.7}) == Truth::no);

  Play waits("service-close-wait", kService);
  waits.line(metric::kServiceSockets, "network.connection.state=close_wait");
  CHECK(waits.run(900, {300.0}) == Truth::no);  // many, and always so many
  double level = 300;
  Truth truth = Truth::no;
  for (int i = 0; i < 300; ++i) truth = waits.run(5, {level += 1});
  CHECK(truth == Truth::yes);

  Play upstream("service-connects-failing", kService);
  upstream.line(metric::kTcpConnectFailures, "role=client").line(metric::kTcpConnections, "role=client");
  CHECK(upstream.run(600, {0.05, 0.0}) == Truth::no);
  CHECK(upstream.run(600, {2.0, 10.0}) == Truth::no);
  CHECK(upstream.run(600, {2.0, 1.0}) == Truth::yes);
}

TEST_CASE("requests: what fails and what is slow") {
  const auto errors = [](std::string stage) {
    Play play("http-errors", kService, std::move(stage));
    play.line(metric::kHttpRequests, "http.response.status_code=2xx,network.local.port=80");
    play.line(metric::kHttpRequests, "http.response.status_code=5xx,network.local.port=80");
    return play;
  };
  Play live = errors("production");
  CHECK(live.run(300, {100.0, 1.0}) == Truth::no);
  CHECK(live.run(300, {0.1, 0.1}) == Truth::no);  // one failure in ten seconds
  CHECK(live.run(300, {100.0, 10.0}) == Truth::yes);
  CHECK(live.run(20, {std::nullopt, std::nullopt}) == Truth::unknown);
  CHECK(live.run(30, {100.0, 0.0}) != Truth::no);
  CHECK(live.run(60, {100.0, 0.0}) == Truth::no);
  CHECK(errors("test").run(300, {100.0, 10.0}) == Truth::no);

  Play slow("http-slower-than-usual", kService);
  slow.line(metric::kHttpDurationP99, "network.local.port=80").line(metric::kHttpRequests, "network.local.port=80");
  CHECK(slow.run(6.2 * 3600, {0.2, 50.0}) == Truth::no);
  CHECK(slow.run(120, {0.4, 50.0}) == Truth::no);
  CHECK(slow.run(600, {2.0, 50.0}) == Truth::yes);
}

TEST_CASE("checks, certificates and logs") {
  Play check("check-failing", kService);
  check.line(metric::kCheckUp, "check.id=a").line(metric::kCheckUp, "check.id=b");
  CHECK(check.run(60, {1.0, 1.0}) == Truth::no);
  CHECK(check.run(20, {1.0, 0.0}) == Truth::no);  // a reload
  CHECK(check.run(60, {1.0, 0.0}) == Truth::yes);
  CHECK(check.run(20, {1.0, std::nullopt}) == Truth::unknown);
  CHECK(check.run(20, {1.0, 1.0}) == Truth::no);

  constexpr double kDay = 86400;
  const auto expires = [](const char* id, double left) {
    Play play(id, {EntityKind::certificate, "/etc/tls/a.crt"});
    play.line(metric::kCertificateExpiry);
    return play.run(10, {left});
  };
  CHECK(expires("certificate-month", 29 * kDay) == Truth::no);
  CHECK(expires("certificate-month", 27 * kDay) == Truth::yes);
  CHECK(expires("certificate-fortnight", 13 * kDay) == Truth::yes);
  CHECK(expires("certificate-days", 4 * kDay) == Truth::no);
  CHECK(expires("certificate-expired", -5) == Truth::yes);
  CHECK(expires("certificate-expired", 5) == Truth::no);
  Play shown("check-certificate-days", {EntityKind::endpoint, "https://a"});
  shown.line(metric::kCheckCertificateExpiry);
  const double now = static_cast<double>(test::Stream::kEpochNs) * 1e-9;
  CHECK(shown.run(10, {now + 5 * kDay}) == Truth::no);
  CHECK(shown.run(10, {now + 2 * kDay}) == Truth::yes);

  Play burst("log-errors-burst", kService);
  burst.line(metric::kLogRecords, "log.severity=ERROR");
  CHECK(burst.run(3 * 3600, {5.0}) == Truth::no);  // who always complains is not heard
  CHECK(burst.run(3 * 3600, {0.05}) == Truth::no);
  CHECK(burst.run(60, {20.0}) == Truth::yes);
}

TEST_CASE("the agent about itself") {
  Play budget("agent-over-budget", {EntityKind::agent, "probe"});
  budget.line(metric::kAgentBudgetLevel);
  CHECK(budget.run(3600, {1.0}) == Truth::no);
  CHECK(budget.run(3600, {4.0}) == Truth::yes);
  Play lost("agent-events-lost", {EntityKind::agent, "probe.process"});
  lost.line(metric::kBpfDropped, "reason=rate").line(metric::kBpfDropped, "reason=ring_buffer");
  CHECK(lost.run(600, {100.0, 1.0}) == Truth::no);  // a build
  CHECK(lost.run(600, {1.0, 100.0}) == Truth::yes);
}

TEST_CASE("a mount that says nothing for seconds is unreachable until it answers or goes") {
  const auto rule = std::ranges::find(shipped().event_rules, "filesystem-silent", &detect::EventRule::id);
  REQUIRE(rule != shipped().event_rules.end());
  CHECK(rule->incident_kind == "filesystem.unreachable");
  CHECK(rule->value == "unreachable");
  for (const char* over : {"reachable", "unmounted", "replaced"})
    CHECK(std::ranges::count(rule->clear_values, over) == 1);
}
