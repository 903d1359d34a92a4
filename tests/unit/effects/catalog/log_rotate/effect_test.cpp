// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "actions/catalog/effect_table.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;
using guard::TargetState;

namespace {

Plan plan_for(const TempDir& dir) {
  Plan plan;
  plan.action = "log.rotate";
  plan.target = {EntityKind::filesystem, "/"};
  plan.parameters = {
      {"path", dir / "app.log"}, {"root", dir.path}, {"writer_appends", "1"}, {"keep", "0"}, {"method", "copy"}};
  plan.timeout = std::chrono::seconds(60);
  return plan;
}
struct Setting {
  TempDir dir;
  FakeManager manager;
  guard::Policy policy;
  Setting() { policy.log_roots = {dir.path}; }
  EffectContext context() { return {manager, policy, "/usr/lib/hostmedic/hostmedic-effect", "/run/scratch"}; }
};

}  // namespace

TEST_CASE("log.rotate looks again before it acts") {
  Setting setting;
  std::string text;
  const auto inspect = [&] { return kLogRotateEffect.inspect(plan_for(setting.dir), setting.context(), text); };
  CHECK(inspect() == TargetState::gone);
  write(setting.dir / "app.log", std::string(100, 'x'));
  CHECK(inspect() == TargetState::recovered);
  write(setting.dir / "app.log", std::string(2 << 20, 'x'));
  CHECK(inspect() == TargetState::faulty);
  CHECK(text.find("app.log takes 2.0") != std::string::npos);
  setting.policy.log_roots = {"/elsewhere"};
  CHECK(inspect() == TargetState::unknown);
  std::filesystem::remove(setting.dir / "app.log");
  std::filesystem::create_symlink("/etc/passwd", setting.dir / "app.log");
  setting.policy.log_roots = {setting.dir.path};
  CHECK(inspect() == TargetState::unknown);
}

TEST_CASE("log.rotate asks for no more than its method needs") {
  Setting setting;
  Order order;
  order.key = "0123456789abcdef01234567";
  order.plan = plan_for(setting.dir);
  CHECK(kLogRotateEffect.execute(order, setting.context()).result == OutcomeResult::done);
  REQUIRE(setting.manager.ran.size() == 1);
  const TransientUnit unit = setting.manager.ran[0];
  CHECK(unit.name == "hostmedic-order-0123456789abcdef01234567.service");
  CHECK(unit.openings.read_write_paths == std::vector<std::string>{setting.dir.path, "/run/scratch"});
  CHECK(std::find(unit.openings.capabilities.begin(), unit.openings.capabilities.end(), "CAP_SETUID") ==
        unit.openings.capabilities.end());
  CHECK(unit.timeout == order.plan.timeout);

  order.plan.parameters[4].value = "auto";
  order.plan.parameters.push_back({"logrotate_config", "/etc/logrotate.d/nginx"});
  (void)kLogRotateEffect.execute(order, setting.context());
  const auto& more = setting.manager.ran.at(1).openings.capabilities;
  CHECK(std::find(more.begin(), more.end(), "CAP_SETUID") != more.end());

  for (const std::string& capability : more)
    CHECK(find_action("log.rotate")->capabilities.find(capability) != std::string::npos);

  setting.policy.log_roots = {"/var/log"};
  CHECK(kLogRotateEffect.execute(order, setting.context()).result == OutcomeResult::refused);
  CHECK(setting.manager.ran.size() == 2);
}

TEST_CASE("a root below the policy's own that is a link by now leads nowhere") {
  Setting setting;
  TempDir other;
  write(other / "app.log", std::string(2 << 20, 'x'));
  std::filesystem::create_directory_symlink(other.path, setting.dir / "sub");
  Order order;
  order.key = "0123456789abcdef01234567";
  order.plan = plan_for(setting.dir);
  order.plan.parameters[0].value = setting.dir / "sub/app.log";
  order.plan.parameters[1].value = setting.dir / "sub";
  std::string text;
  CHECK(kLogRotateEffect.inspect(order.plan, setting.context(), text) == TargetState::unknown);
  (void)kLogRotateEffect.execute(order, setting.context());
  REQUIRE(setting.manager.ran.size() == 1);
  const auto& argv = setting.manager.ran[0].argv;
  CHECK(std::find(argv.begin(), argv.end(), "root=" + setting.dir.path) != argv.end());
}

TEST_CASE("log.rotate inside its unit moves the log and refuses a link") {
  Setting setting;
  const std::string text = numbered_lines(3 << 20);
  write(setting.dir / "app.log", text);
  const InsideContext inside{setting.dir / "no-proc", setting.dir.path};
  CHECK(kLogRotateEffect.inside(plan_for(setting.dir), inside) == kEffectDone);
  const auto names = names_in(setting.dir.path);
  REQUIRE(names.size() == 2);
  CHECK(names[1].starts_with("app.log.2"));
  CHECK(names[1].ends_with("Z.gz"));
  CHECK(unpack(setting.dir / names[1]) + without_hole(read(setting.dir / "app.log")) == text);

  std::filesystem::remove(setting.dir / "app.log");
  CHECK(kLogRotateEffect.inside(plan_for(setting.dir), inside) == kEffectUnnecessary);
  std::filesystem::create_symlink(setting.dir / names[1], setting.dir / "app.log");
  CHECK(kLogRotateEffect.inside(plan_for(setting.dir), inside) == kEffectFailed);
}
