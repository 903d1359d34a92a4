// SPDX-License-Identifier: Apache-2.0
// Input: a zone file; and the same bytes as a zone rule, as a crontab's five fields and as a moment. Whatever they are,
// the answer is an error or something that can be asked at any time: an offset below a day and a quarter, a start that
// is not later than asked for, and a moment that the clock of the zone shows.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "agent/config/zone_file.h"
#include "detect/calendar/calendar.h"

using namespace hostmedic;
using namespace hostmedic::detect;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

void ask(const ZoneRule& zone, const Cron& cron) {
  for (std::int64_t at = 1'700'000'000; at < 1'900'000'000; at += 7'654'321) {
    const WallTime now = wall_from_ns(at * kSecond);
    if (std::abs(offset_at(zone, now)) > 90'000) std::abort();
    // The clock shows a moment at one place or, when it is set back, at the first of two.
    const WallTime back = moment_of(zone, local_time(zone, now));
    if (!zone.changes && back != now) std::abort();
    const auto start = last_start(cron, zone, now - std::chrono::hours(30), now);
    if (start && (*start > now || *start <= now - std::chrono::hours(30))) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Cron always = parse_cron("*/7 * * * *").value_or({});
  for (const auto& zone : {parse_zone_file(text, "fuzz"), parse_zone_rule(text, "fuzz")}) {
    if (!zone) continue;
    ask(*zone, always);
    (void)parse_local(text, *zone);
  }
  if (const auto cron = parse_cron(text)) ask(parse_zone_rule("CET-1CEST,M3.5.0,M10.5.0/3", "x").value_or({}), *cron);
  (void)parse_local(text, {});
  return 0;
}

std::vector<std::string> hm_fuzz_seeds() {
  const std::string head = "TZif2" + std::string(83, '\0');
  return {head + "\nCET-1CEST,M3.5.0,M10.5.0/3\n",
          "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
          "XST-3XDT,J60/1,J300",
          "IST-1GMT0,M10.5.0,M3.5.0/1",
          "30 2 */2 jan-mar mon-fri",
          "5-20/5,50 0,12 1 * 7",
          "2026-12-24 18:00Z",
          "2026-12-24"};
}
