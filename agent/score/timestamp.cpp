// SPDX-License-Identifier: Apache-2.0
#include "agent/score/timestamp.h"

#include <charconv>
#include <chrono>
#include <cmath>

#include "agent/base/parse.h"

namespace hostmedic {
namespace {

using std::chrono::hours, std::chrono::minutes, std::chrono::seconds;

// Takes parts off the front of a text; once one did not fit, none fits any more.
struct Parts {
  std::string_view rest;
  bool good = true;

  int number(std::size_t digits) {
    int value = 0;
    const char* end = rest.data() + std::min(digits, rest.size());
    const auto [at, error] = std::from_chars(rest.data(), end, value);
    good = good && error == std::errc() && at == end && rest.size() >= digits && rest.front() != '-';
    rest.remove_prefix(std::min(digits, rest.size()));
    return good ? value : 0;
  }
  bool take(std::string_view any_of) {
    if (rest.empty() || any_of.find(rest.front()) == std::string_view::npos) return false;
    rest.remove_prefix(1);
    return true;
  }
  void need(std::string_view any_of) { good = take(any_of) && good; }
};

Duration time_of_day(Parts& parts) {
  const int hour = parts.number(2);
  parts.need(":");
  const int minute = parts.number(2);
  const int second = parts.take(":") ? parts.number(2) : 0;
  Duration fraction{};
  if (parts.take(".,")) {
    Duration unit = seconds(1);
    do {
      unit /= 10;
      fraction += parts.number(1) * unit;
    } while (parts.good && !parts.rest.empty() && parts.rest.front() >= '0' && parts.rest.front() <= '9');
  }
  parts.good = parts.good && hour <= 24 && minute < 60 && second <= 60;
  return hours(hour) + minutes(minute) + seconds(second) + fraction;
}

// East of Greenwich; none means UTC.
Duration offset(Parts& parts) {
  parts.take(" ");
  if (parts.rest.empty() || parts.take("Zz")) return {};
  const bool west = parts.rest.front() == '-';
  parts.need("+-");
  const int hour = parts.number(2);
  parts.take(":");
  const int minute = parts.rest.empty() ? 0 : parts.number(2);
  parts.good = parts.good && hour < 24 && minute < 60;
  const Duration length = hours(hour) + minutes(minute);
  return west ? -length : length;
}

}  // namespace

std::optional<WallTime> parse_iso_time(std::string_view text) {
  Parts parts{text};
  const int year = parts.number(4);
  parts.need("-/");
  const int month = parts.number(2);
  parts.need("-/");
  const int day = parts.number(2);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!parts.good || !date.ok() || year < 1970 || year >= 2200) return std::nullopt;
  Duration since = std::chrono::sys_days(date).time_since_epoch();
  if (!parts.rest.empty()) {
    parts.need("T t");
    since += time_of_day(parts);
    since -= offset(parts);
  }
  if (!parts.good || !parts.rest.empty()) return std::nullopt;
  return WallTime(since);
}

std::optional<WallTime> parse_epoch_time(std::string_view text) {
  constexpr double kYear5000 = 95'617'584'000.0;  // seconds
  const auto value = parse_double(text);
  if (!value || *value < 0) return std::nullopt;
  double ns_per_unit = 1e9;
  for (double rest = *value; rest > kYear5000 && ns_per_unit > 1; rest /= 1000) ns_per_unit /= 1000;
  const double ns = *value * ns_per_unit;
  if (ns > 9e18) return std::nullopt;
  return WallTime(Duration(std::llround(ns)));
}

}  // namespace hostmedic
