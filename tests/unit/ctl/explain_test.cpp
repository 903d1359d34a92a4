// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/explain.h"

#include <doctest/doctest.h>

#include "agent/ctl/incidents.h"
#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {

CaseFile example() {
  auto file = case_file_from(object_of(incident_answer()), object_of(kNoProposals));
  REQUIRE(file);
  return std::move(*file);
}
std::string rendered(const CaseFile& file, Extent extent = Extent::brief) {
  return render_case(file, {.colour = false, .width = 110, .now = test_now()}, extent);
}
bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("an incident that was treated, in plain words") {
  CHECK(rendered(example()) == R"(filesystem:/srv is filling up
incident     00112233aabbccdd, filesystem.filling
state        resolved, severity error, 97% sure; confirmed by 2 independent signals
since        02:19:00Z, 1m0s ago; noticed 1.2s later; over 12.0s after it began
root         filesystem:/srv
caused by    service:app.service
diagnosis    /srv/app.log grows 20.0MiB/s; written by app.service

Evidence
  filesystem:/srv is 71% full and grows 2.0%/s: full in 14.5s (limit 100%, was 71%, quiet again)

Guard
  allowed by 2 rules (+1.3s)

Orders
  0123456789abcdef01234567 +1.4s: rotate /srv/app.log
  outcome    done: rotated, took 1.5s
  measured   bytes_freed 1258291200
  verified   system.filesystem.utilization fell from 0.710 to 0.310

What happens next
  Nothing. If the same signals fire again soon, it opens again.
)");
}

TEST_CASE("the same, in full") {
  CHECK(rendered(example(), Extent::full) == R"(filesystem:/srv is filling up
incident     00112233aabbccdd, filesystem.filling
state        resolved, severity error, 97% sure; confirmed by 2 independent signals
since        02:19:00Z, 1m0s ago; noticed 1.2s later; over 12.0s after it began
root         filesystem:/srv
caused by    service:app.service
diagnosis    /srv/app.log grows 20.0MiB/s; written by app.service

Evidence
  filesystem:/srv is 71% full and grows 2.0%/s: full in 14.5s (limit 100%, was 71%, quiet again,
  system.filesystem.utilization, rule filesystem-forecast, 95% sure)

Plan
  would do   rotate /srv/app.log
  by hand    $ logrotate --force /etc/logrotate.d/app
  runbook    filesystem-logs, step 2; it cannot be undone

Guard
  allowed by 2 rules (+1.3s)
     allow  kill-switch  not halted
     allow  tier         tier is auto

Orders
  0123456789abcdef01234567 +1.4s: rotate /srv/app.log
  by hand    $ logrotate --force /etc/logrotate.d/app
  outcome    done: rotated, took 1.5s
  measured   bytes_freed 1258291200
  actuator   its own guard: allowed by 1 rules
  verified   system.filesystem.utilization fell from 0.710 to 0.310

Timeline
  +1.2s   opened    opened
  +1.2s   planned   rotate /srv/app.log
  +1.3s   verdict   allowed by 2 rules
  +1.4s   ordered   rotate /srv/app.log
  +3.0s   acted     done: rotated
  +10.0s  verified  system.filesystem.utilization fell from 0.710 to 0.310
  +12.0s  resolved  all quiet

What happens next
  Nothing. If the same signals fire again soon, it opens again.
)");
}

TEST_CASE("the rule that decides is marked, and says what lifts it") {
  CaseFile file = example();
  file.orders.clear();
  file.outcomes.clear();
  file.incident.state = IncidentState::open;
  file.incident.closed_at.reset();
  file.incident.timeline[2].text = "denied by maintenance: until then";
  file.incident.timeline[2].attributes = {{"kill-switch", "allow: not halted"},
                                          {"tier", "hold: tier is approve"},
                                          {"maintenance", "deny: until then"},
                                          {"protected", "deny: it is"}};
  const std::string text = rendered(file);
  CHECK(contains(text, "  >  deny  maintenance  until then   <- decides\n"));
  CHECK(contains(text, "     deny  protected    it is\n"));
  CHECK(contains(text, "     hold  tier         tier is approve\n"));
  CHECK(contains(text, "none was given: nothing was changed on this host"));
  CHECK(contains(text, "hostmedic maintenance off"));
  file.incident.timeline[2].attributes = {{"kill-switch", "deny: halted by uid 0 (root)"}};
  CHECK(contains(rendered(file), "`hostmedic resume` (as root)"));
}

