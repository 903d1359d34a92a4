// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/actuator/actuator_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

// What the effect below was asked.
struct Asked {
  int executed = 0;
  std::vector<std::string> undone;  // "key of the undo, was=value, what the plan says"
  OutcomeResult undo_result = OutcomeResult::done;
  std::string detail = "was";
};
Asked asked;

const EffectInfo kLimit{
    .action = "service.restart",
    .inspect =
        [](const Plan&, const EffectContext&, std::string& ret_text) {
          ret_text = "failed";
          return guard::TargetState::faulty;
        },
    .execute =
        [](const Order& order, const EffectContext&) {
          ++asked.executed;
          Outcome outcome;
          outcome.result = order.plan.get("then") == "fails" ? OutcomeResult::failed : OutcomeResult::done;
          outcome.details = {{asked.detail, "1024"}};
          outcome.text = "limited";
          return outcome;
        },
    .inside = nullptr,
    .undo =
        [](const Order& order, const Outcome& first, const EffectContext&) {
          asked.undone.push_back(order.key + " " + first.details.at(0).value + " " + order.plan.what);
          Outcome outcome;
          outcome.result = asked.undo_result;
          outcome.text = "as before";
          return outcome;
        }};
const EffectInfo* const kEffects[] = {&kLimit};

struct UndoBench : Bench {
  explicit UndoBench(const std::string& ledger) : Bench(ledger), path(ledger) {
    asked = {};
    policy.cooldown = std::chrono::seconds(0);
    policy.per_target.count = 100;
  }
  Actuator make(const std::string& boot = "boot 1") {
    return Actuator({.ledger = Ledger::open(path),
                     .manager = manager,
                     .policy = [this]() -> Result<guard::Policy> { return policy; },
                     .wall = [this] { return now; },
                     .uptime = [this] { return uptime; },
                     .stopping = [this] { return stopping.load(); },
                     .effect_program = "/usr/lib/hostmedic/hostmedic-effect",
                     .scratch = "/run/hostmedic-effects",
                     .effects = kEffects,
                     .boot = boot,
                     .release_command = {"/usr/lib/hostmedic/hostmedic-actuator", "--release"},
                     .cancel_fd = cancel.get()});
  }
  Order order(char digit, Duration lasts = {}) const {
    Order order = restart_order(digit);
    order.issued_at = now;
    order.expires_at = now + std::chrono::minutes(1);
    order.plan.lasts = lasts;
    return order;
  }
  // As the agent would ask for it.
  Order undo(char digit, const Order& first) const {
    Order order = this->order(digit);
    order.undoes = first.key;
    return order;
  }
  std::string path;
  Duration uptime = std::chrono::hours(1);
};

std::optional<Outcome> known(Actuator& actuator, const std::string& key) {
  ActuatorRequest query = request_of(RequestKind::query);
  query.key = key;
  return actuator.answer(query, kAgent, "").outcome;
}

bool says(const Outcome& outcome, const std::string& word) { return outcome.text.find(word) != std::string::npos; }

}  // namespace

TEST_CASE("an undo is carried out once, with the ledger's own plan and outcome") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  const Order first = bench.order('a');
  REQUIRE(actuator.carry_out(first).result == OutcomeResult::done);
  Order undo = bench.undo('b', first);
  undo.plan.what = "harmless";
  undo.plan.parameters = {{"was", "0"}};
  const Outcome outcome = actuator.carry_out(undo);
  CHECK(outcome.result == OutcomeResult::done);
  CHECK(outcome.text == "as before");
  REQUIRE(asked.undone.size() == 1);
  CHECK(asked.undone[0] == std::string(24, 'b') + " 1024 take back: restart nginx.service through systemd");
  CHECK(actuator.carry_out(undo).started_at == outcome.started_at);
  CHECK(asked.undone.size() == 1);
  const Outcome again = actuator.carry_out(bench.undo('c', first));
  CHECK(again.result == OutcomeResult::refused);
  CHECK(says(again, "was taken back by order " + undo.key));
  CHECK(asked.executed == 1);
  auto status = actuator.answer(request_of(RequestKind::status), kAgent, "").status;
  REQUIRE(status);
  REQUIRE(status->recent.size() == 2);
  CHECK(status->recent[1].undoes == first.key);
}

