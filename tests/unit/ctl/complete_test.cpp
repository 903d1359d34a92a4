// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {

// The words that are offered, without their explanations.
std::vector<std::string> offered(Host& host, std::vector<std::string> words) {
  words.insert(words.begin(), {"complete", "--"});
  CHECK(host.run(words) == 0);
  CHECK(host.err.str().empty());
  std::vector<std::string> found;
  std::istringstream lines(host.out.str());
  for (std::string line; std::getline(lines, line);) found.push_back(line.substr(0, line.find('\t')));
  return found;
}
bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}
using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("verbs and options are completed from what the command line knows") {
  Host host;
  const Words all = offered(host, {""});
  for (const char* verb : {"status", "incidents", "explain", "runbook", "version", "halt"}) CHECK(has(all, verb));
  CHECK(offered(host, {"stat"}) == Words{"status"});
  CHECK(host.out.str().starts_with("status\tone screen"));
  CHECK(offered(host, {"inc"}) == Words{"incidents"});
  CHECK(offered(host, {"runbook", ""}) == Words{"list", "show", "test"});
  CHECK(offered(host, {"incidents", "--a"}) == Words{"--all", "--ascii", "--actuator-socket"});
  CHECK(offered(host, {"--js"}) == Words{"--json"});
  CHECK(offered(host, {"list", "pro"}) == Words{"probes", "proposals"});
  CHECK(offered(host, {"--json", "list", "sil"}) == Words{"silences"});
  CHECK(offered(host, {"config", "reference", ""}) == Words{"agent", "policy", "aggregator", "runbook"});
  CHECK(offered(host, {"maintenance", "on", "--for", ""}) == Words{"30m", "1h", "2h", "1d"});
  CHECK(offered(host, {"maintenance", "on", "--for", "=", "1"}) == Words{"1h", "1d"});
  CHECK(offered(host, {"halt", "--reason", ""}).empty());
  CHECK(offered(host, {"no-such-verb", ""}).size() == 0);
}

TEST_CASE("paths are left to the shell") {
  Host host;
  CHECK(offered(host, {"check", "/et"}) == Words{":files"});
  CHECK(offered(host, {"check", "one", "/et"}) == Words{":files"});  // takes several
  CHECK(offered(host, {"enroll", "bundle", ""}).empty());            // takes one
  CHECK(offered(host, {"enroll", "--root", ""}) == Words{":directories"});
  CHECK(offered(host, {"replay", "--config", ""}) == Words{":files"});
  CHECK(offered(host, {"score", "--train-dir", ""}) == Words{":directories"});
}

TEST_CASE("ids come from the running agent, and without one there are none") {
  Host host;
  CHECK(offered(host, {"explain", ""}).empty());
  host.daemon = {
      {"incidents",
       R"({"ok":true,"incidents":[{"id":"00aa","kind":"disk.full"},{"id":"01bb","kind":"service.failed"}]})"},
      {"proposals", R"({"ok":true,"proposals":[{"incident_id":"01bb"}]})"},
      {"list", R"({"ok":true,"items":[{"name":"service-restart"},{"name":"cpu-runaway"}]})"}};
  CHECK(offered(host, {"explain", ""}) == Words{"00aa", "01bb"});
  CHECK(host.out.str() == "00aa\tdisk.full\n01bb\tservice.failed\n");
  CHECK(offered(host, {"explain", "--verbose", "01"}) == Words{"01bb"});
  CHECK(offered(host, {"approve", ""}) == Words{"01bb"});
  CHECK(offered(host, {"runbook", "show", "s"}) == Words{"service-restart"});
  CHECK(offered(host, {"runbook", "test", "service-restart", "--incident", ""}) == Words{"00aa", "01bb"});
  CHECK(offered(host, {"feedback", "00aa", ""}) == Words{"real", "false"});
}

TEST_CASE("nothing that an agent answers becomes more than a word") {
  Host host;
  host.daemon = {{"incidents", R"json({"ok":true,"incidents":[{"id":"$(reboot)","kind":"x"},{"id":"a b","kind":"x"},
    {"id":":files","kind":"x"},{"id":"a\u001b[2J","kind":"x"},{"id":"","kind":"x"},{"id":7},
    {"id":"00aa","kind":"k\n\u001b[31m\tz"}]})json"}};
  CHECK(offered(host, {"explain", ""}) == Words{"00aa"});
  CHECK(host.out.str() == "00aa\tk??[31m?z\n");
}
