// SPDX-License-Identifier: Apache-2.0
// An engine that takes over a snapshot goes on as the one that it was taken of, in every bit. This is the test that
// finds a member of state that is not kept: whoever adds one lets it matter in snapshot_world.h.
#include <doctest/doctest.h>

#include "agent/base/text.h"
#include "detect/correlate/signal.h"
#include "detect/health/snapshot.h"
#include "detect/model/state_io.h"
#include "detect/survey.h"
#include "tests/unit/detect/snapshot_world.h"

using namespace hostmedic;
using detect::Engine;
using detect::EngineConfig;
using detect::ModelMode;
using test::RandomWorld;

namespace {

// The processor's time, made up: what models cost decides when a breaker takes one out.
std::uint64_t work_done = 0;
Duration made_up_work() {
  work_done += 1 + work_done * 2862933555777941757ULL % 5;
  return std::chrono::microseconds(300) * static_cast<std::int64_t>(work_done % 1'000'000);
}

constexpr double kPeriods[] = {1, 60, 3600};

// Every detector, every model, conditions that hold and window, and little patience everywhere.
EngineConfig everything(std::uint64_t seed) {
  EngineConfig config = detect::default_engine_config();
  config.host_seed = 42;
  config.stage = "test";
  constexpr const MetricInfo* kMetrics[] = {&metric::kServiceMemoryUsage, &metric::kMemoryUtilization,
                                            &metric::kServiceCpuTime,     &metric::kLoad5,
                                            &metric::kFilesystemUsage,    &metric::kDiskLatencyP99};
  for (const detect::DetectorInfo* info : detect::all_detectors())
    for (const MetricInfo* metric : kMetrics) {
      detect::Rule rule;
      rule.id = std::string(info->name) + "-" + std::string(metric->name);
      rule.metric = metric->name;
      rule.detector = info->name;
      rule.incident_kind = "test." + std::string(info->name);
      for (const detect::ParamSpec& spec : info->params)
        for (const std::string_view soon : {"warmup", "adopt", "hold", "hold_clear", "bucket", "window", "least"})
          if (spec.name == soon)
            rule.params.emplace_back(spec.name, std::clamp(40 * kPeriods[seed % 3], spec.min, spec.max));
      config.rules.push_back(std::move(rule));
    }
  constexpr std::string_view kConditions[] = {
      "system.memory.utilization > 60% clear below 40% for 3s clear after 5s",
      "rate(hostmedic.service.cpu.time, 1m) > 20% and system.memory.utilization@host > 50% for 2s",
      "count(hostmedic.service.tasks.utilization@\"service:*\" > 70%) >= 2",
      "max(system.filesystem.utilization, 10m) > 80% or delta(system.filesystem.usage, 1h) > 1GiB",
      "any(system.cpu.time{cpu.mode=*} > 30% for 10s)"};
  for (const std::string_view when : kConditions) {
    detect::ConditionRule rule;
    rule.id = "condition-" + std::to_string(config.condition_rules.size());
    rule.when = when;
    rule.incident_kind = "test.condition";
    config.condition_rules.push_back(std::move(rule));
  }
  detect::ExpectedEntry nightly;
  nightly.name = "nightly";
  nightly.series = "system.*";
  nightly.factor = 20;
  nightly.schedule.cron = *detect::parse_cron("*/20 * * * *");
  nightly.schedule.length = std::chrono::minutes(5);
  config.expected.push_back(std::move(nightly));
  config.scoring.interval = std::chrono::seconds(static_cast<std::int64_t>(kPeriods[seed % 3]));
  config.scoring.warm_up = 60 * config.scoring.interval;
  config.scoring.suspicions_per_day = 100;
  constexpr ModelMode kModes[] = {ModelMode::serving, ModelMode::trial, ModelMode::shadow};
  int turn = static_cast<int>(seed);
  for (const std::string_view model : {"pca_residual", "gru_forecaster", "half_space_trees", "kmeans_netdata"})
    config.scoring.modes.emplace_back(model, kModes[turn++ % 3]);
  if (seed % 4 == 0) config.scoring.modes.emplace_back("random_cut_forest", ModelMode::serving);
  config.scoring.modes.emplace_back("behaviour", ModelMode::serving);
  if (seed % 2 == 0) config.scoring.stopwatch = made_up_work;
  return config;
}

struct Step {
  Frame frame;
  int deed = 0;
};
std::vector<Step> stream_of(std::uint64_t seed, int frames) {
  RandomWorld world(seed, kPeriods[seed % 3]);
  std::vector<Step> steps;
  for (int i = 0; i < frames; ++i) steps.push_back({world.next(), world.below(100)});
  return steps;
}

std::string bytes_of(const Incident& incident) {
  detect::StateWriter writer;
  detect::put_whole(writer, incident);
  return writer.take();
}

// One frame, and now and then what people do. Everything that is said about it.
std::string play(Engine& engine, const Step& step) {
  const detect::Changes changes = engine.step(step.frame);
  std::string text = join(changes.opened, ",") + "|" + join(changes.updated, ",") + "|" + join(changes.cleared, ",");
  for (const auto& [id, incident] : engine.incidents()) text += bytes_of(incident);
  std::vector<std::string> quiet;
  for (const auto& [id, incident] : engine.incidents())
    if (!incident.active) quiet.push_back(id);
  if (step.deed < 10)
    for (const std::string& id : quiet) engine.forget(id);
  if (step.deed == 11) engine.hold_learning({{"service:*", step.frame.wall + std::chrono::minutes(3)}, {"host", {}}});
  if (step.deed == 12) text += std::to_string(engine.relearn("service:n*"));
  if (step.deed == 14) {
    detect::ExpectedEntry once;
    once.name = "load test";
    once.entity = "service:*";
    once.shadow = step.frame.sequence % 2 == 0;
    once.factor = 50;
    once.schedule.from = step.frame.wall + std::chrono::seconds(10);
    once.schedule.until = step.frame.wall + std::chrono::hours(2);
    engine.set_expected({once});
  }
  if (step.deed == 15) engine.learn({EntityKind::service, "db.service"}, step.frame.sequence % 3 == 0);
  if (step.deed == 13 && !quiet.empty()) {
    Incident old = engine.incidents().at(quiet.front());
    engine.forget(old.id);
    old.active = true;
    engine.adopt(old);
  }
  return text;
}

std::unique_ptr<Engine> made(std::uint64_t seed) { return *Engine::make(everything(seed)); }

// What came to pass in a run, so that the test does not pass for want of events.
struct Seen {
  std::size_t opened = 0, suspicions = 0, trips = 0, findings = 0, storms = 0, joined = 0, flaps = 0, expected = 0;

