// SPDX-License-Identifier: Apache-2.0
// [[expected]] and the zone files behind it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>

#include "agent/config/agent_config.h"
#include "agent/config/zone_file.h"
#include "tests/unit/config/files.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;

namespace {

std::string first_fault(const std::string& text) {
  const auto loaded = parse_agent_config(text, "a.toml");
  const auto lines = texts(loaded.diagnostics);
  return lines.empty() ? "" : lines.front();
}
bool has_zones() { return std::ifstream("/usr/share/zoneinfo/Europe/Berlin").good(); }

}  // namespace

TEST_CASE("expected: a schedule and dates are read, a later table of the name replaces the first") {
  const auto loaded = parse_agent_config(R"(
[[expected]]
name = "backup"
schedule = "30 2 * * mon-fri"
for = "90m"
zone = "UTC"
series = "system.disk.*"
shadow = true
[[expected]]
name = "sale"
from = "2026-11-27 08:00"
to = "2026-11-28"
zone = "UTC"
entity = "service:shop*"
factor = 10
[[expected]]
name = "backup"
schedule = "0 3 * * *"
for = "1h"
zone = "UTC"
factor = 2.5
)",
                                         "a.toml");
  for (const std::string& line : texts(loaded.diagnostics)) MESSAGE(line);
  REQUIRE(loaded.ok());
  REQUIRE(loaded.config.engine.expected.size() == 2);
  const detect::ExpectedEntry& backup = loaded.config.engine.expected[0];
  CHECK(backup.series == "*");
  CHECK_FALSE(backup.shadow);
  CHECK(backup.factor == 2.5);
  REQUIRE(backup.schedule.cron);
  CHECK(backup.schedule.cron->hours == 1U << 3);
  CHECK(backup.schedule.length == 1h);
  const detect::ExpectedEntry& sale = loaded.config.engine.expected[1];
  CHECK(sale.entity == "service:shop*");
  CHECK(format_utc(sale.schedule.from) == "2026-11-27T08:00:00.000Z");
  CHECK(format_utc(sale.schedule.until) == "2026-11-28T00:00:00.000Z");
  const auto changes = changed_keys(AgentConfig{}, loaded.config);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].key == "detect.expected");
  CHECK_FALSE(changes[0].restart);
}

TEST_CASE("expected: what is wrong is told with its place") {
  const std::string head = "[[expected]]\nname = \"x\"\nzone = \"UTC\"\n";
  const std::pair<std::string, std::string> kWrong[] = {
      {"[[expected]]\nfactor = 2\n", "a.toml:1:1: an entry needs a name"},
      {head + "factor = 2\n", "a.toml:1:1: an entry needs a schedule with for, or from and to"},
      {head + "factor = 2\nschedule = \"* * * * *\"\nfrom = \"2026-01-01\"\n", "a.toml:1:1: an entry needs a schedule"},
      {head + "factor = 2\nschedule = \"61 * * * *\"\nfor = \"1h\"\n", "a.toml:5:12: schedule: the minute is 0 to 59"},
      {head + "factor = 2\nschedule = \"1 * * * *\"\n", "for: how long it lasts must be said"},
      {head + "factor = 2\nschedule = \"1 * * * *\"\nfor = \"32d\"\n", "a.toml:6:7: for: "},
      {head + "factor = 2\nfrom = \"2026-01-01\"\n", "to: expected a moment such as 2026-12-24"},
      {head + "factor = 2\nfrom = \"2026-01-02\"\nto = \"2026-01-01\"\n",
       "a.toml:6:6: to: it is over before it begins"},
      {head + "factor = 0.5\nfrom = \"2026-01-01\"\nto = \"2026-01-02\"\n", "a.toml:4:10: factor: "},
      {head + "from = \"2026-01-01\"\nto = \"2026-01-02\"\n", "a.toml:1:1: an entry needs a factor above 1, or shadow"},
      {head + "factor = 2\nshadow = true\nfrom = \"2026-01-01\"\nto = \"2026-01-02\"\n", "an entry needs a factor"},
      {head + "facter = 2\n", "a.toml:4:1: unknown key 'facter', did you mean 'factor'?"},
      {"[[expected]]\nname = \"x\"\nzone = \"Mars/Olympus\"\nfactor = 2\nfrom = \"2026-01-01\"\nto = \"2026-01-02\"\n",
       "a.toml:3:8: zone: "},
      {"[[expected]]\nname = \"x\"\nzone = \"../../etc/passwd\"\nfactor = 2\nfrom = \"2026-01-01\"\nto = "
       "\"2026-01-02\"\n",
       "a.toml:3:8: zone: a time zone is called like"},
  };
  for (const auto& [text, fault] : kWrong) {
    CAPTURE(text);
    CAPTURE(first_fault(text));
    CHECK(first_fault(text).find(fault) != std::string::npos);
  }
}

