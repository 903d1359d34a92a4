// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/actuator.h"

#include <sys/resource.h>

#include <csignal>

#include "tests/unit/actuator/actuator_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

TEST_CASE("an order is carried out once, however often it is asked") {
  TempDir dir;
  Bench bench(dir / "ledger.db");
  Actuator actuator = Actuator(bench.make());
  const Outcome first = actuator.carry_out(restart_order());
  CHECK(first.result == OutcomeResult::done);
  CHECK(first.verdict.decision == Decision::allow);
  CHECK(bench.manager.restarts == 1);
  CHECK(bench.manager.released == std::vector<std::string>{"hostmedic-order-000000000000000000000000.service"});
  bench.manager.now.active_state = "failed";
  const Outcome second = actuator.carry_out(restart_order());
  CHECK(second.result == OutcomeResult::done);
  CHECK(second.started_at == first.started_at);
  CHECK(bench.manager.restarts == 1);
}

TEST_CASE("what may not be done is not done") {
  TempDir dir;
  Bench bench(dir / "ledger.db");
  Order order = restart_order();
  OutcomeResult expected = OutcomeResult::refused;
  std::string word;
  SUBCASE("expired") {
    order.expires_at = kNow;
    expected = OutcomeResult::expired;
  }
  SUBCASE("valid for ever") {
    order.expires_at = kNow + std::chrono::hours(24);
    word = "valid for more than";
  }
  SUBCASE("unknown action") {
    order.plan.action = "host.reboot";
    word = "no action";
  }
  SUBCASE("a target that is no service") {
    order.plan.target.name = "nginx.service; reboot";
    word = "plan";
  }
  SUBCASE("observe") {
    bench.policy.tier = Tier::observe;
    word = "tier";
  }
  SUBCASE("protected") {
    order.plan.target.name = "dbus.service";
    word = "never-touch";
  }
  SUBCASE("the daemon's word for an approval is not taken") {
    bench.policy.tier = Tier::approve;
    order.approved_by = "uid 0 (root)";
    word = "tier";
  }
  SUBCASE("recovered") {
    bench.manager.now.active_state = "active";
    expected = OutcomeResult::unnecessary;
    word = "nothing to do";
  }
  SUBCASE("gone") {
    bench.manager.now.load_state = "not-found";
    expected = OutcomeResult::unnecessary;
  }
  SUBCASE("systemd is at work") {
    bench.manager.now.active_state = "activating";
    word = "already at work";
  }
  SUBCASE("crash loop, counted by systemd") {
    bench.manager.now.restarts = 5;
    bench.manager.now.age = std::chrono::minutes(1);
    word = "crash-loop";
  }
  Actuator actuator = bench.make();
  const Outcome outcome = actuator.carry_out(order);
  CHECK(outcome.result == expected);
  CHECK(outcome.key == order.key);
  CHECK_MESSAGE(outcome.text.find(word) != std::string::npos, outcome.text);
  CHECK(bench.manager.restarts == 0);
}

TEST_CASE("restarts of long ago are no crash loop") {
  TempDir dir;
  Bench bench(dir / "ledger.db");
  bench.manager.now.restarts = 50;
  bench.manager.now.age = std::chrono::hours(5);
  Actuator actuator = bench.make();
  CHECK(actuator.carry_out(restart_order()).result == OutcomeResult::done);
}

TEST_CASE("what was held may be asked for again when a human has approved it") {
  TempDir dir;
  Bench bench(dir / "ledger.db");
  bench.policy.tier = Tier::approve;
  Actuator actuator = bench.make();
  const Order order = restart_order('a');
  CHECK(actuator.carry_out(order).result == OutcomeResult::refused);

  ActuatorRequest approve = request_of(RequestKind::approve);
  approve.key = order.key;
  approve.plan = order.plan;
  CHECK_FALSE(actuator.answer(approve, kAgent, "").ok);
  CHECK(actuator.carry_out(order).result == OutcomeResult::refused);
  CHECK(actuator.answer(approve, kApprover, "").ok);
  SUBCASE("in time") {
    const Outcome outcome = actuator.carry_out(order);
    CHECK(outcome.result == OutcomeResult::done);
    bool named = false;
    for (const RuleAnswer& answer : outcome.verdict.answers)
      named = named || answer.reason.find("ada") != std::string::npos;
    CHECK(named);
  }
  SUBCASE("taken back") {
    ActuatorRequest reject = approve;
    reject.kind = RequestKind::reject;
    CHECK(actuator.answer(reject, kRoot, "").ok);
    CHECK(actuator.carry_out(order).result == OutcomeResult::refused);
  }
  SUBCASE("too late") {
    bench.now = kNow + std::chrono::minutes(16);
    Order later = order;
    later.expires_at = bench.now + std::chrono::minutes(1);
    CHECK(actuator.carry_out(later).result == OutcomeResult::refused);
  }
  SUBCASE("for another plan under its key") {
    Order other = order;
    other.plan.target.name = "postgresql.service";
    CHECK(actuator.carry_out(other).result == OutcomeResult::refused);
  }
  SUBCASE("for another order") { CHECK(actuator.carry_out(restart_order('b')).result == OutcomeResult::refused); }
}