TEST_CASE("what cannot be taken back is not") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  const Order first = bench.order('a');
  Order undo = bench.undo('b', first);
  std::string word;
  SUBCASE("what the ledger does not know") { word = "has no order"; }
  SUBCASE("what changed nothing") {
    bench.policy.tier = Tier::observe;
    CHECK(actuator.carry_out(first).result == OutcomeResult::refused);
    bench.policy.tier = Tier::automatic;
    word = "has no order";  // refused orders are no rows
  }
  SUBCASE("another target") {
    REQUIRE(actuator.carry_out(first).result == OutcomeResult::done);
    undo.plan.target.name = "redis.service";
    word = "was service.restart on service:nginx.service";
  }
  SUBCASE("another action") {
    REQUIRE(actuator.carry_out(first).result == OutcomeResult::done);
    undo.plan.action = "journal.vacuum";
    word = "was service.restart";
  }
  SUBCASE("an undo") {
    REQUIRE(actuator.carry_out(first).result == OutcomeResult::done);
    REQUIRE(actuator.carry_out(bench.undo('c', first)).result == OutcomeResult::done);
    asked.undone.clear();
    undo.undoes = std::string(24, 'c');
    word = "took something back itself";
  }
  SUBCASE("what has not ended") {
    bench.stopping = true;
    (void)actuator.carry_out(first);
    bench.stopping = false;
    word = "has not ended";
  }
  SUBCASE("while everything is halted") {
    REQUIRE(actuator.carry_out(first).result == OutcomeResult::done);
    REQUIRE(actuator.answer(request_of(RequestKind::halt), kAgent, "").ok);
    word = "kill-switch";
  }
  const Outcome outcome = actuator.carry_out(undo);
  CHECK(outcome.result == OutcomeResult::refused);
  CHECK_MESSAGE(says(outcome, word), outcome.text);
  CHECK(asked.undone.empty());
}

TEST_CASE("an undo that failed may be asked for again, by another name") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  Order first = bench.order('a');
  first.plan.parameters = {};
  REQUIRE(actuator.carry_out(first).result == OutcomeResult::done);
  asked.undo_result = OutcomeResult::failed;
  CHECK(actuator.carry_out(bench.undo('b', first)).result == OutcomeResult::failed);
  asked.undo_result = OutcomeResult::done;
  CHECK(actuator.carry_out(bench.undo('c', first)).result == OutcomeResult::done);
  CHECK(asked.undone.size() == 2);
}

TEST_CASE("a human's undo is done, and the action is not taken again on that target") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  const Order first = bench.order('a');
  REQUIRE(actuator.carry_out(first).result == OutcomeResult::done);
  ActuatorRequest undo = request_of(RequestKind::undo);
  undo.key = first.key;
  undo.reason = "wrong one";
  CHECK(actuator.undo_order(undo, kAgent).error().code == ErrorCode::denied);
  const auto order = actuator.undo_order(undo, kApprover);
  REQUIRE(order);
  CHECK(order->undoes == first.key);
  const Outcome outcome = actuator.carry_out(*order);
  CHECK_MESSAGE(outcome.result == OutcomeResult::done, outcome.text);
  const Outcome again = actuator.carry_out(bench.order('d'));
  CHECK(again.result == OutcomeResult::refused);
  CHECK_MESSAGE(says(again, "human-undo"), again.text);
  CHECK(actuator.undo_order(undo, kRoot).error().code == ErrorCode::conflict);
}

TEST_CASE("a measure with an end is scheduled to be taken back, each by itself") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  const Order first = bench.order('a', std::chrono::minutes(10)), second = bench.order('b', std::chrono::minutes(30));
  REQUIRE(actuator.carry_out(first).result == OutcomeResult::done);
  REQUIRE(actuator.carry_out(second).result == OutcomeResult::done);
  REQUIRE(bench.manager.scheduled.size() == 2);
  CHECK(bench.manager.scheduled[0].name == "hostmedic-release-" + first.key + ".service");
  CHECK(bench.manager.scheduled[0].argv ==
        std::vector<std::string>{"/usr/lib/hostmedic/hostmedic-actuator", "--release", first.key});
  CHECK(bench.manager.scheduled[1].name != bench.manager.scheduled[0].name);
  CHECK_FALSE(actuator.waits());

  ActuatorRequest release = request_of(RequestKind::release);
  release.key = first.key;
  CHECK_FALSE(actuator.undo_order(release, kAgent));
  const auto order = actuator.undo_order(release, kRoot);
  REQUIRE(order);
  CHECK(actuator.carry_out(*order).result == OutcomeResult::done);
  CHECK(bench.manager.unscheduled == std::vector<std::string>{bench.manager.scheduled[0].name});
  CHECK(actuator.carry_out(bench.order('c')).result == OutcomeResult::done);  // the end of a measure is no human's undo
  CHECK(actuator.carry_out(bench.undo('d', second)).result == OutcomeResult::done);
  CHECK(bench.manager.unscheduled.size() == 2);
  release.key = std::string(24, 'c');
  CHECK(actuator.undo_order(release, kRoot).error().code == ErrorCode::conflict);  // has no end
}

TEST_CASE("what failed is not scheduled to be taken back") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  Order first = bench.order('a', std::chrono::minutes(10));
  first.plan.action = "service.restart";
  asked.undo_result = OutcomeResult::done;
  bench.policy.tier = Tier::observe;
  CHECK(actuator.carry_out(first).result == OutcomeResult::refused);
  CHECK(bench.manager.scheduled.empty());
}

