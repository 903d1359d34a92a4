// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/status.h"

#include <doctest/doctest.h>

#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {

constexpr const char* kStatus =
    R"({"version":"0.1.0","pid":812,"started_unix_nano":1795220400000000000,"tier":"observe",
 "halted":false,"maintenance":[],"config_error":"","probe":{"connected":true,"text":"connected","frames":7200,
 "lost_frames":0,"last_frame_age_ms":400},"detect":{"entities":40,"series":310,"detectors":120,"bytes":1},
 "incidents":{"open":2,"suspicions":3,"proposals":1},"store":{"errors":0,"last_error":""},"actuator":{"last_error":""},
 "upstream":{"url":"https://agg:4318","state":"connected","pending":3,"oldest_unix_nano":1795227590000000000,"sent":57,
 "rejected":0,"dropped":0,"last_error":"","last_success_unix_nano":1795227595000000000},
 "usage":{"cpu_ns":72000000000,"resident_bytes":19000000,"switches":8000}})";
constexpr const char* kProbes = R"([{"name":"memory","state":"available","reason":""},
 {"name":"bpf","state":"unavailable","reason":"not here, because the kernel has no BTF"},
 {"name":"disk","state":"unavailable","reason":"sdb: no answer"}])";

std::string rendered(const std::string& status, std::size_t width = 100) {
  return render_status(object_of(status), boost::json::parse(kProbes).get_array(),
                       {.colour = false, .width = width, .now = test_now()});
}
std::string ok_answer(const std::string& key, const std::string& value) {
  return one_line(R"({"ok":true,")" + key + "\":" + value + "}");
}
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("the status of a healthy agent") {
  CHECK(rendered(kStatus) ==
        "hostmedic 0.1.0, running for 2h0m, pid 812\n"
        "tier         observe: detects and explains, changes nothing\n"
        "probe        connected, last frame 400ms ago\n"
        "             disk unavailable: sdb: no answer\n"
        "             1 cannot read anything on this host: hostmedic list probes\n"
        "incidents    2 open, 3 suspected, 1 wait for approval: hostmedic list proposals\n"
        "upstream     https://agg:4318: connected, last delivery 5.0s ago, 57 sent, 3 waiting, the oldest for\n"
        "             10.0s\n"
        "cost         1.00% of one CPU since its start, 18.1MiB resident, 40 entities, 310 series, 120\n"
        "             detectors\n");
}

TEST_CASE("brakes and troubles are told, and an answer without any field still gives a screen") {
  const std::string braked =
      replaced(replaced(kStatus, R"("halted":false,"maintenance":[])",
                        R"x("halted":true,"halted_by":"uid 0 (root): storm","maintenance":[
                        {"until_unix_nano":1795231200000000000,"by":"uid 0 (root)","reason":"upgrade","entity":"*"},
                        {"until_unix_nano":1,"by":"x","reason":"over","entity":"old"}])x"),
               R"("config_error":"")", R"("config_error":"hostmedic.toml:3:1: unknown key 'x'")");
  const std::string text = rendered(braked, 0);
  CHECK(text.find("halted       nothing is treated, by uid 0 (root): storm; hostmedic resume\n") != std::string::npos);
  CHECK(text.find("maintenance  *, ends in 1h0m, by uid 0 (root): upgrade\n") != std::string::npos);
  CHECK(text.find("config       the last reload was refused: hostmedic.toml:3:1: unknown key 'x'\n") !=
        std::string::npos);
  const std::string partly =
      rendered(replaced(kStatus, R"("tier":"observe")",
                        R"("tier":"observe","tier_rules":[{"runbook":"service-restart","entity":"*","tier":"auto"}])"),
               0);
  CHECK(partly.find("tier         observe by default; service-restart on *: auto\n") != std::string::npos);
  const std::string slowed =
      rendered(replaced(kStatus, R"("lost_frames":0)", R"("lost_frames":0,"budget_level":2)"), 0);
  CHECK(slowed.find("             looks less often, to keep the agent's budget (level 2 of 5)\n") != std::string::npos);
  const std::string bare = render_status({}, {}, {});
  CHECK(bare.find("tier         unknown\n") != std::string::npos);
  CHECK(bare.find("incidents    ? open\n") != std::string::npos);
}

TEST_CASE("what degrades the status and what does not") {
  const auto degraded = [](const std::string& status) { return status_degraded(object_of(status), {}); };
  CHECK_FALSE(degraded(kStatus));
  CHECK_FALSE(degraded(replaced(kStatus, R"("halted":false)", R"("halted":true)")));
  CHECK(degraded(replaced(kStatus, R"("connected":true)", R"("connected":false)")));
  CHECK(degraded(replaced(kStatus, R"("config_error":"")", R"("config_error":"x")")));
  CHECK(degraded(replaced(kStatus, R"("actuator":{"last_error":"")", R"("actuator":{"last_error":"x")")));
  CHECK(status_degraded(object_of(kStatus), boost::json::parse(R"([{"name":"disk","state":"late"}])").get_array()));
  CHECK_FALSE(status_degraded(object_of(kStatus), boost::json::parse(kProbes).get_array()));
}

TEST_CASE("hostile text does not reach the terminal") {
  const std::string hostile =
      rendered(replaced(kStatus, R"("version":"0.1.0")", R"("version":"1\u001b[2J\u0007\u202e")"));
  CHECK(hostile.find('\x1b') == std::string::npos);
  CHECK(hostile.find('\x07') == std::string::npos);
  CHECK(hostile.find("\xe2\x80\xae") == std::string::npos);
  CHECK(hostile.starts_with("hostmedic 1?[2J??"));
}

TEST_CASE("the verb: screen, JSON, and its exit codes") {
  Host host;
  host.daemon = {{"status", ok_answer("status", kStatus)}, {"list", ok_answer("items", kProbes)}};
  CHECK(host.run({"status"}) == 0);
  CHECK(host.out.str().starts_with("hostmedic 0.1.0, running"));
  CHECK(host.err.str().empty());
  CHECK(host.run({"status", "--json"}) == 0);
  CHECK(object_of(host.out.str())["pid"] == 812);
  host.daemon["status"] = ok_answer("status", replaced(kStatus, R"("connected":true)", R"("connected":false)"));
  CHECK(host.run({"status"}) == 1);
  host.daemon["status"] = R"({"ok":false,"code":"denied","message":"no"})";
  CHECK(host.run({"status"}) == 4);
  host.daemon["status"] = "garbage";
  CHECK(host.run({"status"}) == 69);
  host.daemon.clear();
  CHECK(host.run({"status"}) == 3);
  CHECK(host.out.str().empty());
  CHECK(host.err.str().find("the agent is not running") != std::string::npos);
  CHECK(host.err.str().find("systemctl start hostmedic") != std::string::npos);
}
