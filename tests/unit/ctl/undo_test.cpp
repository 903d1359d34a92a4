// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <fstream>

#include "agent/ctl/status.h"
#include "agent/store/ledger.h"
#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const std::string kKey = "0123456789abcdef01234567", kFirst = std::string(24, 'a'), kUndo = std::string(24, 'b');

ActuatorAnswer ended(OutcomeResult result, const std::string& text) {
  ActuatorAnswer answer = accepted_by_actuator();
  answer.outcome.emplace();
  answer.outcome->key = kUndo;
  answer.outcome->result = result;
  answer.outcome->text = text;
  return answer;
}

Order order_of(const std::string& key, const std::string& undo) {
  Order order;
  order.key = key;
  order.incident_id = "00112233aabbccdd";
  order.plan.action = "service.limit";
  order.plan.target = {EntityKind::service, "app.service"};
  order.plan.what = "limit it";
  order.plan.undo = undo;
  return order;
}

Outcome outcome_of(const std::string& key, OutcomeResult result = OutcomeResult::done) {
  Outcome outcome;
  outcome.key = key;
  outcome.result = result;
  return outcome;
}

// What the daemon says of an incident with these orders.
std::string incident_with(const std::vector<Order>& orders, const std::vector<Outcome>& outcomes) {
  boost::json::object answer = object_of(incident_answer());
  boost::json::array order_rows, outcome_rows;
  for (const Order& order : orders) order_rows.push_back(to_json_object(order));
  for (const Outcome& outcome : outcomes) outcome_rows.push_back(to_json_object(outcome));
  answer["orders"] = std::move(order_rows);
  answer["outcomes"] = std::move(outcome_rows);
  return boost::json::serialize(answer);
}

}  // namespace

TEST_CASE("an order is undone by its key, without the agent") {
  Host host;
  ActuatorRequest heard;
  host.actuator = [&](const ActuatorRequest& request) {
    heard = request;
    return ended(OutcomeResult::done, "MemoryMax is 1 GiB again");
  };
  CHECK(host.run({"undo", kKey, "--reason", "wrong unit"}) == 0);
  CHECK(host.asked == std::vector<std::string>{"actuator undo " + kKey});
  CHECK(heard.reason == "wrong unit");
  CHECK(heard.by == "uid 7 (tester)");
  CHECK(contains(host.out.str(), "Undone: MemoryMax is 1 GiB again\n"));
  CHECK(contains(host.out.str(), "not done again"));

  host.actuator = [&](const ActuatorRequest&) { return ended(OutcomeResult::failed, "systemd refused"); };
  CHECK(host.run({"undo", kKey}) == 1);
  CHECK(contains(host.err.str(), "not undone, failed: systemd refused"));
  CHECK(contains(host.err.str(), "still in force"));
  host.actuator = [&](const ActuatorRequest&) { return refusal(make_error(ErrorCode::denied, "not for this user")); };
  CHECK(host.run({"undo", kKey}) == 4);
  host.actuator = [&](const ActuatorRequest&) { return refusal(make_error(ErrorCode::conflict, "was taken back")); };
  CHECK(host.run({"undo", kKey}) == 1);
  CHECK(contains(host.err.str(), "was taken back"));
  host.actuator = nullptr;
  CHECK(host.run({"undo", kKey}) == 3);
}

TEST_CASE("an actuator that has something else at hand is asked again") {
  Host host;
  int asked = 0;
  host.actuator = [&](const ActuatorRequest&) {
    return ++asked < 3 ? ended(OutcomeResult::refused, std::string(kBusy)) : ended(OutcomeResult::done, "as before");
  };
  CHECK(host.run({"undo", kKey}) == 0);
  CHECK(asked == 3);
  CHECK(contains(host.out.str(), "Undone: as before\n"));
}

TEST_CASE("of an incident the last order that can be undone is meant") {
  Host host;
  std::string heard;
  host.actuator = [&](const ActuatorRequest& request) {
    heard = request.key;
    return ended(OutcomeResult::done, "as before");
  };
  const Order first = order_of(kFirst, "put back"), second = order_of(kKey, "put back");
  Order undo = order_of(kUndo, "");
  undo.undoes = kKey;
  SUBCASE("the last") {
    host.daemon = {{"incident", incident_with({first, second}, {outcome_of(kFirst), outcome_of(kKey)})}};
    CHECK(host.run({"undo", "0011"}) == 0);
    CHECK(heard == kKey);
  }
  SUBCASE("the last was undone") {
    host.daemon = {
        {"incident", incident_with({first, second, undo}, {outcome_of(kFirst), outcome_of(kKey), outcome_of(kUndo)})}};
    CHECK(host.run({"undo", "0011"}) == 0);
    CHECK(heard == kFirst);
  }
  SUBCASE("the last did nothing") {
    host.daemon = {
        {"incident", incident_with({first, second}, {outcome_of(kFirst), outcome_of(kKey, OutcomeResult::refused)})}};
    CHECK(host.run({"undo", "0011"}) == 0);
    CHECK(heard == kFirst);
  }
  SUBCASE("none can") {
    host.daemon = {{"incident", incident_with({order_of(kKey, "")}, {outcome_of(kKey)})}};
    CHECK(host.run({"undo", "0011"}) == 1);
    CHECK(contains(host.err.str(), "nothing that was done about incident 00112233aabbccdd can be undone"));
    CHECK(heard.empty());
  }
  SUBCASE("no such incident") {
    host.daemon = {{"incident", R"({"ok":false,"code":"not_found","message":"no incident '0011'"})"}};
    CHECK(host.run({"undo", "0011"}) == 1);
    CHECK(contains(host.err.str(), "hostmedic incidents --all"));
  }
}