TEST_CASE("the limits count over a restart of the actuator") {
  TempDir dir;
  Bench bench(dir / "ledger.db");
  bench.policy.cooldown = std::chrono::seconds(0);
  bench.policy.crash_loop_restarts = 100;
  for (char digit : {'1', '2', '3'}) {
    Actuator actuator = bench.make();
    bench.manager.now.active_state = "failed";
    CHECK(actuator.carry_out(restart_order(digit)).result == OutcomeResult::done);
  }
  Actuator actuator = bench.make();
  bench.manager.now.active_state = "failed";
  const Outcome outcome = actuator.carry_out(restart_order('4'));
  CHECK(outcome.result == OutcomeResult::refused);
  CHECK(outcome.text.find("rate-limit-target") != std::string::npos);
}

TEST_CASE("a death between begin and finish is reported, not repeated") {
  TempDir dir;
  Bench bench(dir / "ledger.db");
  {
    Actuator actuator = bench.make();
    bench.manager.on_restart = [&] { bench.stopping = true; };  // it never comes to finish()
    CHECK(actuator.carry_out(restart_order()).result == OutcomeResult::interrupted);
    CHECK(bench.manager.released.empty());
  }
  bench.stopping = false;
  bench.manager.now.active_state = "failed";
  Actuator next = bench.make();
  OutcomeResult expected = OutcomeResult::interrupted;
  SUBCASE("its unit is gone") {}
  SUBCASE("systemd knows its unit") {
    bench.manager.adoptable = TransientResult{true, "success", 0, "text=moved\n"};
    expected = OutcomeResult::done;
  }
  SUBCASE("its unit ran into its limit") {
    bench.manager.adoptable = TransientResult{true, "timeout", 0, ""};
    expected = OutcomeResult::timed_out;
  }
  CHECK(next.carry_out(restart_order()).result == OutcomeResult::refused);  // begun, no end yet
  next.recover();
  CHECK(bench.manager.adopted.size() == 1);
  CHECK(bench.manager.released.size() == 1);
  ActuatorRequest query = request_of(RequestKind::query);
  query.key = restart_order().key;
  const ActuatorAnswer answer = next.answer(query, kAgent, "");
  REQUIRE(answer.outcome);
  CHECK(answer.outcome->result == expected);
  CHECK(next.carry_out(restart_order()).result == expected);
  CHECK(bench.manager.restarts == 1);
  next.recover();
  CHECK(bench.manager.adopted.size() == 1);
}

TEST_CASE("brakes stop, outlive a restart, and only root releases them") {
  TempDir dir;
  Bench bench(dir / "ledger.db");
  ActuatorRequest brake, release;
  std::string rule;
  SUBCASE("kill switch") {
    brake = request_of(RequestKind::halt);
    release = request_of(RequestKind::resume);
    rule = "kill-switch";
  }
  SUBCASE("maintenance") {
    brake = request_of(RequestKind::maintenance);
    brake.until = kNow + std::chrono::hours(1);
    brake.entity = "service:nginx*";
    release = request_of(RequestKind::maintenance_off);
    rule = "maintenance";
  }
  SUBCASE("undone by a human") {
    brake = request_of(RequestKind::undone);
    brake.target = restart_order().plan.target;
    brake.action = "service.restart";
    release = request_of(RequestKind::reenable);
    release.target = brake.target;
    release.action = brake.action;
    rule = "human-undo";
  }
  brake.by = "uid 1000 (ada)";
  brake.reason = "upgrade";
  {
    Actuator actuator = bench.make();
    CHECK_FALSE(actuator.answer(brake, kApprover, "").ok);
    CHECK(actuator.answer(brake, kAgent, "").ok);
  }
  Actuator actuator = bench.make();
  Outcome outcome = actuator.carry_out(restart_order());
  CHECK(outcome.result == OutcomeResult::refused);
  CHECK_MESSAGE(outcome.text.find(rule) != std::string::npos, outcome.text);
  CHECK_FALSE(actuator.answer(release, kAgent, "").ok);
  CHECK_FALSE(actuator.answer(release, kApprover, "").ok);
  CHECK(actuator.carry_out(restart_order()).result == OutcomeResult::refused);
  CHECK(actuator.answer(release, kRoot, "").ok);
  CHECK(actuator.carry_out(restart_order()).result == OutcomeResult::done);
}

