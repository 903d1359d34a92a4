// SPDX-License-Identifier: Apache-2.0
// What the actuator and its runner say no to.
#include "agent/actuator/local_runner.h"
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