  void add(const Engine& engine) {
    expected += engine.calendar().now().size();
    for (const auto& [id, incident] : engine.incidents()) {
      suspicions += incident.kind.ends_with(".unusual") ? 1 : 0;
      storms += incident.kind == detect::kSystemic ? 1 : 0;
      joined += incident.affected.size();
      flaps += static_cast<std::size_t>(incident.flaps);
    }
  }
};

}  // namespace

TEST_CASE("taken over at any frame, again and again, an engine goes on bit by bit") {
  Seen seen;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    const std::vector<Step> steps = stream_of(seed, seed % 4 == 0 ? 200 : 400);
    test::Dice dice(seed * 77);
    const auto original = made(seed);
    auto taken = made(seed);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      CAPTURE(i);
      const std::uint64_t work = work_done;
      const std::string said = play(*original, steps[i]);
      work_done = work;
      const bool same = play(*taken, steps[i]) == said;
      REQUIRE(same);
      seen.add(*original);
      if (dice.uniform() > 0.04) continue;
      const std::string snapshot = *taken->snapshot();
      taken = made(seed);
      REQUIRE(taken->restore_snapshot(snapshot));
      const bool whole = *taken->snapshot() == snapshot;
      REQUIRE(whole);
    }
    CHECK(*taken->snapshot() == *original->snapshot());
    CHECK(taken->lost_frames() == original->lost_frames());
    CHECK(taken->detector_count() == original->detector_count());

    seen.opened += original->incidents().size();
    seen.trips += original->breaker_trips();
    seen.findings += original->behaviour().model().totals().findings;
  }
  CHECK(seen.opened > 20);
  CHECK(seen.suspicions > 0);
  CHECK(seen.trips > 0);
  CHECK(seen.findings > 0);
  CHECK(seen.storms > 0);
  CHECK(seen.joined > 0);
  CHECK(seen.flaps > 0);
  CHECK(seen.expected > 0);
}

