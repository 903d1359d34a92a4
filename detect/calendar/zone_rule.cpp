// SPDX-License-Identifier: Apache-2.0
#include "detect/calendar/zone_rule.h"

#include <algorithm>

#include "agent/base/parse.h"

namespace hostmedic::detect {

namespace {

using std::chrono::day;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
std::int64_t seconds_of(WallTime at) { return floor_div(to_ns(at), kSecond); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Walks a rule from left to right. A part that is not as it must be fails the whole.
class RuleText {
 public:
  explicit RuleText(std::string_view text) : rest_(text) {}
  bool at_end() const { return rest_.empty(); }
  bool failed() const { return failed_; }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void want(char c) { failed_ = failed_ || !take(c); }
  // "CEST", or "<+0330>".
  void name() {
    const bool quoted = take('<');
    std::size_t length = 0;
    while (length < rest_.size() && (quoted ? rest_[length] != '>' : is_letter(rest_[length]))) ++length;
    failed_ = failed_ || length < 3 || length > 16;
    rest_.remove_prefix(length);
    if (quoted) want('>');
  }
  int number(int least, int most) {
    int value = 0;
    std::size_t digits = 0;
    for (; digits < rest_.size() && digits < 4 && is_digit(rest_[digits]); ++digits)
      value = value * 10 + (rest_[digits] - '0');
    rest_.remove_prefix(digits);
    failed_ = failed_ || digits == 0 || value < least || value > most;
    return value;
  }
  // [+-]hh[:mm[:ss]] in seconds.
  int time(int most_hours) {
    const int sign = take('-') ? -1 : 1;
    if (sign > 0) take('+');
    int seconds = number(0, most_hours) * 3600;
    if (take(':')) seconds += number(0, 59) * 60;
    if (take(':')) seconds += number(0, 59);
    return sign * seconds;
  }
  bool has_offset() const {
    return !rest_.empty() && (is_digit(rest_.front()) || rest_.front() == '-' || rest_.front() == '+');
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

ZoneRule::Change take_change(RuleText& text) {
  ZoneRule::Change change;
  if (text.take('M')) {
    change.month = text.number(1, 12);
    text.want('.');
    change.week = text.number(1, 5);
    text.want('.');
    change.day = text.number(0, 6);
  } else if (text.take('J')) {
    change.kind = ZoneRule::Change::Day::of_365_days;
    change.day = text.number(1, 365);
  } else {
    change.kind = ZoneRule::Change::Day::of_year;
    change.day = text.number(0, 365);
  }
  if (text.take('/')) change.time = text.time(167);
  return change;
}

std::int64_t day_of(const ZoneRule::Change& change, year of) {
  const sys_days first = of / 1 / 1;
  if (change.kind == ZoneRule::Change::Day::of_year) return first.time_since_epoch().count() + change.day;
  if (change.kind == ZoneRule::Change::Day::of_365_days)
    return first.time_since_epoch().count() + change.day - 1 + (of.is_leap() && change.day > 59 ? 1 : 0);
  const month in{static_cast<unsigned>(change.month)};
  const std::chrono::weekday wanted{static_cast<unsigned>(change.day)};
  if (change.week == 5) return sys_days(of / in / wanted[std::chrono::last]).time_since_epoch().count();
  return sys_days(of / in / wanted[static_cast<unsigned>(change.week)]).time_since_epoch().count();
}

}  // namespace

Result<ZoneRule> parse_zone_rule(std::string_view posix, std::string name) {
  ZoneRule zone;
  zone.name = std::move(name);
  RuleText text(posix);
  text.name();
  zone.standard = zone.summer = -text.time(24);
  if (!text.at_end()) {
    zone.changes = true;
    text.name();
    zone.summer = text.has_offset() ? -text.time(24) : zone.standard + 3600;
    if (text.at_end()) {  // the rule of the United States, as POSIX has it
      zone.begins = {.month = 3, .week = 2};
      zone.ends = {.month = 11, .week = 1};
    } else {
      text.want(',');
      zone.begins = take_change(text);
      text.want(',');
      zone.ends = take_change(text);
    }
  }
  if (text.failed() || !text.at_end())
    return make_error(ErrorCode::malformed, "not a time zone rule such as CET-1CEST,M3.5.0,M10.5.0/3");
  return zone;
}

int offset_at(const ZoneRule& zone, WallTime at) {
  if (!zone.changes) return zone.standard;
  const std::int64_t seconds = seconds_of(at);
  const sys_days today{std::chrono::days(floor_div(seconds + zone.standard, kDay))};
  const year of = year_month_day(today).year();
  const std::int64_t begins = day_of(zone.begins, of) * kDay + zone.begins.time - zone.standard;
  const std::int64_t ends = day_of(zone.ends, of) * kDay + zone.ends.time - zone.summer;
  const bool summer = begins < ends ? seconds >= begins && seconds < ends : seconds >= begins || seconds < ends;
  return summer ? zone.summer : zone.standard;
}

std::int64_t LocalTime::day() const { return floor_div(seconds, kDay); }
int LocalTime::second_of_day() const { return static_cast<int>(seconds - day() * kDay); }

LocalTime local_time(const ZoneRule& zone, WallTime at) { return {seconds_of(at) + offset_at(zone, at)}; }

WallTime moment_of(const ZoneRule& zone, LocalTime local) {
  const int early = std::max(zone.standard, zone.summer), late = std::min(zone.standard, zone.summer);
  for (const int offset : {early, late}) {
    const WallTime at = wall_from_ns((local.seconds - offset) * kSecond);
    if (offset_at(zone, at) == offset) return at;
  }
  return wall_from_ns((local.seconds - late) * kSecond);
}

Result<WallTime> parse_local(std::string_view text, const ZoneRule& zone) {
  const Error wrong = make_error(ErrorCode::malformed, "expected a moment such as 2026-12-24 or 2026-12-24 18:00");
  const bool utc = text.ends_with('Z');
  if (utc) text.remove_suffix(1);
  const auto number = [&](std::size_t at, std::size_t length, std::int64_t most) -> std::optional<std::int64_t> {
    if (text.size() < at + length) return std::nullopt;
    const auto value = parse_u64(text.substr(at, length));
    if (!value || *value > static_cast<std::uint64_t>(most)) return std::nullopt;
    return static_cast<std::int64_t>(*value);
  };
  if (text.size() != 10 && text.size() != 16 && text.size() != 19) return wrong;
  if (text[4] != '-' || text[7] != '-') return wrong;
  const auto y = number(0, 4, 9999), m = number(5, 2, 12), d = number(8, 2, 31);
  std::optional<std::int64_t> hours = 0, minutes = 0, seconds = 0;
  if (text.size() >= 16) {
    if ((text[10] != ' ' && text[10] != 'T') || text[13] != ':') return wrong;
    hours = number(11, 2, 23), minutes = number(14, 2, 59);
  }
  if (text.size() == 19) {
    if (text[16] != ':') return wrong;
    seconds = number(17, 2, 59);
  }
  if (!y || !m || !d || !hours || !minutes || !seconds || *y < 1970 || *y > 2200) return wrong;
  const year_month_day date =
      year(static_cast<int>(*y)) / month(static_cast<unsigned>(*m)) / day(static_cast<unsigned>(*d));
  if (!date.ok()) return make_error(ErrorCode::malformed, "there is no such day");
  const LocalTime local{sys_days(date).time_since_epoch().count() * kDay + *hours * 3600 + *minutes * 60 + *seconds};
  return moment_of(utc ? ZoneRule{} : zone, local);
}

}  // namespace hostmedic::detect