TEST_CASE("rearm and reenable tell the actuator") {
  Host host;
  ActuatorRequest heard;
  host.actuator = [&](const ActuatorRequest& request) {
    heard = request;
    return accepted_by_actuator();
  };
  CHECK(host.run({"rearm", "filesystem-logs"}) == 0);
  CHECK(heard.kind == RequestKind::rearm);
  CHECK(heard.runbook == "filesystem-logs");
  CHECK(contains(host.out.str(), "armed again"));
  CHECK(host.run({"reenable", "service.restart", "service:nginx.service"}) == 0);
  CHECK(heard.target == Entity{EntityKind::service, "nginx.service"});
  const std::size_t before = host.asked.size();
  CHECK(host.run({"reenable", "service.restart", "nginx"}) == 64);
  CHECK(host.run({"reenable", "host.reboot", "host"}) == 64);
  CHECK(host.run({"rearm"}) == 64);
  CHECK(host.asked.size() == before);
}

TEST_CASE("audit says whether the ledger is whole, and what is not") {
  Host host;
  LedgerAudit audit{.orders = 41,
                    .open = 1,
                    .links = 95,
                    .first = 12,
                    .head = std::string(64, 'e'),
                    .at = test_now() - std::chrono::minutes(2),
                    .broken = ""};
  host.actuator = [&](const ActuatorRequest&) {
    ActuatorAnswer answer = accepted_by_actuator();
    answer.audit = audit;
    return answer;
  };
  CHECK(host.run({"audit"}) == 0);
  CHECK(contains(host.out.str(), "ledger       whole: every row is as it was written\n"));
  CHECK(contains(host.out.str(), "rows         41 orders, 1 of them without an end\n"));
  CHECK(contains(host.out.str(), "95 links from number 12 on; older ones were forgotten, the last 2m0s ago\n"));
  CHECK(contains(host.out.str(), "head         " + std::string(64, 'e')));
  audit.broken = "link 17 (order abc): its entry was changed";
  CHECK(host.run({"audit", "verify"}) == 1);
  CHECK(contains(host.out.str(), "changed by someone else: link 17 (order abc): its entry was changed"));
  CHECK(host.run({"audit", "--json"}) == 1);
  CHECK(object_of(host.out.str()).at("whole") == false);
  CHECK(host.run({"audit", "repair"}) == 64);
}

TEST_CASE("audit reads a file without the actuator and leaves it as it is") {
  Host host;
  const std::string path = host.dir.path + "/ledger.db";
  {
    auto ledger = Ledger::open(path);
    REQUIRE(ledger);
    REQUIRE(ledger->halt("ada", "storm", test_now()));
  }
  CHECK(host.run({"audit", "--file", path}) == 0);
  CHECK(contains(host.out.str(), "1 link, the last now"));
  CHECK(host.asked.empty());
  std::ofstream(path) << std::string(8192, 'x');
  CHECK(host.run({"audit", "--file", path}) == 69);
  CHECK(std::filesystem::file_size(path) == 8192);
  CHECK(host.run({"audit", "--file", host.dir.path + "/none.db"}) != 0);
}

TEST_CASE("the status tells root what is in force and what is not trusted") {
  ActuatorStatus status;
  status.disarmed = {{"logs", "the guard", "3 of 4 failed", test_now()}};
  status.measures = {{kKey,
                      "service.limit",
                      "limit app.service to 1 GiB",
                      {EntityKind::service, "app.service"},
                      test_now(),
                      test_now() + std::chrono::minutes(9)}};
  CHECK(render_actuator(status, {.colour = false, .width = 0, .now = test_now()}) ==
        "disarmed     runbook logs, by the guard: 3 of 4 failed; hostmedic rearm logs\n"
        "in force     limit app.service to 1 GiB, ends in 9m0s; hostmedic undo 0123456789abcdef01234567\n");
}
