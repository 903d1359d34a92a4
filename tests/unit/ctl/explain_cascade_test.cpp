// SPDX-License-Identifier: Apache-2.0
// `hostmedic explain` with all that an incident can say.
#include <doctest/doctest.h>

#include <algorithm>

#include "agent/base/text.h"
#include "agent/ctl/explain_parts.h"
#include "agent/ctl/incidents.h"
#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {

Look look(std::size_t width = 100, bool utf8 = true) {
  return {.colour = false, .width = width, .now = test_now(), .utf8 = utf8};
}
CaseFile case_of(const std::string& answer) {
  auto file = case_file_from(object_of(answer), object_of(kNoProposals));
  REQUIRE(file);
  return std::move(*file);
}
std::size_t widest(const std::string& text) {
  std::size_t most = 0;
  for (const std::string_view line : split(text, '\n')) most = std::max(most, columns_of(line));
  return most;
}
bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a cascade fits one screen: root, the others, evidence, context, what helped before") {
  const CaseFile file = case_of(cascade_answer());
  const std::string text = render_case(file, look());
  CHECK(text == R"(db.service has failed
incident     aabbccdd00112233, service.failed
state        open, severity error, 98% sure; one signal is proof by itself
             flapping: it fell quiet and came back 2 times
known to     uid 0 (root)
since        02:19:00Z, 1m0s ago; noticed 800ms later
root         service:db.service
caused by    package:hm-db
diagnosis    db.service is failed: result signal, status 9; app.service and nginx.service suffer of
             it

Why it, and not the others
  ███████▎   91%  service:db.service   failed first; two others depend on it
  ██▊        34%  service:app.service  failed 1.2s later; depends on db.service

Affected (2)
  service:app.service: it answers with errors
    by way of service:app.service > service:db.service
  service:nginx.service
    by way of service:nginx.service > service:app.service > service:db.service

Evidence
  db.service is failed: result signal, status 9 (proof by itself)
  app.service answers with errors 412/s
    ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁│████████  usual 12-38/s, now 390/s, +1.2s

Context
  changed    package hm-db was upgraded from 1 to 2, 42.0s before: 86% likely the cause
  not found  deployment, boot, maintenance

Seen before
  the same, with the same signals: 3 times, last 2d4h ago (1111222233334444, resolved after 12.0s)
  tried      restart db.service through systemd: helped 2 of 2 times; 1 ended without an order

Plan
  would do   restart db.service through systemd
  by hand    $ systemctl restart db.service
  runbook    service-restart, step 1; it cannot be undone

Guard
  >  hold  tier  the tier is observe   <- decides
     2 rules allow
  orders     none was given: nothing was changed on this host

What happens next
  It only watches. To let this runbook act here, root raises its tier in /etc/hostmedic/policy.toml.
  It closes by itself when its signals are quiet.
)");
  CHECK(std::ranges::count(text, '\n') <= 48);  // everything that can be said is said here
  CHECK(widest(text) <= 100);
  CHECK(widest(render_case(file, look(80))) <= 80);
}

TEST_CASE("without UTF-8 the same is drawn in ASCII") {
  const std::string text = render_case(case_of(cascade_answer()), look(80, false));
  CHECK(std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; }));
  CHECK(contains(text, "#######  "));
  CHECK(contains(text, "|#"));
  Host host;
  host.daemon = {{"incident", cascade_answer()}, {"proposals", kNoProposals}};
  CHECK(host.run({"explain", "aabb", "--ascii"}) == 0);
  CHECK(contains(host.out.str(), "|#"));
}

TEST_CASE("the full form leaves nothing out") {
  Incident incident = cascade();
  for (int i = 0; i < 20; ++i) incident.affected.push_back({{EntityKind::service, strf("s%d.service", i)}, "", ""});
  const CaseFile file = case_of(cascade_answer(incident));
  const std::string brief = render_case(file, look()), full = render_case(file, look(), Extent::full);
  CHECK(contains(brief, "  and 17 more: --verbose\n"));
  CHECK_FALSE(contains(brief, "s19.service"));
  CHECK_FALSE(contains(brief, "Timeline"));
  CHECK(contains(full, "service:s19.service\n"));
  CHECK(contains(full, "allow  kill-switch  not halted"));
  CHECK(contains(full, "http.server.errors, rule survey"));
  CHECK(contains(full, "Timeline\n  +800ms  opened   opened\n"));
  CHECK(contains(full, "1111222233334444"));
}

