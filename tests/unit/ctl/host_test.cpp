// SPDX-License-Identifier: Apache-2.0
// check, config reference, list, doctor.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>

#include "agent/base/clock.h"
#include "agent/ctl/doctor.h"
#include "agent/ctl/list.h"
#include "agent/ctl/status.h"
#include "agent/net/authority.h"
#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
std::string write(const Host& host, const std::string& name, const std::string& text) {
  const std::string path = host.dir.path + "/" + name;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
  return path;
}
const Finding& find(const std::vector<Finding>& findings, std::string_view name) {
  for (const Finding& one : findings)
    if (one.name == name) return one;
  FAIL("no finding named " << name);
  return findings.front();
}

Facts healthy() {
  Facts facts;
  facts.now = test_now();
  facts.status.body = object_of(R"({"status":{"version":"0.1.0","halted":false,"probe":{"connected":true},
    "upstream":{"last_error":"","last_success_unix_nano":1795227595000000000}}})");
  facts.probes.body = object_of(R"({"items":[{"name":"memory","state":"available"}]})");
  ActuatorAnswer answer = accepted_by_actuator();
  answer.status.emplace();
  answer.status->policy = "tier observe";
  facts.actuator = answer;
  facts.btf = facts.psi = facts.system_bus = true;
  facts.cgroup = CgroupSetup::v2;
  facts.state_dir = "/var/lib/hostmedic";
  facts.state_space = Facts::Space{1e9, 0.5};
  facts.clock_synchronized = true;
  facts.upstream_url = "https://agg:4318";
  facts.certificate_end = test_now() + std::chrono::hours(24 * 300);
  return facts;
}
bool all_good(const Facts& facts) {
  const auto findings = examine(facts);
  return std::all_of(findings.begin(), findings.end(), [](const Finding& one) { return one.good; });
}

}  // namespace

TEST_CASE("check tells the kind of a file by what is in it and names the place of each fault") {
  Host host;
  const std::string agent = write(host, "a.toml", "[upstream]\nurrl = \"https://x:1\"\n");
  const std::string policy = write(host, "b.toml", "[guard]\ntier = \"autoo\"\n");
  const std::string broken = write(host, "c.toml", "x = [\n");
  CHECK(host.run({"check", agent, policy, broken}) == 78);
  CHECK(contains(host.out.str(), agent + ":2:1: "));
  CHECK(contains(host.out.str(), "'url'"));
  CHECK(contains(host.out.str(), policy + ":2:"));
  CHECK(contains(host.out.str(), broken + ":"));
  CHECK(host.run({"check", host.dir.path + "/none.toml"}) == 78);
  CHECK(host.run({"check", agent, "--json"}) == 78);
  const auto json = object_of(host.out.str());
  CHECK(json.at("valid") == false);
  CHECK(json.at("diagnostics").at(0).at("line") == 2);
  CHECK(json.at("diagnostics").at(0).at("column") == 1);
}

TEST_CASE("check looks at who may approve from another host") {
  Host host;
  const auto pem = [](const std::string& name, int days) {
    const auto made = make_person(name, valid_days(wall_now(), days));
    REQUIRE(made);
    return made->certificate_pem;
  };
  write(host, "etc/hostmedic.toml", "");
  write(host, "etc/policy.toml", "");
  write(host, "etc/approvers.pem", pem("ada", 10) + pem("bob", -3));
  CHECK(host.run({"check"}) == 0);
  CHECK(contains(host.out.str() + host.err.str(), "bob can approve nothing: the certificate ended"));
  CHECK_FALSE(contains(host.out.str() + host.err.str(), "ada"));
  write(host, "etc/approvers.pem", "no certificate");
  CHECK(host.run({"check"}) == 78);
  CHECK(contains(host.out.str() + host.err.str(), "not a certificate"));
}