TEST_CASE("the agent cannot soften a brake of root's") {
  TempDir dir;
  Bench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  ActuatorRequest window = request_of(RequestKind::maintenance);
  window.until = kNow + std::chrono::hours(2);
  window.reason = "upgrade";
  window.entity = "*";
  CHECK(actuator.answer(window, kRoot, "").ok);
  window.until = kNow + std::chrono::minutes(1);
  CHECK(actuator.answer(window, kAgent, "").ok);
  ActuatorRequest halt = request_of(RequestKind::halt);
  CHECK(actuator.answer(halt, kRoot, "").ok);
  halt.by = "nobody";
  CHECK(actuator.answer(halt, kAgent, "").ok);
  const ActuatorAnswer answer = actuator.answer(request_of(RequestKind::status), kAgent, "running-key");
  REQUIRE(answer.status);
  CHECK(answer.status->running == "running-key");
  CHECK(answer.status->brakes.halted_by == "uid 0 (root)");
  REQUIRE(answer.status->brakes.maintenance.size() == 1);
  CHECK(answer.status->brakes.maintenance[0].until == kNow + std::chrono::hours(2));
  CHECK(answer.status->policy.find("tier auto") == 0);
  window.until = kNow - std::chrono::minutes(1);
  CHECK_FALSE(actuator.answer(window, kRoot, "").ok);
}

TEST_CASE("a halt during an effect is passed on to the manager, one of before is not") {
  TempDir dir;
  Bench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  const auto cancelled = [&] {
    std::uint64_t count = 0;
    return ::read(bench.cancel.get(), &count, sizeof count) == sizeof count;
  };
  CHECK(actuator.answer(request_of(RequestKind::halt), kAgent, "").ok);
  CHECK(actuator.answer(request_of(RequestKind::resume), kRoot, "").ok);
  bool at_start = true;
  bool after_halt = false;
  bench.manager.on_restart = [&] {
    at_start = cancelled();
    (void)actuator.answer(request_of(RequestKind::halt), kAgent, "");  // from the other thread in real life
    after_halt = cancelled();
  };
  CHECK(actuator.carry_out(restart_order()).result == OutcomeResult::done);
  CHECK_FALSE(at_start);
  CHECK(after_halt);
}

TEST_CASE("without a ledger nothing is done") {
  TempDir dir;
  Bench bench(dir / "no/such/directory/ledger.db");
  Actuator actuator = bench.make();
  const Outcome outcome = actuator.carry_out(restart_order());
  CHECK(outcome.result == OutcomeResult::refused);
  CHECK(outcome.text.find("ledger") != std::string::npos);
  CHECK(bench.manager.restarts == 0);
  CHECK_FALSE(actuator.answer(request_of(RequestKind::halt), kRoot, "").ok);
  const ActuatorAnswer status = actuator.answer(request_of(RequestKind::status), kRoot, "");
  REQUIRE(status.status);
  CHECK(status.status->ledger != "");
  actuator.recover();
}

TEST_CASE("a ledger that could not be opened is used once it can be") {
  TempDir dir;
  Bench bench(dir / "late/ledger.db");
  Actuator actuator = bench.make();
  CHECK(actuator.carry_out(restart_order('1')).result == OutcomeResult::refused);
  std::filesystem::create_directory(dir / "late");
  CHECK(actuator.carry_out(restart_order('2')).result == OutcomeResult::done);
  CHECK(bench.manager.restarts == 1);
}

TEST_CASE("a ledger on a disk that fails is let go, and what it becomes meanwhile is found") {
  TempDir dir;
  std::filesystem::create_directory(dir / "place");
  Bench bench(dir / "place/ledger.db");
  Actuator actuator = bench.make();
  CHECK(actuator.carry_out(restart_order('1')).result == OutcomeResult::done);
  bench.manager.now.active_state = "failed";
  struct rlimit whole{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &whole) == 0);
  const auto before = ::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit none{1, whole.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &none) == 0);  // each write fails
  bench.now += std::chrono::minutes(10);
  const auto later = [&](char digit) {
    Order order = restart_order(digit);
    order.issued_at = bench.now;
    order.expires_at = bench.now + std::chrono::minutes(1);
    return order;
  };
  const Outcome refused = actuator.carry_out(later('2'));
  (void)::setrlimit(RLIMIT_FSIZE, &whole);
  (void)::signal(SIGXFSZ, before);
  CHECK(refused.result == OutcomeResult::refused);
  CHECK(refused.text.find("the ledger cannot be written") != std::string::npos);

  // Its disk is away, and then there again: who held the old file would write where nobody looks.
  std::filesystem::rename(dir / "place", dir / "away");
  CHECK(actuator.carry_out(later('3')).result == OutcomeResult::refused);
  CHECK(actuator.without_ledger());
  std::filesystem::rename(dir / "away", dir / "place");
  CHECK(actuator.carry_out(later('4')).result == OutcomeResult::done);
  CHECK(actuator.carry_out(restart_order('1')).result == OutcomeResult::done);  // it knows its rows
  CHECK(bench.manager.restarts == 2);
}

