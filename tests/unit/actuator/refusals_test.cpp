// SPDX-License-Identifier: Apache-2.0
// What the actuator and its runner say no to.
#include <sys/stat.h>

#include "agent/actuator/local_runner.h"
#include "agent/actuator/serve.h"
#include "agent/actuator/systemd_bus.h"
#include "agent/actuator/wire.h"
#include "tests/unit/actuator/rig.h"

using namespace hostmedic;
using namespace hostmedic::test;

TEST_CASE("what changed nothing cannot be taken back") {
  Rig rig;
  Rig::how().result = OutcomeResult::unnecessary;
  const Order order = rig.order("nginx.service");
  REQUIRE(rig.actuator->carry_out(order).result == OutcomeResult::unnecessary);
  ActuatorRequest request = request_of(RequestKind::undo);
  request.key = order.key;
  const auto undo = rig.actuator->undo_order(request, kRoot);
  REQUIRE_FALSE(undo);
  CHECK(undo.error().code == ErrorCode::conflict);
  CHECK(undo.error().message().find("changed nothing") != std::string::npos);
  CHECK(Rig::how().undone == 0);
}

TEST_CASE("without systemd nothing of a unit is said to be known or done") {
  TempDir dir;
  LocalRunner runner({dir.path, -1, -1});
  const std::string unit = "nginx.service";
  CHECK(runner.status(unit).error().code == ErrorCode::unsupported);
  CHECK(runner.job(unit, UnitJob::restart, std::chrono::seconds(1)).error().code == ErrorCode::unsupported);
  CHECK(runner.numbers(unit, {}).error().code == ErrorCode::unsupported);
  CHECK(runner.set_numbers(unit, {}).error().code == ErrorCode::unsupported);
  CHECK(runner.names(unit, "Requires").error().code == ErrorCode::unsupported);
  CHECK(runner.freeze(unit, true).error().code == ErrorCode::unsupported);
  CHECK(runner.kill(unit, true, 15).error().code == ErrorCode::unsupported);
  CHECK(runner.schedule({}, std::chrono::seconds(1)).error().code == ErrorCode::unsupported);
  runner.unschedule(unit);
  CHECK(std::filesystem::is_empty(dir.path));
}

TEST_CASE("an order that takes back what has no proper name is refused") {
  ActuatorRequest request = request_of(RequestKind::execute);
  request.order = restart_order();
  REQUIRE(decode_request(encode(request)));
  request.order.undoes = "everything";
  CHECK_FALSE(decode_request(encode(request)));
}

TEST_CASE("an action of the catalogue that this actuator has no effect for is refused") {
  Rig rig;
  Order order = rig.order("nginx.service");
  order.plan.action = "service.reload";
  const Outcome outcome = rig.actuator->carry_out(order);
  CHECK(outcome.result == OutcomeResult::refused);
  CHECK(outcome.text == "no effect for 'service.reload'");
}

TEST_CASE("nothing is served where others could put files in the way of effects") {
  TempDir dir;
  for (const char* scratch : {"open", "file"}) {
    ActuatorOptions options;
    options.scratch = dir / scratch;
    if (options.scratch.ends_with("open")) {
      REQUIRE(::mkdir(options.scratch.c_str(), 0700) == 0);
      REQUIRE(::chmod(options.scratch.c_str(), 0777) == 0);
    } else {
      std::ofstream(options.scratch) << "x";
    }
    const Status served = serve_actuator(options, -1, -1);
    REQUIRE_FALSE(served);
    CHECK(served.error().code == ErrorCode::denied);
  }
}

TEST_CASE("without a bus and without systemd's own socket nothing is known of a unit") {
  if (::access("/run/systemd/private", F_OK) == 0) return;  // here there is one
  TempDir dir;
  ::setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + dir / "nobody").c_str(), 1);
  SystemdBus bus({dir.path, -1, -1});
  const auto status = bus.status("nginx.service");
  ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
  REQUIRE_FALSE(status);
  CHECK(status.error().message().find("no connection to systemd") != std::string::npos);
}

TEST_CASE("a measure that waits for its end, under another one that lasts longer, is not ended before it") {
  Rig rig;
  Rig::how().details = {{"was_memory_max", "1024"}};
  rig.manager.can_schedule = false;
  rig.policy.cooldown = {};
  rig.policy.per_target.count = 100;
  Order lower = rig.order("nginx.service"), upper = rig.order("nginx.service");
  lower.plan.lasts = std::chrono::minutes(10);
  upper.plan.lasts = std::chrono::minutes(30);
  REQUIRE(rig.actuator->carry_out(lower).result == OutcomeResult::done);
  REQUIRE(rig.actuator->carry_out(upper).result == OutcomeResult::done);
  rig.pass(std::chrono::minutes(11));
  CHECK(rig.actuator->waits());
  CHECK_FALSE(rig.actuator->due_release());
  rig.pass(std::chrono::minutes(20));
  const auto release = rig.actuator->due_release();
  REQUIRE(release);
  CHECK(release->undoes == upper.key);
}