TEST_CASE("check without files looks at everything that is installed") {
  Host host;
  write(host, "etc/hostmedic.toml", "");
  write(host, "etc/policy.toml", "tier = \"approve\"\n");
  CHECK(host.run({"check"}) == 0);
  CHECK(host.out.str() == "The configuration is valid.\n");
  write(host, "etc/conf.d/x.toml", "[store]\nmost_size = 5\n");
  write(host, "etc/runbooks.d/r.toml", "name = 3\n");
  CHECK(host.run({"check"}) == 78);
  CHECK(contains(host.out.str(), "etc/conf.d/x.toml:2:"));
  CHECK(contains(host.out.str(), "etc/runbooks.d/r.toml:"));
}

TEST_CASE("a fault in a condition is shown in its line") {
  Host host;
  const std::string file =
      write(host, "rules.toml", "[[rule]]\nid = \"r\"\nincident_kind = \"k\"\nwhen = \"system.uptime > 64MiB\"\n");
  CHECK(host.run({"check", file}) == 78);
  CHECK(host.out.str() == file + ":4:23: when: seconds and bytes do not go together\n" +
                              "  when = \"system.uptime > 64MiB\"\n" + "                        ^\n");
}

TEST_CASE("the printed reference is valid itself") {
  Host host;
  for (const char* which : {"agent", "policy"}) {
    CAPTURE(which);
    CHECK(host.run({"config", "reference", which}) == 0);
    const std::string file = write(host, std::string(which) + ".toml", host.out.str());
    CHECK(host.run({"check", file}) == 0);
  }
  CHECK(host.run({"config", "reference", "--json"}) == 0);
  CHECK(boost::json::parse(host.out.str()).is_array());
  CHECK(host.run({"config", "reference", "probe"}) == 64);
}

TEST_CASE("lists are tables of what the agent answered") {
  const auto items = boost::json::parse(R"([
    {"entity":"filesystem:/","name":"system.filesystem.utilization","attributes":"","unit":"1","value":0.5},
    {"entity":"host","name":"system.cpu.time","attributes":"cpu.mode=user","unit":"s","value":null}, 7])");
  CHECK(render_list("series", items.get_array(), {}) ==
        "ENTITY        VALUE    SERIES\n"
        "filesystem:/  50%      system.filesystem.utilization\n"
        "host          unknown  system.cpu.time{cpu.mode=user}\n");
  const auto relations = boost::json::parse(R"([{"from":"service:app.service","relation":"connects_to",
    "to":"service:db.service","told_at_unix_nano":1795000000000000000,"told":3}])");
  CHECK(render_list("relations", relations.get_array(), {}) ==
        "FROM                 RELATION     TO                  TOLD LAST          TIMES\n"
        "service:app.service  connects_to  service:db.service  2026-11-18T11:06Z  3\n");
  const auto guard = boost::json::parse(R"([{"name":"tier","doc":"how \u001b[1mfar"}])");
  CHECK(render_list("guard", guard.get_array(), {}) == "RULE  MEANING\ntier  how ?[1mfar\n");
  Host host;
  host.daemon = {{"list", R"({"ok":true,"items":[]})"}, {"proposals", one_line(one_proposal())}};
  CHECK(host.run({"list", "probes"}) == 0);
  CHECK(host.out.str() == "No probes yet.\n");
  CHECK(host.run({"list", "proposals"}) == 0);
  CHECK(contains(host.out.str(), "00112233aabbccdd  in 10m0s  rotate /srv/app.log\n"));
}

TEST_CASE("doctor finds nothing on a healthy host") {
  CHECK(all_good(healthy()));
  CHECK(render_findings({{"clock", true, "synchronized", "", ""}, {"pressure", false, "no PSI", "stalls", "psi=1"}},
                        {}) ==
        "ok        clock     synchronized\ndegraded  pressure  no PSI; lost: stalls; fix: psi=1\n");
}