TEST_CASE("an end that the ledger could not take is recorded when it can, and holds no other order") {
  TempDir dir;
  Bench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  // As a full disk does it: what is there can be read, nothing can be added.
  struct rlimit whole{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &whole) == 0);
  const auto before = ::signal(SIGXFSZ, SIG_IGN);
  bench.manager.on_restart = [&] {
    const struct rlimit none{1, whole.rlim_max};
    (void)::setrlimit(RLIMIT_FSIZE, &none);
  };
  const Outcome first = actuator.carry_out(restart_order('1'));
  CHECK(first.result == OutcomeResult::done);
  CHECK(first.text.find("the ledger could not record it") != std::string::npos);
  CHECK(bench.manager.released.empty());
  CHECK(actuator.waits());
  bench.manager.now.active_state = "failed";
  CHECK(actuator.carry_out(restart_order('2')).result == OutcomeResult::refused);
  CHECK(bench.manager.restarts == 1);

  (void)::setrlimit(RLIMIT_FSIZE, &whole);
  (void)::signal(SIGXFSZ, before);
  bench.manager.on_restart = nullptr;
  bench.now += std::chrono::minutes(10);  // the target's pause is over
  Order third = restart_order('3');
  third.issued_at = bench.now;
  third.expires_at = bench.now + std::chrono::minutes(1);
  CHECK(actuator.carry_out(third).result == OutcomeResult::done);
  CHECK(bench.manager.restarts == 2);
  CHECK_FALSE(actuator.waits());
  const Outcome again = actuator.carry_out(restart_order('1'));
  CHECK(again.result == OutcomeResult::done);
  CHECK(again.text.find("could not record") == std::string::npos);
  CHECK(bench.manager.restarts == 2);
}

TEST_CASE("a broken ledger starts halted") {
  TempDir dir;
  std::ofstream(dir / "ledger.db") << std::string(8192, 'x');
  Bench bench(dir / "ledger.db");
  Actuator actuator = bench.make();
  CHECK(actuator.carry_out(restart_order()).text.find("kill-switch") != std::string::npos);
  CHECK(actuator.answer(request_of(RequestKind::status), kRoot, "").status->ledger.find("quarantined") == 0);
}

TEST_CASE("without a policy nothing is done") {
  TempDir dir;
  Bench bench(dir / "ledger.db");
  Actuator actuator({.ledger = Ledger::open(dir / "ledger.db"),
                     .manager = bench.manager,
                     .policy = []() -> Result<guard::Policy> { return make_error(ErrorCode::denied, "writable"); },
                     .wall = [] { return kNow; },
                     .uptime = [] { return Duration(std::chrono::hours(1)); },
                     .stopping = [] { return false; },
                     .effect_program = "",
                     .scratch = "",
                     .effects = all_effects()});
  CHECK(actuator.carry_out(restart_order()).text.find("policy") != std::string::npos);
  CHECK(bench.manager.restarts == 0);
}

TEST_CASE("who may ask for what") {
  using enum RequestKind;
  for (int i = 0; i <= static_cast<int>(audit); ++i) {
    CHECK_FALSE(Actuator::allowed(static_cast<RequestKind>(i), Role::stranger));
    CHECK(Actuator::allowed(static_cast<RequestKind>(i), Role::root));
  }
  for (RequestKind kind : {resume, maintenance_off, approve, reject, reenable, undo, release, rearm})
    CHECK_FALSE(Actuator::allowed(kind, Role::agent));
  for (RequestKind kind :
       {execute, halt, maintenance, undone, resume, maintenance_off, reenable, release, disarm, rearm, word})
    CHECK_FALSE(Actuator::allowed(kind, Role::approver));
  for (RequestKind kind : {execute, query, status, halt, maintenance, undone, disarm, audit, word})
    CHECK(Actuator::allowed(kind, Role::agent));
}
