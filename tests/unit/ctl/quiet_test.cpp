// SPDX-License-Identifier: Apache-2.0
// silence, ack, expect.
#include <doctest/doctest.h>

#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {

constexpr const char* kYes = R"({"ok":true})";
bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a silence is asked for with its length, listed, and removed") {
  Host host;
  host.daemon = {{"silence", kYes},
                 {"silence-off", R"({"ok":true,"removed":1})"},
                 {"list", one_line(R"({"ok":true,"items":[{"entity":"disk:sdb","kind":"*","by":"uid 0 root",
                   "reason":"worn","until_unix_nano":1795234800000000000}]})")}};
  CHECK(host.run({"silence", "disk:sdb", "--for", "2h", "--reason", "worn", "--kind", "disk.*"}) == 0);
  CHECK(host.asked.back() ==
        R"(daemon {"verb":"silence","seconds":7200,"entity":"disk:sdb","kind":"disk.*","reason":"worn"})");
  CHECK(contains(host.out.str(), "disk:sdb are neither told nor treated for 2h"));
  CHECK(host.run({"silence", "list"}) == 0);
  CHECK(contains(host.out.str(), "disk:sdb"));
  CHECK(contains(host.out.str(), "2026-11-21T04:20Z"));
  CHECK(contains(host.out.str(), "worn"));
  CHECK(host.run({"silence", "remove", "disk:sdb"}) == 0);
  CHECK(host.asked.back() == R"(daemon {"verb":"silence-off","entity":"disk:sdb"})");
  const std::size_t before = host.asked.size();
  for (const char* length : {"2", "0s", "32d", ""}) CHECK(host.run({"silence", "disk:sdb", "--for", length}) == 64);
  CHECK(host.run({"silence", "disk:sdb"}) == 64);
  CHECK(host.run({"silence", "--for", "2h"}) == 64);
  CHECK(host.asked.size() == before);
  host.daemon["silence-off"] =
      R"({"ok":false,"code":"denied","message":"only root may end a silence; run it as root"})";
  CHECK(host.run({"silence", "remove", "disk:sdb"}) == 4);
}

TEST_CASE("an incident is acknowledged by the beginning of its id") {
  Host host;
  host.daemon = {{"ack", R"({"ok":true,"id":"00112233aabbccdd"})"}};
  CHECK(host.run({"ack", "0011", "--reason", "on it"}) == 0);
  CHECK(host.asked.back() == R"(daemon {"verb":"ack","id":"0011","reason":"on it"})");
  CHECK(contains(host.out.str(), "Acknowledged: 00112233aabbccdd"));
  host.daemon["ack"] = R"({"ok":false,"code":"not_found","message":"no open incident's id begins with '0011'"})";
  CHECK(host.run({"ack", "0011"}) == 1);
}

TEST_CASE("what is expected is asked for once, with a factor or in the shadow") {
  Host host;
  host.daemon = {{"expect", R"({"ok":true,"name":"sale"})"},
                 {"expect-off", R"({"ok":true,"removed":1})"},
                 {"list", one_line(R"({"ok":true,"items":[
                   {"name":"sale","text":"up to 10 times the usual http.* of *","now":true,"by":"uid 0 root",
                    "from_unix_nano":1795227600000000000,"until_unix_nano":1795234800000000000},
                   {"name":"backup","text":"anything from system.disk.* of *","now":false,"by":"the configuration"}]})")}};
  CHECK(host.run({"expect", "add", "--for", "4h", "--entity", "service:shop*", "--series", "http.*", "--factor", "10",
                  "sale"}) == 0);
  CHECK(
      host.asked.back() ==
      R"(daemon {"verb":"expect","seconds":14400,"entity":"service:shop*","series":"http.*","name":"sale","factor":1E1})");
  CHECK(contains(host.out.str(), "Expected: sale"));
  CHECK(host.run({"expect", "add", "--for", "1h", "--at", "2026-11-22 08:00Z", "--shadow"}) == 0);
  CHECK(host.asked.back() == R"(daemon {"verb":"expect","seconds":3600,"entity":"*","series":"*","name":"",)"
                             R"("shadow":true,"from_unix_nano":1795334400000000000})");
  CHECK(host.run({"expect", "list"}) == 0);
  CHECK(contains(host.out.str(), "now, until 2026-11-21T04:20Z"));
  CHECK(contains(host.out.str(), "by its schedule"));
  CHECK(host.run({"expect", "remove", "sale"}) == 0);
  CHECK(host.asked.back() == R"(daemon {"verb":"expect-off","name":"sale"})");
  const std::size_t before = host.asked.size();
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"expect", "add", "--for", "4h"},
                                             {"expect", "add", "--for", "4h", "--factor", "0.5"},
                                             {"expect", "add", "--for", "4h", "--factor", "2", "--shadow"},
                                             {"expect", "add", "--factor", "2"},
                                             {"expect", "add", "--for", "4h", "--shadow", "--at", "tomorrow"},
                                             {"expect"},
                                             {"expect", "remove"}})
    CHECK(host.run(wrong) == 64);
  CHECK(host.asked.size() == before);
}

TEST_CASE("status shows what is silenced and what is expected now") {
  Host host;
  host.daemon = {{"status", one_line(R"({"ok":true,"status":{"version":"1","probe":{"connected":true},
    "silences":[{"entity":"disk:sdb","kind":"*","by":"uid 0 root","reason":"worn",
                 "until_unix_nano":1795234800000000000}],
    "expected":[{"name":"sale","text":"up to 10 times the usual http.* of *","now":true,
                 "until_unix_nano":1795234800000000000},
                {"name":"backup","text":"anything","now":false}]}})")}};
  (void)host.run({"status"});
  CHECK(contains(host.out.str(), "disk:sdb, ends in 2h0m, by uid 0 root: worn"));
  CHECK(contains(host.out.str(), "sale: up to 10 times the usual http.* of *, ends in 2h0m"));
  CHECK_FALSE(contains(host.out.str(), "backup"));
}