TEST_CASE("doctor names what is missing, what is lost and how to fix it") {
  Facts facts = healthy();
  facts.btf = false;
  facts.cgroup = CgroupSetup::hybrid;
  facts.state_space->free_share = 0.001;
  facts.clock_synchronized = false;
  facts.certificate_end = test_now() + std::chrono::hours(24 * 3);
  facts.probes.body = object_of(R"({"items":[{"name":"bpf","state":"unavailable","reason":"no BTF"}]})");
  facts.configuration = {{"policy.toml", {2, 1}, "is not owned by root", true}, {"x", {}, "only a note", false}};
  const auto findings = examine(facts);
  for (const char* name : {"kernel types", "cgroups", "state", "clock", "certificate", "configuration", "probe bpf"}) {
    CAPTURE(name);
    CHECK_FALSE(find(findings, name).good);
    CHECK_FALSE(find(findings, name).lost.empty());
  }
  CHECK(find(findings, "certificate").seen == "expires in 3d0h");
  CHECK(find(findings, "configuration").seen == "policy.toml:2:1: is not owned by root");
  CHECK(find(findings, "pressure").good);
}

TEST_CASE("doctor without a daemon or an actuator, and with brakes that do not agree") {
  Facts facts = healthy();
  facts.status = {std::nullopt, {Exit::not_running, "the agent is not running", "start it"}};
  facts.actuator = make_error(ErrorCode::not_found, "nobody listens");
  CHECK_FALSE(find(examine(facts), "agent").good);
  CHECK_FALSE(find(examine(facts), "actuator").good);
  facts = healthy();
  facts.actuator->status->brakes.halted = true;
  const auto findings = examine(facts);
  CHECK_FALSE(find(findings, "kill switch").good);
  facts.status.body->at("status").get_object()["halted"] = true;
  CHECK(all_good(facts));
  facts.clock_synchronized.reset();  // not said is not bad
  CHECK(all_good(facts));
}

TEST_CASE("an agent that runs in memory says so, and why it is halted") {
  Facts facts = healthy();
  boost::json::object& status = facts.status.body->at("status").get_object();
  status["halted"] = true;
  status["store"] = {{"errors", 0}, {"last_error", ""}, {"no_disk", "agent.db: Read-only file system"}};
  const auto findings = examine(facts);
  const auto bad = std::ranges::count(findings, false, &Finding::good);
  CHECK(bad == 1);
  CHECK(find(findings, "store").seen == "in memory: agent.db: Read-only file system");
  const std::string shown = render_status(status, {}, {});
  CHECK(contains(shown, "nothing is treated or outlives a boot: agent.db: Read-only file system"));
  CHECK_FALSE(contains(shown, "hostmedic resume"));
  CHECK(status_degraded(status, {}));
}

TEST_CASE("doctor: upstream trouble is the daemon's own word") {
  Facts facts = healthy();
  facts.status.body->at("status").at("upstream").get_object()["last_error"] = "certificate verify failed";
  CHECK(contains(find(examine(facts), "upstream").seen, "certificate verify failed"));
  facts.upstream_url.clear();
  CHECK(find(examine(facts), "upstream").good);
}

TEST_CASE("the doctor's verb looks at the host it was given") {
  Host host;
  write(host, "sys/kernel/btf/vmlinux", "");
  write(host, "sys/fs/cgroup/cgroup.controllers", "cpu");
  write(host, "etc/hostmedic.toml", "[agent]\nstate_dir = \"" + host.dir.path + "\"\n");
  CHECK(host.run({"doctor", "--json"}) == 1);
  const auto rows = boost::json::parse(host.out.str()).get_array();
  std::map<std::string, std::string> states;
  for (const auto& row : rows) states[row.at("check").as_string().c_str()] = row.at("state").as_string().c_str();
  CHECK(states["agent"] == "degraded");
  CHECK(states["kernel types"] == "ok");
  CHECK(states["cgroups"] == "ok");
  CHECK(states["pressure"] == "degraded");
  CHECK(states["configuration"] == "ok");
  CHECK(states["system bus"] == "degraded");
}
