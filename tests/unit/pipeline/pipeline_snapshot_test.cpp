// SPDX-License-Identifier: Apache-2.0
// A pipeline that takes over a snapshot goes on as the one that it was taken of: the same incidents, orders and
// notices, in every bit. See tests/unit/detect/snapshot_test.cpp for detection.
#include <doctest/doctest.h>

#include "actions/action_state.h"
#include "agent/pipeline/pipeline.h"
#include "detect/health/snapshot.h"
#include "tests/unit/detect/snapshot_world.h"

using namespace hostmedic;
using test::RandomWorld;
using namespace std::chrono_literals;

namespace {

// All that is decided, as bytes.
struct Output final : PipelineOutput {
  std::string said;
  std::vector<Order> orders;
  std::size_t notices = 0;
  template <class T>
  void add(char what, const T& value) {
    detect::StateWriter writer;
    detect::put_whole(writer, value);
    said += what + writer.take();
  }
  void persist(const Incident& incident) override { add('p', incident); }
  void submit(const Order& order) override {
    add('o', order);
    orders.push_back(order);
  }
  void notify(const Incident& incident, const std::string& text) override {
    add('n', incident.id + text);
    ++notices;
  }
};

Step step_of(const std::string& action, Check::Subject subject) {
  Step step;
  step.action = action;
  step.verify.subject = subject;
  step.verify.series = metric::kFilesystemUtilization.name;
  step.verify.bound = 0.05;
  step.verify.settle = 2s;
  step.verify.within = 10s;
  return step;
}

std::vector<Runbook> runbooks() {
  Runbook restart, logs;
  restart.name = "restart";
  restart.kinds = {"service.failed", "service.crash_looping", "test.unit"};
  restart.steps = {step_of("service.restart", Check::Subject::unit_active),
                   step_of("service.restart", Check::Subject::incident_quiet)};
  logs.name = "logs";
  logs.kinds = {"filesystem.filling", "filesystem.full"};
  logs.steps = {step_of("journal.vacuum", Check::Subject::series_fell),
                step_of("log.rotate", Check::Subject::series_below)};
  // Asks for what comes and goes, and takes what most likely helps.
  Runbook asking = restart;
  asking.name = "asking";
  asking.when = "system.filesystem.utilization@\"filesystem:*\" > 20% for 3s";
  asking.requirements = {{"known(system.filesystem.utilization@\"filesystem:*\")", "else nothing is known"}};
  asking.choose = Choice::success;
  asking.steps[1].verify.subject = Check::Subject::condition;
  asking.steps[1].verify.condition = "max(system.filesystem.utilization@\"filesystem:*\", 4s) < 99%";
  return {asking, restart, logs};
}

guard::Policy policy_of(std::uint64_t seed) {
  guard::Policy policy;
  policy.tier = seed % 3 == 0 ? Tier::approve : Tier::automatic;
  if (seed % 4 == 1) policy.tiers.push_back({"*", "service:app*", Tier::suggest});
  policy.boot_grace = {};
  policy.confidence_act = policy.confidence_reversible = 0.1;
  policy.per_target = {100, 1h};
  policy.per_runbook = policy.per_host = {1000, 1h};
  policy.cooldown = 1s;
  policy.crash_loop_restarts = 100;
  return policy;
}

struct Ward {
  explicit Ward(std::uint64_t seed, std::vector<Runbook> books = runbooks())
      : pipeline(test::engine_of(), std::move(books), policy_of(seed), output) {}
  Ward(const Ward&) = delete;
  Output output;
  Pipeline pipeline;
};

// A frame, or what people, the actuator and the clock do in between; from a seed, but for what the pipeline asked for.
class Play {
 public:
  explicit Play(std::uint64_t seed) : world_(seed, 1, true), dice_(seed + 1000) {}
  void next(Ward& ward) {
    Frame frame = world_.next();
    constexpr std::string_view kStates[] = {"failed", "failed", "active", "activating"};
    if (below(10) == 0) world_.tell(frame, 1 + static_cast<std::size_t>(below(3)), kStates[below(4)]);
    const Now now{frame.mono, frame.wall};
    const auto& [who, why] = std::pair<std::string, std::string>("uid 0 (root)", "because");
    std::vector<std::string> ids;
    for (const auto& [id, incident] : ward.pipeline.incidents()) ids.push_back(id);
    const std::string id = ids.empty() ? "none" : ids[static_cast<std::size_t>(below(static_cast<int>(ids.size())))];
    ward.pipeline.frame(frame);
    answer(ward, now);
    switch (below(40)) {
      case 0: ward.pipeline.tick({now.mono + 100ms, now.wall + 100ms}); break;
      case 1: ward.pipeline.silence({now.mono + 200ms, now.wall + 200ms}); break;
      case 2: (void)ward.pipeline.reject(id, who, why, now); break;
      case 3: (void)ward.pipeline.acknowledge(id, who, why, now); break;
      case 4: ward.pipeline.set_brakes(brakes(now)); break;
      case 5: ward.pipeline.set_brakes({}); break;
      case 6: ward.pipeline.set_expected(expected(now)); break;
      case 7: (void)ward.pipeline.relearn("service:*"); break;
      default: break;
    }
    for (const Proposal& proposal : ward.pipeline.proposals())
      if (below(8) == 0)
        (void)ward.pipeline.approve(proposal.incident_id, who, proposal.others.empty() ? "" : proposal.others[0].key,
                                    now);
  }
  int below(int count) { return static_cast<int>(dice_.uniform() * count); }