TEST_CASE("a release that does not succeed is tried again, and not for ever") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  const Order first = bench.order('a', std::chrono::minutes(10));
  REQUIRE(actuator.carry_out(first).result == OutcomeResult::done);
  bench.now += std::chrono::minutes(10);
  bench.uptime += std::chrono::minutes(10);
  asked.undo_result = OutcomeResult::failed;
  ActuatorRequest release = request_of(RequestKind::release);
  release.key = first.key;
  for (std::size_t n = 1; n <= 3; ++n) {
    const auto order = actuator.undo_order(release, kRoot);
    REQUIRE(order);
    CHECK(actuator.carry_out(*order).result == OutcomeResult::failed);
    CHECK(bench.manager.scheduled.size() == std::min<std::size_t>(n + 1, 3));
    bench.now += std::chrono::minutes(5);
    bench.uptime += std::chrono::minutes(5);
  }
  CHECK(asked.undone.size() == 3);
}

TEST_CASE("after a death the ends are scheduled anew, and what is overdue is taken back") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  const Order early = bench.order('a', std::chrono::minutes(10)), late = bench.order('b', std::chrono::minutes(30));
  {
    Actuator actuator = bench.make();
    REQUIRE(actuator.carry_out(early).result == OutcomeResult::done);
    REQUIRE(actuator.carry_out(late).result == OutcomeResult::done);
  }
  bench.manager.scheduled.clear();
  bench.now += std::chrono::minutes(15);
  bench.uptime += std::chrono::minutes(15);
  SUBCASE("in the same boot") {
    SUBCASE("the clock goes on") {}
    SUBCASE("the clock was set back: what is over is over") { bench.now -= std::chrono::hours(1); }
    SUBCASE("the clock was set ahead: what is not over is not") { bench.now += std::chrono::hours(1); }
    Actuator actuator = bench.make();
    actuator.recover();
    REQUIRE(asked.undone.size() == 1);
    REQUIRE(bench.manager.scheduled.size() == 1);
    CHECK(bench.manager.scheduled[0].name == "hostmedic-release-" + late.key + ".service");
    CHECK(actuator.carry_out(bench.undo('c', early)).result == OutcomeResult::refused);
    actuator.recover();
    CHECK(asked.undone.size() == 1);
  }
  SUBCASE("after a boot, which ended them") {
    Actuator actuator = bench.make("boot 2");
    actuator.recover();
    CHECK(asked.undone.empty());
    CHECK(bench.manager.scheduled.empty());
    const Outcome outcome = actuator.carry_out(bench.undo('c', early));
    CHECK(outcome.result == OutcomeResult::refused);
    CHECK(says(outcome, "was taken back"));
    const auto status = actuator.answer(request_of(RequestKind::status), kAgent, "").status;
    REQUIRE(status);
    REQUIRE(status->recent.size() == 4);
    CHECK(status->recent[2].undoes == early.key);
    CHECK(status->recent[2].result == OutcomeResult::unnecessary);
    CHECK(says(*known(actuator, status->recent[2].key), "booted"));
  }
}

TEST_CASE("where nothing can be scheduled the end waits in the actuator") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  bench.manager.can_schedule = false;
  Actuator actuator = bench.make();
  const Order first = bench.order('a', std::chrono::minutes(10));
  REQUIRE(actuator.carry_out(first).result == OutcomeResult::done);
  CHECK(actuator.waits());
  CHECK_FALSE(actuator.due_release());
  bench.uptime += std::chrono::minutes(10);
  bench.now += std::chrono::minutes(10);
  const auto order = actuator.due_release();
  REQUIRE(order);
  CHECK_FALSE(actuator.due_release());  // not twice while it runs
  CHECK(actuator.carry_out(*order).result == OutcomeResult::done);
  CHECK_FALSE(actuator.waits());
}

TEST_CASE("a death during an undo is reported, and a human or the end of the measure may ask again") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  const Order first = bench.order('a', std::chrono::minutes(10));
  const Order undo = bench.undo('b', first);
  {
    Actuator actuator = bench.make();
    REQUIRE(actuator.carry_out(first).result == OutcomeResult::done);
    bench.stopping = true;
    CHECK(actuator.carry_out(undo).result == OutcomeResult::interrupted);
  }
  bench.stopping = false;
  Actuator actuator = bench.make();
  CHECK(says(actuator.carry_out(bench.undo('c', first)), "is being taken back"));
  actuator.recover();
  CHECK(known(actuator, undo.key)->result == OutcomeResult::interrupted);
  CHECK(actuator.carry_out(bench.undo('d', first)).result == OutcomeResult::done);
  CHECK(asked.undone.size() == 2);
}

