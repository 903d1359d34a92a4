// SPDX-License-Identifier: Apache-2.0
#include "agent/base/time.h"

#include <cmath>

#include "agent/base/text.h"

namespace hostmedic {

std::string format_utc(WallTime t) {
  using namespace std::chrono;
  const auto day = floor<days>(t.time_since_epoch());
  const year_month_day date{sys_days{day}};
  const hh_mm_ss clock{floor<milliseconds>(t.time_since_epoch() - day)};
  return strf("%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
              static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
              static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
              static_cast<int>(clock.subseconds().count()));
}

std::string format_duration(Duration d) {
  const double seconds = to_seconds(d);
  if (seconds < 0) return "-" + format_duration(-d);
  if (seconds < 0.9995) return strf("%.0fms", seconds * 1e3);
  if (seconds < 59.95) return strf("%.1fs", seconds);
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 3600) return strf("%lldm%llds", whole / 60, whole % 60);
  if (whole < 86400) return strf("%lldh%lldm", whole / 3600, whole % 3600 / 60);
  return strf("%lldd%lldh", whole / 86400, whole % 86400 / 3600);
}

}  // namespace hostmedic