 private:
  // Some orders are answered late, and some never.
  void answer(Ward& ward, Now now) {
    constexpr OutcomeResult kResults[] = {
        OutcomeResult::done,    OutcomeResult::done,      OutcomeResult::failed,      OutcomeResult::refused,
        OutcomeResult::expired, OutcomeResult::timed_out, OutcomeResult::unnecessary, OutcomeResult::interrupted};
    while (!ward.output.orders.empty() && below(3) == 0) {
      Outcome outcome;
      outcome.key = ward.output.orders.front().key;
      outcome.result = kResults[below(static_cast<int>(std::size(kResults)))];
      outcome.text = "so it went";
      if (outcome.result == OutcomeResult::refused)
        outcome.verdict.answers = {{"cool-down", Decision::hold, "too soon"}};
      ward.output.orders.erase(ward.output.orders.begin());
      if (below(6) != 0) ward.pipeline.outcome(outcome, now);
    }
  }
  Brakes brakes(Now now) {
    Brakes brakes;
    brakes.halted = below(3) == 0;
    brakes.halted_by = "uid 0 (root)";
    brakes.halted_at = now.wall;
    if (below(2) == 0) brakes.maintenance.push_back({now.wall + 1min, "uid 0 (root)", "work", "service:n*"});
    if (below(2) == 0) brakes.silences.push_back({now.wall + 30s, "uid 0 (root)", "quiet", "service:*", "*"});
    return brakes;
  }
  std::vector<detect::ExpectedEntry> expected(Now now) {
    detect::ExpectedEntry entry;
    entry.name = "load test";
    entry.shadow = below(2) == 0;
    entry.factor = 10;
    entry.schedule.from = now.wall;
    entry.schedule.until = now.wall + 1min;
    return {entry};
  }
  RandomWorld world_;
  test::Dice dice_;
};

}  // namespace

