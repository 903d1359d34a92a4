// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_unit.h"

#include "actions/catalog/effect_child.h"
#include "actions/catalog/effect_table.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

TEST_CASE("every entry of the catalogue has an effect, and the other way round") {
  for (const ActionInfo* action : all_actions()) CHECK(find_effect(action->name) != nullptr);
  for (const EffectInfo* effect : all_effects()) CHECK(find_action(effect->action) != nullptr);
  CHECK(find_effect("host.reboot") == nullptr);
}

TEST_CASE("a plan survives the command line") {
  FakeManager manager;
  guard::Policy policy;
  Plan plan;
  plan.action = "log.rotate";
  plan.target = {EntityKind::filesystem, "/var/my logs"};
  plan.parameters = {{"path", "/var/my logs/a=b.log"}, {"keep", "0"}};
  plan.timeout = std::chrono::milliseconds(90'500);
  const auto argv =
      effect_command(plan, nullptr, {manager, policy, "/usr/lib/hostmedic/hostmedic-effect", "/run/scratch"});
  CHECK(argv[0] == "/usr/lib/hostmedic/hostmedic-effect");
  const std::vector<std::string_view> arguments(argv.begin() + 1, argv.end());
  const auto call = parse_effect_command(arguments);
  REQUIRE(call);
  CHECK(call->plan.action == plan.action);
  CHECK(call->plan.target == plan.target);
  CHECK(call->plan.timeout == plan.timeout);
  CHECK(call->plan.parameters == plan.parameters);
  CHECK(call->scratch == "/run/scratch");
}

TEST_CASE("a command line that is not ours is refused") {
  using Words = std::vector<std::string_view>;
  CHECK_FALSE(parse_effect_command(Words{}));
  CHECK_FALSE(parse_effect_command(Words{"log.rotate", "--target=filesystem:/", "--timeout=1s"}));
  CHECK_FALSE(parse_effect_command(Words{"log.rotate", "--target=nonsense", "--timeout=1s", "--scratch=/x"}));
  CHECK_FALSE(parse_effect_command(Words{"log.rotate", "--target=filesystem:/", "--timeout=1", "--scratch=/x"}));
  CHECK_FALSE(
      parse_effect_command(Words{"log.rotate", "--target=filesystem:/", "--timeout=1s", "--scratch=/x", "Bad"}));
  CHECK_FALSE(parse_effect_command(Words{"log.rotate", "--target=filesystem:/", "--timeout=1s", "--scratch=/x", "=v"}));
  Words many{"log.rotate", "--target=filesystem:/", "--timeout=1s", "--scratch=/x"};
  many.insert(many.end(), 2 * kMostAttributes + 2, "a=b");
  CHECK_FALSE(parse_effect_command(many));
}

TEST_CASE("the end of a unit becomes an outcome with what was measured") {
  Outcome outcome =
      outcome_of({true, "success", 0, "bytes_freed=12\ntext=moved it\nnot a detail\nBAD=1\nnote=a\x1b[31mb\n"});
  CHECK(outcome.result == OutcomeResult::done);
  CHECK(outcome.text == "moved it");
  REQUIRE(outcome.details.size() == 2);
  CHECK(outcome.details[0] == Attribute{"bytes_freed", "12"});
  CHECK(outcome.details[1] == Attribute{"note", "a?[31mb"});

  CHECK(outcome_of({true, "exit-code", kEffectUnnecessary, ""}).result == OutcomeResult::unnecessary);
  CHECK(outcome_of({true, "exit-code", kEffectFailed, ""}).result == OutcomeResult::failed);
  CHECK(outcome_of({true, "timeout", 0, "text=done"}).result == OutcomeResult::timed_out);
  CHECK(outcome_of({true, "cancelled", 0, ""}).result == OutcomeResult::interrupted);
  CHECK(outcome_of({true, "oom-kill", 0, ""}).result == OutcomeResult::failed);
  std::string flood;
  for (int i = 0; i < 100; ++i) flood += "k" + std::to_string(i) + "=v\n";
  CHECK(outcome_of({true, "success", 0, flood}).details.size() == kMostAttributes);
}

TEST_CASE("a unit whose name is taken is not run again") {
  FakeManager manager;
  guard::Policy policy;
  Order order;
  order.key = "0123456789abcdef01234567";
  manager.next_run = TransientResult{};
  CHECK(run_in_unit(order, {manager, policy, "/effect", "/s"}, {}).result == OutcomeResult::refused);
  manager.next_run = make_error(ErrorCode::timeout, "no answer from systemd");
  CHECK(run_in_unit(order, {manager, policy, "/effect", "/s"}, {}).result == OutcomeResult::timed_out);
}

TEST_CASE("a tool is run to its end or to its deadline") {
  CHECK(run_program({"/bin/sh", "-c", "exit 7"}, std::chrono::seconds(10)).value_or(-1) == 7);
  CHECK(run_program({"/bin/sh", "-c", "kill -9 $$"}, std::chrono::seconds(10)).value_or(-1) == 137);
  CHECK(run_program({"/bin/sh", "-c", "test -z \"$HOME$TERM\""}, std::chrono::seconds(10)).value_or(-1) == 0);
  const auto late = run_program({"/bin/sh", "-c", "sleep 60"}, std::chrono::milliseconds(20));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::timeout);
  CHECK_FALSE(run_program({"/no/such/program"}, std::chrono::seconds(1)));
}
