// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {

constexpr const char* kYes = R"({"ok":true})";
constexpr const char* kRootOnly = R"({"ok":false,"code":"denied","message":"only root may resume; run it as root"})";
bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
std::function<ActuatorAnswer(const ActuatorRequest&)> taking() {
  return [](const ActuatorRequest&) { return accepted_by_actuator(); };
}

}  // namespace

TEST_CASE("the kill switch is set in both, and the actuator alone counts") {
  Host host;
  host.daemon = {{"halt", kYes}};
  host.actuator = [](const ActuatorRequest& request) {
    CHECK(request.kind == RequestKind::halt);
    CHECK(request.reason == "storm");
    CHECK(request.by == "uid 7 (tester)");
    return accepted_by_actuator();
  };
  CHECK(host.run({"halt", "--reason", "storm"}) == 0);
  REQUIRE(host.asked.size() == 2);
  CHECK(host.asked[0] == "actuator halt");
  CHECK(host.asked[1] == R"(daemon {"verb":"halt","reason":"storm"})");
  CHECK(contains(host.out.str(), "agent: halted"));
  CHECK(contains(host.out.str(), "actuator: halted"));

  host.daemon.clear();
  CHECK(host.run({"halt", "--reason", "storm"}) == 0);
  CHECK(contains(host.err.str(), "agent: the agent is not running"));

  host.daemon = {{"halt", kYes}};
  host.actuator = nullptr;
  CHECK(host.run({"halt"}) == 1);  // the one that acts was not told
  host.daemon.clear();
  CHECK(host.run({"halt"}) == 3);
}

TEST_CASE("resume needs both, and says who refused") {
  Host host;
  host.daemon = {{"resume", kYes}};
  host.actuator = taking();
  CHECK(host.run({"resume", "--quiet"}) == 0);
  CHECK(host.out.str().empty());
  host.daemon["resume"] = kRootOnly;
  CHECK(host.run({"resume"}) == 1);
  CHECK(contains(host.err.str(), "agent: only root may resume"));
  host.actuator = [](const ActuatorRequest&) { return refusal(make_error(ErrorCode::denied, "only root")); };
  CHECK(host.run({"resume"}) == 4);
}

TEST_CASE("maintenance is given to both with its end") {
  Host host;
  host.daemon = {{"maintenance", kYes}, {"maintenance-off", kYes}};
  WallTime until;
  std::string entity;
  host.actuator = [&](const ActuatorRequest& request) {
    until = request.until;
    entity = request.entity;
    return accepted_by_actuator();
  };
  CHECK(host.run({"maintenance", "on", "--for", "2h", "--entity", "service:nginx*", "--reason", "upgrade"}) == 0);
  CHECK(host.asked.back() ==
        R"(daemon {"verb":"maintenance","seconds":7200,"reason":"upgrade","entity":"service:nginx*"})");
  CHECK(until == test_now() + std::chrono::hours(2));
  CHECK(entity == "service:nginx*");
  CHECK(host.run({"maintenance", "off"}) == 0);
  CHECK(entity.empty());
  const std::size_t before = host.asked.size();
  for (const char* length : {"2", "0s", "32d", "-1h", "soon"}) {
    CAPTURE(length);
    CHECK(host.run({"maintenance", "on", "--for", length}) == 64);
  }
  CHECK(host.asked.size() == before);
}

TEST_CASE("approve asks, then tells the actuator, then the daemon") {
  Host host;
  host.daemon = {{"proposals", one_line(one_proposal())}, {"approve", kYes}};
  host.actuator = taking();
  std::string question;
  host.one_key = [&](const std::string& text) { return question = text, 'y'; };
  CHECK(host.run({"approve", "0011"}) == 0);
  REQUIRE(host.asked.size() == 3);
  CHECK(host.asked[1] == "actuator approve 0123456789abcdef01234567");
  CHECK(host.asked[2] == R"(daemon {"verb":"approve","id":"00112233aabbccdd"})");
  CHECK(question == "Approve this plan? (y)es, (n)o");
  CHECK(contains(host.out.str(), "by hand      $ logrotate --force /etc/logrotate.d/app\n"));
  CHECK(contains(host.out.str(), "exactly      log.rotate"));
  CHECK(contains(host.out.str(), "undo         cannot be undone\n"));
}

TEST_CASE("nothing is approved by a no, without a terminal, or when the actuator refuses") {
  Host host;
  host.daemon = {{"proposals", one_line(one_proposal())}, {"approve", kYes}};
  host.actuator = taking();
  host.one_key = [](const std::string&) { return 'n'; };
  CHECK(host.run({"approve", "0011"}) == 1);
  CHECK(host.asked.size() == 1);
  host.one_key = nullptr;
  CHECK(host.run({"approve", "0011"}) == 64);
  CHECK(host.asked.size() == 2);
  host.actuator = [](const ActuatorRequest&) { return refusal(make_error(ErrorCode::denied, "only root")); };
  CHECK(host.run({"approve", "0011", "--yes"}) == 4);
  CHECK(host.asked.back() == "actuator approve 0123456789abcdef01234567");
}

TEST_CASE("an approval that the daemon refuses is taken back from the actuator") {
  Host host;
  host.daemon = {{"proposals", one_line(one_proposal())},
                 {"approve", R"({"ok":false,"code":"conflict","message":"it recovered"})"}};
  host.actuator = taking();
  CHECK(host.run({"approve", "0011", "--yes"}) == 1);
  CHECK(host.asked.back() == "actuator reject 0123456789abcdef01234567");
  CHECK(contains(host.err.str(), "it recovered"));
}