TEST_CASE("a runbook that is not trusted does nothing until it is armed again") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  ActuatorRequest disarm = request_of(RequestKind::disarm);
  disarm.runbook = "service-restart";
  disarm.by = "the guard";
  disarm.reason = "3 of 4 failed";
  REQUIRE(actuator.answer(disarm, kAgent, "").ok);
  const auto status = actuator.answer(request_of(RequestKind::status), kApprover, "").status;
  REQUIRE(status);
  REQUIRE(status->disarmed.size() == 1);
  CHECK(status->disarmed[0].by == "the guard, told by uid 990 (hostmedic)");
  ActuatorRequest rearm = request_of(RequestKind::rearm);
  rearm.runbook = disarm.runbook;
  CHECK(actuator.answer(rearm, kAgent, "").code == ErrorCode::denied);
  CHECK(actuator.answer(rearm, kRoot, "").ok);
  CHECK(actuator.answer(request_of(RequestKind::status), kRoot, "").status->disarmed.empty());
}

TEST_CASE("measures in force are told with their end, and the chain with its head") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  REQUIRE(actuator.carry_out(bench.order('a', std::chrono::minutes(10))).result == OutcomeResult::done);
  const auto status = actuator.answer(request_of(RequestKind::status), kAgent, "").status;
  REQUIRE(status);
  REQUIRE(status->measures.size() == 1);
  CHECK(status->measures[0].key == std::string(24, 'a'));
  CHECK(status->measures[0].ends_at == kNow + std::chrono::minutes(10));
  const auto audit = actuator.answer(request_of(RequestKind::audit), kApprover, "").audit;
  REQUIRE(audit);
  CHECK(audit->broken.empty());
  CHECK(audit->links == 2);
  // Who is not root gets the same again for a while; root sees what is.
  REQUIRE(actuator.carry_out(bench.undo('b', restart_order('a'))).result == OutcomeResult::done);
  CHECK(actuator.answer(request_of(RequestKind::audit), kAgent, "").audit->links == 2);
  CHECK(actuator.answer(request_of(RequestKind::audit), kRoot, "").audit->links == 4);
}

TEST_CASE("the agent's words are so many in an hour, but the kill switch is always heard") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  int taken = 0;
  for (int i = 0; i < 300; ++i) {
    ActuatorRequest word = request_of(RequestKind::undone);
    word.target = {EntityKind::service, "unit" + std::to_string(i) + ".service"};
    word.action = "service.restart";
    taken += actuator.answer(word, kAgent, "").ok ? 1 : 0;
  }
  CHECK(taken == 200);
  CHECK(actuator.answer(request_of(RequestKind::halt), kAgent, "").ok);
  bench.now += std::chrono::hours(2);
  ActuatorRequest word = request_of(RequestKind::disarm);
  word.runbook = "logs";
  CHECK(actuator.answer(word, kAgent, "").ok);
}

TEST_CASE("measures that lie on each other are taken back from the top") {
  TempDir dir;
  UndoBench bench(dir / "ledger.db");
  asked.detail = "was_memory_max";
  Actuator actuator = bench.make();
  const Order lower = bench.order('a', std::chrono::minutes(10)), upper = bench.order('b', std::chrono::minutes(30));
  REQUIRE(actuator.carry_out(lower).result == OutcomeResult::done);
  REQUIRE(actuator.carry_out(upper).result == OutcomeResult::done);
  bench.now += std::chrono::minutes(10);
  bench.uptime += std::chrono::minutes(10);
  ActuatorRequest release = request_of(RequestKind::release);
  release.key = lower.key;
  const auto early = actuator.undo_order(release, kRoot);
  REQUIRE_FALSE(early);
  CHECK(early.error().message().find("lies under order " + upper.key) != std::string::npos);
  CHECK(says(actuator.carry_out(bench.undo('c', lower)), "lies under"));
  bench.manager.scheduled.clear();
  SUBCASE("the upper one is over") {
    bench.now += std::chrono::minutes(20);
    bench.uptime += std::chrono::minutes(20);
    release.key = upper.key;
    const auto order = actuator.undo_order(release, kRoot);
    REQUIRE(order);
    CHECK(actuator.carry_out(*order).result == OutcomeResult::done);
  }
  SUBCASE("after a death, when both are over") {
    bench.now += std::chrono::minutes(20);
    bench.uptime += std::chrono::minutes(20);
    Actuator next = bench.make();
    next.recover();
  }
  REQUIRE(asked.undone.size() == 1);
  REQUIRE(bench.manager.scheduled.size() == 1);  // then the lower one follows
  CHECK(bench.manager.scheduled[0].name == "hostmedic-release-" + lower.key + ".service");
  release.key = lower.key;
  CHECK(actuator.undo_order(release, kRoot));
}