TEST_CASE("taken over while it runs, an engine forgets what it was") {
  const std::vector<Step> steps = stream_of(5, 300), others = stream_of(8, 300);
  const auto one = made(5), other = made(5);
  for (const Step& step : steps) (void)play(*one, step);
  for (const Step& step : others) (void)play(*other, step);
  const std::string snapshot = *one->snapshot();
  REQUIRE(other->restore_snapshot(snapshot));
  CHECK(*other->snapshot() == snapshot);
}

TEST_CASE("what is no snapshot of such an engine is refused, and nothing is changed") {
  const std::vector<Step> steps = stream_of(2, 200);
  const auto engine = made(2), fresh = made(2);
  for (const Step& step : steps) (void)play(*engine, step);
  const std::string good = *engine->snapshot(), before = *fresh->snapshot();

  const auto refused = [&](std::string_view bytes, ErrorCode code) {
    const Status status = fresh->restore_snapshot(bytes);
    return !status && status.error().code == code;
  };
  CHECK(refused("", ErrorCode::malformed));
  CHECK(refused(before.substr(0, 20), ErrorCode::malformed));
  for (std::size_t size = 0; size < good.size(); size += 1 + good.size() / 50)
    CHECK(refused(good.substr(0, size), ErrorCode::malformed));
  for (std::size_t at = 0; at < good.size(); at += 1 + good.size() / 50) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    CHECK(refused(bad, ErrorCode::malformed));
  }
  CHECK(*fresh->snapshot() == before);

  // With a checksum that is right, what it holds may still be impossible.
  const auto sealed = [](std::string bytes) {
    bytes.resize(bytes.size() - 8);
    detect::StateWriter writer;
    writer.put(detect::hash_of(bytes));
    return bytes + writer.bytes();
  };
  std::string newer = good;
  ++newer[4];
  CHECK(refused(sealed(newer), ErrorCode::unsupported));
  for (std::size_t size = 200; size < good.size(); size += 1 + good.size() / 30)
    CHECK(refused(sealed(good.substr(0, size)), ErrorCode::malformed));
  CHECK(*fresh->snapshot() == before);
  CHECK(fresh->restore_snapshot(good));
}

TEST_CASE("a snapshot of another configuration is refused, and the error says in what it differs") {
  const std::string snapshot = *made(1)->snapshot();
  const auto error_for = [&](auto change) {
    EngineConfig config = everything(1);
    change(config);
    const Status status = (*Engine::make(std::move(config)))->restore_snapshot(snapshot);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == ErrorCode::conflict);
    return status.error().message();
  };
  CHECK(error_for([](EngineConfig& c) { c.rules[3].params.emplace_back("hold", 7); }).ends_with(": rules"));
  CHECK(error_for([](EngineConfig& c) { c.event_rules.pop_back(); }).ends_with(": rules about events"));
  CHECK(error_for([](EngineConfig& c) { c.stage = "other"; }).ends_with(": conditions"));
  CHECK(error_for([](EngineConfig& c) { c.scoring.seed = 9; }).ends_with(": models"));
  CHECK(error_for([](EngineConfig& c) { c.quiet_after = {}; }).ends_with(": settings of detection"));
  CHECK(error_for([](EngineConfig& c) { c.expected.clear(); }).ends_with(": calendar"));
  CHECK(error_for([](EngineConfig& c) { c.host_seed = 1; }).ends_with(": host"));
}
