// SPDX-License-Identifier: Apache-2.0
// `hostmedic runbook`, and the choice among the steps of a proposal.
#include <doctest/doctest.h>

#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {

constexpr const char* kRunbook =
    R"({"ok":true,"runbook":{"name":"web","summary":"Restart it.","kinds":["service.failed"],
"entity":"service:web*","when":"system.uptime@host > 10m","require":[{"condition":"stage is test","why":"only here"}],
"not_while":["backup"],"cooldown_seconds":600,"touched_most":2,"choose":"success","ceiling":"auto","tier":"approve",
"tiers":[{"entity":"service:web1*","tier":"auto"}],"steps":[{"action":"service.restart","params":{"mode":"a"},
"undo":true,"on_failure":"next","verify":{"check":"condition","condition":"error_rate < 1%","settle_seconds":1,
"within_seconds":15}},{"action":"evidence.collect","verify":{"check":"none"}}],"notes":"one\ntwo\n","source":"/x.toml:1"}})";

constexpr const char* kRehearsal =
    R"({"ok":true,"incident_id":"00112233aabbccdd","incident":"web has failed","open":false,
"unfit":"","when":[{"condition":"a","why":"","holds":true,"text":"system.uptime@host 20m > 10m"}],
"require":[{"condition":"b","why":"only here","holds":null,"text":"not known: b"}],
"steps":[{"step":1,"action":"log.rotate","expected_success":0.67,"no_plan":"no file grows"},
{"step":2,"action":"service.restart","expected_success":0.8,"order":{"plan":{"what":"restart web","command":"systemctl restart web",
"undo":""}},"summary":"held by tier: a human has not approved it","verdict":{"decision":"hold","answers":[
{"rule":"tier","decision":"hold","reason":"a human has not approved it"},{"rule":"kill-switch","decision":"allow","reason":"not halted"}]}}]})";

// The proposal of one_proposal() with a second plan.
std::string two_plans() {
  std::string other(kOrderJson);
  other.replace(other.find("0123456789abcdef01234567"), 24, "fedcba9876543210fedcba98");
  return one_line(R"({"ok":true,"proposals":[{"incident_id":"00112233aabbccdd","order":)" + std::string(kOrderJson) +
                  R"(,"others":[)" + other + R"(],"expires_at_unix_nano":1795228200000000000,"refused":""}]})");
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const std::string kYes = R"({"ok":true})";

}  // namespace

TEST_CASE("runbooks as a table, with what came of them") {
  Host host;
  host.daemon = {{"list", R"({"ok":true,"items":[{"name":"web","kinds":["service.failed"],"steps":["service.restart"],)"
                          R"("tier":"auto","ceiling":"approve","helped":3.0,"failed":1.0},{"name":"new"}]})"}};
  CHECK(host.run({"runbook", "list"}) == 0);
  CHECK(contains(host.out.str(), "web      auto, at most approve  75% of 4   service.failed  service.restart"));
  CHECK(contains(host.out.str(), "not tried"));
  CHECK(host.asked.back() == R"(daemon {"verb":"list","what":"runbooks"})");
}

TEST_CASE("all that a runbook says") {
  Host host;
  host.daemon = {{"runbook", one_line(kRunbook)}};
  CHECK(host.run({"runbook", "show", "web"}) == 0);
  const std::string out = host.out.str();
  for (const char* part :
       {"treats       service.failed on service:web*\n", "when         system.uptime@host > 10m\n",
        "requires     stage is test (only here)\n", "not while    backup\n", "cool-down    10m0s\n",
        "touches      at most 2 entities\n", "tier here    approve, at most auto\n", "auto on service:web1*\n",
        "step 1       service.restart mode=a\n", "proved by: error_rate < 1%, within 15.0s and for 1.0s\n",
        "undone where it can be, else: next\n", "step 2       evidence.collect\n", "it only prepares",
        "from         /x.toml:1\n"}) {
    CAPTURE(part);
    CAPTURE(out);
    CHECK(contains(out, part));
  }
  host.daemon["runbook"] = R"({"ok":false,"code":"not_found","message":"there is no runbook 'wbe'"})";
  CHECK(host.run({"runbook", "show", "wbe"}) == 1);
}

TEST_CASE("what a runbook would do: conditions with numbers, steps with their command or why not, each rule") {
  Host host;
  host.daemon = {{"runbook-test", one_line(kRehearsal)}};
  CHECK(host.run({"runbook", "test", "web", "--incident", "0011"}) == 0);
  CHECK(host.asked.back() == R"(daemon {"verb":"runbook-test","name":"web","id":"0011"})");
  const std::string out = host.out.str();
  for (const char* part :
       {"Nothing is done.\n", "(it is over)", "holds: system.uptime@host 20m > 10m\n",
        "not known: not known: b (only here)\n", "does not apply: no file grows\n", "would restart web\n",
        "$ systemctl restart web\n", "guard: held by tier: a human has not approved it\n",
        "hold tier: a human has not approved it\n", "allow kill-switch: not halted\n"}) {
    CAPTURE(part);
    CAPTURE(out);
    CHECK(contains(out, part));
  }
  CHECK(host.run({"runbook", "test", "web"}) == 64);
}

TEST_CASE("one key approves the only plan that waits, and another takes a different step instead") {
  Host host;
  host.daemon = {{"proposals", two_plans()}, {"approve", kYes}};
  host.actuator = [](const ActuatorRequest&) { return accepted_by_actuator(); };
  std::string keys = "e1y";
  host.one_key = [&](const std::string&) {
    const char key = keys.front();
    keys.erase(0, 1);
    return key;
  };
  CHECK(host.run({"approve"}) == 0);
  CHECK(keys.empty());
  REQUIRE(host.asked.size() == 3);
  CHECK(host.asked[1] == "actuator approve fedcba9876543210fedcba98");
  CHECK(host.asked[2] == R"(daemon {"verb":"approve","id":"00112233aabbccdd","key":"fedcba9876543210fedcba98"})");
  keys = "n";
  CHECK(host.run({"approve"}) == 1);
  keys = "e9n";  // there is no ninth
  CHECK(host.run({"approve"}) == 1);
  CHECK(host.run({"approve", "--yes"}) == 64);
  CHECK(host.run({"approve", "0011", "--yes", "--action", "no.such"}) == 1);
  CHECK(contains(host.err.str(), "no such step"));
  host.daemon["proposals"] = kNoProposals;
  CHECK(host.run({"approve"}) == 1);
  CHECK(contains(host.err.str(), "no plan waits"));
}