TEST_CASE("what is not confirmed, what is explained by another, and what nobody recorded") {
  CaseFile file = case_of(cascade_answer());
  file.incident.suspicion = true;
  file.traces.clear();
  file.no_traces = "the recorder is off";
  const std::string text = render_case(file, look());
  CHECK(contains(text, "state        suspicion, severity error, 98% sure; nothing independent confirms it yet"));
  CHECK(contains(text, "no curves: the recorder is off"));
  CHECK(contains(text, "usual 12-38/s, was 380/s"));
  CHECK(what_next(file, {})[0].starts_with("Nothing is done and nobody is told"));
  file.incident.suspicion = false;
  file.incident.part_of = "9999888877776666";
  CHECK(contains(render_case(file, look()), "part of      9999888877776666, which explains it"));
  CHECK(contains(what_next(file, {})[0], "hostmedic explain 9999888877776666"));
}

TEST_CASE("an incident that says almost nothing is still told") {
  CaseFile file;
  file.incident.id = "0";
  const std::string text = render_case(file, look());
  CHECK(contains(text, "Evidence\n  none kept\n"));
  CHECK(contains(text, "no plan was made"));
  for (const char* absent : {"Affected", "Context", "Seen before", "Why it"}) CHECK_FALSE(contains(text, absent));
}

TEST_CASE("a range says its unit once") {
  CHECK(range_text(12, 38, Unit::per_second) == "12-38/s");
  CHECK(range_text(0.12, 0.38, Unit::ratio) == "12-38%");
  CHECK(range_text(0.001, 0.38, Unit::ratio) == "0.1-38%");
  CHECK(range_text(1024, 5 << 20, Unit::bytes) == "1.0KiB-5.0MiB");
  CHECK(range_text(-3, 4, Unit::celsius) == "-3 to 4 °C");
  CHECK(range_text(7, 7, Unit::count) == "7");
}

TEST_CASE("everything an incident can say is in the JSON") {
  Host host;
  const Incident incident = cascade();
  host.daemon = {{"incident", cascade_answer(incident)}, {"proposals", kNoProposals}};
  CHECK(host.run({"explain", "aabb", "--json"}) == 0);
  const auto told = object_of(host.out.str());
  CHECK(boost::json::serialize(told.at("incident")) == boost::json::serialize(to_json_object(incident)));
  for (const char* key : {"orders", "outcomes", "proposal", "similar", "traces", "next"}) CHECK(told.contains(key));
  CHECK(told.at("next").as_array().size() == 2);
  CHECK(told.at("traces").at(0).at("points").as_array().size() == 91);
}

TEST_CASE("hostile recordings and histories are made harmless") {
  auto answer = object_of(cascade_answer());
  answer["traces"] = boost::json::parse(
      R"([7,{"entity":"service:app.service","signal":"http.server.errors","unit":"{count}/s",
      "points":[[1,2,3],["x",1],[-5,1],[9223372036854775807,1],[1795227540000,1e308],[1795227541000,-1e308]]}])");
  auto& similar = answer["similar"].as_object();
  similar["treatments"] = boost::json::parse(R"([{"what":"x\u001b[2J"},7])");
  similar["incidents"] = boost::json::parse(R"([{"id":"\u0007","root":7}])");
  auto file = case_file_from(answer, object_of(kNoProposals));
  REQUIRE(file);
  CHECK(file->traces[0].points.size() == 2);
  const std::string text = render_case(*file, look(), Extent::full);
  CHECK_FALSE(contains(text, "\x1b"));
  CHECK_FALSE(contains(text, "\x07"));
}

TEST_CASE("in the list a suspicion comes last, and what another explains is only counted") {
  Incident suspicion = cascade(), part = cascade(), known = cascade();
  suspicion.id = "5555555555555555";
  suspicion.suspicion = true;
  suspicion.flaps = 0;
  suspicion.acknowledged_by.clear();
  part.id = "6666666666666666";
  part.part_of = known.id;
  boost::json::array rows;
  for (const Incident& one : {suspicion, part, known})
    rows.push_back(boost::json::parse(boost::json::serialize(to_json_object(one))));
  CHECK(render_incidents(rows, look(0), false) ==
        "INCIDENT          OPENED     STATE      SEVERITY  SURE  WHAT\n"
        "aabbccdd00112233  59.2s ago  open       error     98%   service.failed on service:db.service, came back 2 "
        "times, known to uid 0 (root)\n"
        "5555555555555555  59.2s ago  suspicion  error     98%   service.failed on service:db.service\n"
        "and 1 that others explain: hostmedic incidents --all\n");
  CHECK(contains(render_incidents(rows, look(0), true), "part of aabbccdd00112233"));
}