TEST_CASE("an id that fits no proposal, and reject") {
  Host host;
  host.daemon = {{"proposals", one_line(one_proposal())}, {"reject", kYes}};
  CHECK(host.run({"approve", "ffff", "--yes"}) == 1);
  CHECK(contains(host.err.str(), "no plan of incident 'ffff' waits"));
  CHECK(host.run({"reject", "0011", "--reason", "not now"}) == 0);
  CHECK(host.asked.back() == R"(daemon {"verb":"reject","id":"00112233aabbccdd","reason":"not now"})");
}

TEST_CASE("reload passes on what the daemon refuses") {
  Host host;
  host.daemon = {{"reload", kYes}};
  CHECK(host.run({"reload"}) == 0);
  host.daemon["reload"] = R"({"ok":false,"code":"malformed","message":"hostmedic.toml:3:1: unknown key 'x'"})";
  CHECK(host.run({"reload"}) == 78);
  CHECK(contains(host.err.str(), "hostmedic.toml:3:1"));
  host.daemon["reload"] = R"({"ok":false,"code":"denied","message":"only root may reload; run it as root"})";
  CHECK(host.run({"reload"}) == 4);
}

TEST_CASE("wrong usage is told in one line, with the nearest verb") {
  Host host;
  CHECK(host.run({}) == 64);
  CHECK(host.run({"statsu"}) == 64);
  CHECK(contains(host.err.str(), "did you mean: hostmedic status"));
  CHECK(host.run({"list", "nonsense"}) == 64);
  CHECK(host.run({"explain"}) == 64);
  CHECK(host.run({"--help"}) == 0);
  CHECK(contains(host.out.str(), "Exit codes: 0 done"));
  CHECK(host.run({"version"}) == 0);
  CHECK(host.out.str() == "hostmedic 1.2.3 (build 4f1c)\n");
  CHECK(host.run({"version", "--json"}) == 0);
  CHECK(host.out.str() == "{\"version\":\"1.2.3\",\"build_id\":\"4f1c\",\"agent\":null}\n");
}

TEST_CASE("the version names the agent that runs where that is another") {
  Host host;
  host.daemon["status"] = R"({"ok":true,"status":{"version":"1.2.3"}})";
  CHECK(host.run({"version"}) == 0);
  CHECK(host.out.str() == "hostmedic 1.2.3 (build 4f1c)\n");
  host.daemon["status"] = R"({"ok":true,"status":{"version":"1.2.2\u001b[2J"}})";
  CHECK(host.run({"version"}) == 0);
  CHECK(host.out.str() ==
        "hostmedic 1.2.3 (build 4f1c)\nthe agent that runs is 1.2.2?[2J: systemctl restart hostmedic\n");
  CHECK(host.run({"version", "--json"}) == 0);
  CHECK(contains(host.out.str(), R"("agent":"1.2.2?[2J")"));
}

TEST_CASE("a deployment is marked on what it changed") {
  Host host;
  host.daemon = {{"deploy-mark", R"({"ok":true,"entities":["service:web.service","service:worker.service"]})"}};
  CHECK(host.run({"deploy", "mark", "shop", "--version", "2.1", "--entity", "service:w*"}) == 0);
  REQUIRE(host.asked.size() == 1);
  CHECK(host.asked[0] == R"(daemon {"verb":"deploy-mark","name":"shop","version":"2.1","entity":"service:w*"})");
  CHECK(host.out.str() == "Marked: shop 2.1 on service:web.service, service:worker.service\n");

  CHECK(host.run({"deploy", "mark", "shop", "--json"}) == 0);
  CHECK(host.asked.back() == R"(daemon {"verb":"deploy-mark","name":"shop","version":"","entity":"host"})");
  CHECK(host.out.str() == "{\"entities\":[\"service:web.service\",\"service:worker.service\"]}\n");

  host.daemon["deploy-mark"] = R"({"ok":false,"code":"not_found","message":"no entity that is known matches 'x*'"})";
  CHECK(host.run({"deploy", "mark", "shop", "--entity", "x*"}) == 1);
  CHECK(contains(host.err.str(), "no entity that is known matches"));
  CHECK(host.run({"deploy", "mark"}) == 64);
  CHECK(host.run({"deploy"}) == 64);
}

TEST_CASE("a plan of another host wants its aggregator, and who speaks") {
  Host host;
  host.daemon = {{"proposals", one_line(one_proposal())}};
  host.actuator = taking();
  CHECK(host.run({"approve", "0011", "--yes", "--fleet", "127.0.0.1:1"}) == 64);
  CHECK(contains(host.err.str(), "--certificate and --key"));
  const std::vector<std::string> me{"--certificate", "/dev/null", "--key", "/dev/null"};
  for (const auto& [address, says] :
       {std::pair("127.0.0.1:1", "refused"), std::pair("nowhere", "not like 127.0.0.1:8320")})
    for (const char* verb : {"approve", "reject"}) {
      std::vector<std::string> line{verb, "0011", "--fleet", address};
      line.insert(line.end(), me.begin(), me.end());
      CHECK(host.run(line) != 0);
      CHECK_MESSAGE(contains(host.err.str(), says), host.err.str());
    }
  CHECK(host.run({"list", "proposals", "--fleet", "nowhere"}) != 0);
  CHECK(host.asked.empty());  // neither the agent nor the actuator here has a part in it
}
