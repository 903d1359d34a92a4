// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_table.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;
using guard::TargetState;

namespace {
struct Fixture {
  FakeManager manager;
  guard::Policy policy;
  EffectContext context{manager, policy, "/usr/lib/hostmedic/hostmedic-effect", "/run/hostmedic-effects"};
  Order order;
  Fixture() {
    order.key = std::string(24, 'a');
    order.plan.action = "files.clean";
    order.plan.target = {EntityKind::filesystem, "/"};
    order.plan.parameters = {
        {"clean_root", "/srv/cache"}, {"min_age", "1h"}, {"free", "1GiB"}, {"most_files", "10"}, {"used_above", "0"}};
    order.plan.timeout = std::chrono::seconds(10);
  }
  TargetState inspect() {
    std::string text;
    return kFilesCleanEffect.inspect(order.plan, context, text);
  }
};
}  // namespace

TEST_CASE("files are removed below the policy's own directories only, and by a unit that may write nowhere else") {
  Fixture f;
  CHECK(f.inspect() == TargetState::unknown);
  CHECK(kFilesCleanEffect.execute(f.order, f.context).result == OutcomeResult::refused);
  f.policy.clean_roots = {"/srv", "/srv/cache/x"};
  CHECK(f.inspect() == TargetState::unknown);
  CHECK(kFilesCleanEffect.execute(f.order, f.context).result == OutcomeResult::refused);
  CHECK(f.manager.ran.empty());
  f.policy.clean_roots = {"/srv/cache"};
  CHECK(f.inspect() == TargetState::faulty);
  CHECK(kFilesCleanEffect.execute(f.order, f.context).result == OutcomeResult::done);
  REQUIRE(f.manager.ran.size() == 1);
  CHECK(f.manager.ran[0].openings.read_write_paths == std::vector<std::string>{"/srv/cache", "/run/hostmedic-effects"});
}

TEST_CASE("a filesystem with room is left alone") {
  Fixture f;
  f.policy.clean_roots = {"/srv/cache"};
  f.order.plan.parameters.back().value = "1";
  CHECK(f.inspect() == TargetState::recovered);
  f.order.plan.target.name = "/no/such/mount";
  CHECK(f.inspect() == TargetState::gone);
}