TEST_CASE("taken over at any moment, again and again, a pipeline goes on bit by bit") {
  std::size_t orders = 0, notices = 0, proposals = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    Ward original(seed);
    auto taken = std::make_unique<Ward>(seed);
    Play play(seed), again = play;
    test::Dice dice(seed);
    for (int i = 0; i < 400; ++i) {
      CAPTURE(i);
      original.output.said.clear();
      taken->output.said.clear();
      play.next(original);
      again.next(*taken);
      proposals += original.pipeline.proposals().size();
      const bool same = taken->output.said == original.output.said;
      REQUIRE(same);
      if (dice.uniform() > 0.25) continue;
      const std::string snapshot = *taken->pipeline.snapshot();
      auto next = std::make_unique<Ward>(seed);
      REQUIRE(next->pipeline.restore_snapshot(snapshot));
      const bool whole = *next->pipeline.snapshot() == snapshot;
      REQUIRE(whole);
      next->output.orders = taken->output.orders;
      taken = std::move(next);
    }
    CHECK(*taken->pipeline.snapshot() == *original.pipeline.snapshot());
    CHECK(taken->pipeline.wake_at() == original.pipeline.wake_at());
    notices += original.output.notices;
    for (const auto& [id, incident] : original.pipeline.incidents())
      orders += std::ranges::count(incident.timeline, TimelineKind::ordered, &TimelineEntry::kind);
  }
  CHECK(orders > 10);
  CHECK(notices > 10);
  CHECK(proposals > 0);
}

TEST_CASE("a treatment goes on with the steps that it was begun with, also in a snapshot taken after a reload") {
  Ward original(1);
  Play play(6);
  for (int i = 0; i < 200; ++i) play.next(original);
  std::vector<Runbook> changed = runbooks();
  changed[0].steps.pop_back();
  original.pipeline.reconfigure(nullptr, changed, policy_of(1));
  const std::string snapshot = *original.pipeline.snapshot();
  Ward taken(1, changed);
  REQUIRE(taken.pipeline.restore_snapshot(snapshot));
  CHECK(*taken.pipeline.snapshot() == snapshot);
}

TEST_CASE("a snapshot of other runbooks, another policy or other rules is refused, and nothing is changed") {
  Ward original(1);
  Play play(2);
  for (int i = 0; i < 100; ++i) play.next(original);
  const std::string snapshot = *original.pipeline.snapshot();
  const auto error_of = [&](Ward& ward) {
    const std::string before = *ward.pipeline.snapshot();
    const Status status = ward.pipeline.restore_snapshot(snapshot);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == ErrorCode::conflict);
    CHECK(*ward.pipeline.snapshot() == before);
    return status.error().message();
  };
  std::vector<Runbook> changed = runbooks();
  changed[1].steps[0].verify.within = 11s;
  Ward other_runbooks(1, changed), other_policy(3);
  CHECK(error_of(other_runbooks).ends_with(": runbooks"));
  CHECK(error_of(other_policy).ends_with(": policy"));
  Output output;
  Pipeline other_rules(*detect::Engine::make({}), runbooks(), policy_of(1), output);
  const Status status = other_rules.restore_snapshot(snapshot);
  REQUIRE_FALSE(status);
  CHECK(status.error().message().find("snapshot of the engine was taken under another") != std::string::npos);
}

TEST_CASE("a damaged snapshot of a pipeline is refused, and nothing is changed") {
  Ward original(1), fresh(1);
  Play play(3);
  for (int i = 0; i < 150; ++i) play.next(original);
  const std::string good = *original.pipeline.snapshot(), before = *fresh.pipeline.snapshot();
  for (std::size_t size = 0; size < good.size(); size += 1 + good.size() / 40) {
    std::string bad = good;
    bad[size] ^= 4;
    CHECK_FALSE(fresh.pipeline.restore_snapshot(bad));
    CHECK_FALSE(fresh.pipeline.restore_snapshot(good.substr(0, size)));
    // The same with a checksum that is right: the engine's part may be sound by itself.
    detect::StateWriter checksum;
    checksum.put(detect::hash_of(std::string_view(good).substr(0, size)));
    CHECK_FALSE(fresh.pipeline.restore_snapshot(good.substr(0, size) + checksum.bytes()));
  }
  CHECK(*fresh.pipeline.snapshot() == before);
  CHECK(fresh.pipeline.restore_snapshot(good));
}