TEST_CASE("zone files: the rule at their end gives the C library's offsets for the years to come") {
  if (!has_zones()) {
    MESSAGE("not tested: this host has no zone database");
    return;
  }
  for (const char* name :
       {"Europe/Berlin", "Europe/Dublin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Tokyo",
        "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham", "America/Santiago", "Asia/Gaza", "Africa/Cairo",
        "America/Nuuk", "Etc/UTC", "Asia/Beirut", "America/Havana"}) {
    const auto zone = load_zone(name);
    REQUIRE_MESSAGE(zone, name);
    CHECK(zone->name == name);
    ::setenv("TZ", name, 1);
    ::tzset();
    // From what the file's rule is said to hold: Gaza's years before 2087 follow Ramadan and are in its table.
    const std::int64_t from = std::string(name) == "Asia/Gaza" ? 3'750'000'000 : 1'795'000'000;
    for (std::int64_t at = from; at < from + 4L * 366 * 86400; at += 1800) {
      std::tm parts{};
      const std::time_t seconds = at;
      ::localtime_r(&seconds, &parts);
      if (detect::offset_at(*zone, wall_from_ns(at * 1'000'000'000)) == parts.tm_gmtoff) continue;
      FAIL_CHECK(name << " at " << at);
      break;
    }
  }
  ::unsetenv("TZ");
  ::tzset();
}

TEST_CASE("zone files: what is cut, old or garbage is refused, and no name leaves the database") {
  CHECK(load_zone("UTC", {"/nowhere", "/nowhere"}));
  CHECK(load_zone("", {"/nowhere", "/nowhere"})->name == "UTC");
  CHECK_FALSE(load_zone("Europe/Berlin", {"/nowhere", "/nowhere"}));
  for (const char* name : {"/etc/passwd", "..", "a/../b", "a b", "a/", "x\ny"}) CHECK_FALSE(load_zone(name));
  const std::string head = "TZif2" + std::string(83, '\0');
  CHECK(parse_zone_file(head + "\nCET-1CEST,M3.5.0,M10.5.0/3\n", "x"));
  CHECK_FALSE(parse_zone_file("", "x"));
  CHECK_FALSE(parse_zone_file("TZif" + std::string(84, '\0') + "\nCET-1\n", "x"));
  CHECK_FALSE(parse_zone_file(head + "\n\n", "x"));
  CHECK_FALSE(parse_zone_file(head + "\nCET-1CEST,M3.5.0,M10.5.0/3", "x"));
  CHECK_FALSE(parse_zone_file(head + "\n" + std::string(200, 'A') + "\n", "x"));
  if (!has_zones()) return;
  std::ifstream file("/usr/share/zoneinfo/Europe/Berlin", std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  REQUIRE(parse_zone_file(whole, "x"));
  for (std::size_t length = 0; length < whole.size(); ++length)
    CHECK_FALSE(parse_zone_file(whole.substr(0, length), "x"));
}