TEST_CASE("a plan that waits for a human says how to answer") {
  CaseFile file = example();
  file.incident.state = IncidentState::open;
  file.proposal = Proposal{file.incident.id, file.orders[0], test_now() + std::chrono::minutes(10)};
  const auto lines = what_next(file, {.colour = false, .width = 0, .now = test_now()});
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "It waits for a human, in 10m0s at the latest.");
  CHECK(contains(lines[1], "hostmedic approve 00112233aabbccdd"));
}

TEST_CASE("hostile evidence and names are made harmless") {
  CaseFile file = example();
  file.incident.summary = "x\x1b]0;owned\x07";
  file.incident.anomalies[0].evidence = "a\nb\r\x1b[31m";
  file.incident.timeline[0].text = "t\x1b[2J";
  file.orders[0].plan.command = "rm\x1b[1A";
  const std::string text = rendered(file);
  CHECK_FALSE(contains(text, "\x1b"));
  CHECK_FALSE(contains(text, "\r"));
  CHECK(contains(text, "  a?b??[31m (limit"));
}

TEST_CASE("the verb: found, not found, unreadable, JSON") {
  Host host;
  host.daemon = {{"incident", one_line(incident_answer())}, {"proposals", one_line(one_proposal())}};
  CHECK(host.run({"explain", "0011"}) == 0);
  CHECK(host.out.str().starts_with("filesystem:/srv is filling up"));
  const std::string explained = host.out.str();
  CHECK(host.run({"show", "0011"}) == 0);
  CHECK(host.out.str() == explained);
  CHECK(host.run({"explain", "0011", "--json"}) == 0);
  const auto json = object_of(host.out.str());
  CHECK(json.at("incident").at("id") == "00112233aabbccdd");
  CHECK(json.at("proposal").at("incident_id") == "00112233aabbccdd");
  CHECK_FALSE(json.contains("ok"));
  host.daemon["incident"] = R"({"ok":true,"incident":{"id":"x"}})";
  CHECK(host.run({"explain", "x"}) == 69);
  CHECK(contains(host.err.str(), "cannot be read"));
  host.daemon["incident"] = R"({"ok":false,"code":"not_found","message":"no incident 'zz'"})";
  CHECK(host.run({"explain", "zz"}) == 1);
  CHECK(host.err.str() == "hostmedic: no incident 'zz'\n  list them: hostmedic incidents --all\n");
}

TEST_CASE("incidents as a table; one that cannot be read costs itself only") {
  const auto array = boost::json::parse("[" + std::string(kIncidentJson) + R"(,{"id":"broken"}])").get_array();
  CHECK(render_incidents(array, {.colour = false, .width = 0, .now = test_now()}, false) ==
        "INCIDENT          OPENED     STATE     SEVERITY  SURE  WHAT\n"
        "00112233aabbccdd  58.8s ago  resolved  error     97%   filesystem.filling on filesystem:/srv\n"
        "1 more could not be read: written by another version?\n");
}

TEST_CASE("incidents: the request, nothing open, bad limits") {
  Host host;
  host.daemon = {{"incidents", R"({"ok":true,"incidents":[]})"}};
  CHECK(host.run({"incidents", "--all", "--limit", "5"}) == 0);
  CHECK(host.asked.back() == R"(daemon {"verb":"incidents","all":true,"limit":5})");
  CHECK(host.out.str() == "No incidents.\n");
  CHECK(host.run({"incidents", "--json"}) == 0);
  CHECK(host.out.str() == "[]\n");
  CHECK(host.run({"incidents", "--limit", "0"}) == 64);
}
