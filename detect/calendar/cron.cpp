// SPDX-License-Identifier: Apache-2.0
#include "detect/calendar/cron.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic::detect {

namespace {

constexpr std::array<std::string_view, 12> kMonths{"jan", "feb", "mar", "apr", "may", "jun",
                                                   "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kWeekdays{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Field {
  std::string_view name;
  unsigned least, most;  // 7 is Sunday as well
  std::span<const std::string_view> names;
};
constexpr Field kFields[] = {{"minute", 0, 59, {}},
                             {"hour", 0, 23, {}},
                             {"day of the month", 1, 31, {}},
                             {"month", 1, 12, kMonths},
                             {"day of the week", 0, 7, kWeekdays}};

Error wrong(const Field& field, std::string_view text) {
  return make_error(ErrorCode::malformed,
                    "the " + std::string(field.name) + " is " + strf("%u to %u", field.least, field.most) +
                        ", *, a range a-b or a list, " + "each with /step, and not '" + printable(text, 32) + "'");
}

std::optional<unsigned> value_of(std::string_view text, const Field& field) {
  std::string lower(text.substr(0, 4));
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (std::size_t i = 0; i < field.names.size(); ++i)
    if (field.names[i] == lower) return field.least + static_cast<unsigned>(i);
  const auto value = parse_u64(text);
  if (!value || *value < field.least || *value > field.most) return std::nullopt;
  return static_cast<unsigned>(*value);
}

Result<std::uint64_t> parse_field(std::string_view text, const Field& field) {
  std::uint64_t bits = 0;
  for (const std::string_view part : split(text, ',')) {
    const auto slash = part.find('/');
    const std::string_view range = part.substr(0, slash);
    const auto dash = range.find('-');
    std::optional<unsigned> from = field.least, to = field.most;
    if (range == "*") {
      if (field.most == 7) to = 6;
    } else {
      from = value_of(range.substr(0, dash), field);
      to = dash == std::string_view::npos ? (slash == std::string_view::npos ? from : std::optional(field.most))
                                          : value_of(range.substr(dash + 1), field);
    }
    std::uint64_t step = 1;
    if (slash != std::string_view::npos) step = parse_u64(part.substr(slash + 1)).value_or(0);
    if (!from || !to || *from > *to || step < 1 || step > 60) return wrong(field, part);
    for (std::uint64_t i = *from; i <= *to; i += step) bits |= std::uint64_t{1} << i;
  }
  return bits;
}

}  // namespace

Result<Cron> parse_cron(std::string_view text) {
  TextCursor cursor(text);
  std::array<std::uint64_t, 5> bits{};
  std::array<std::string_view, 5> words;
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = cursor.word();
    if (words[i].empty())
      return make_error(ErrorCode::malformed, "five fields are wanted: minute hour day-of-month month day-of-week");
    auto field = parse_field(words[i], kFields[i]);
    if (!field) return std::move(field).error();
    bits[i] = *field;
  }
  if (!trim(cursor.rest()).empty())
    return make_error(ErrorCode::malformed, "more than five fields: minute hour day-of-month month day-of-week");
  if ((bits[4] & (1U << 7)) != 0) bits[4] = (bits[4] & 0x7f) | 1;
  return Cron{.minutes = bits[0],
              .hours = static_cast<std::uint32_t>(bits[1]),
              .days = static_cast<std::uint32_t>(bits[2]),
              .months = static_cast<std::uint32_t>(bits[3]),
              .weekdays = static_cast<std::uint32_t>(bits[4]),
              .any_day = words[2].front() == '*',
              .any_weekday = words[4].front() == '*'};
}

bool Cron::has_day(std::int64_t day) const {
  const std::chrono::sys_days date{std::chrono::days(day)};
  const std::chrono::year_month_day parts(date);
  if ((months >> static_cast<unsigned>(parts.month()) & 1) == 0) return false;
  const bool by_day = (days >> static_cast<unsigned>(parts.day()) & 1) != 0;
  const bool by_weekday = (weekdays >> std::chrono::weekday(date).c_encoding() & 1) != 0;
  return any_day || any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

std::optional<WallTime> last_start(const Cron& cron, const ZoneRule& zone, WallTime since, WallTime at) {
  // A day more at the end: what is skipped in the morning of a change comes later by the clock.
  const std::int64_t first = local_time(zone, since).day() - 1;
  std::optional<WallTime> best;
  for (std::int64_t day = local_time(zone, at).day(); day >= first && !best; --day) {
    if (!cron.has_day(day)) continue;
    // Where the clock is set back, a later minute of the day is not always the later moment.
    for (int minute = 1440; minute-- > 0;) {
      if ((cron.hours >> (minute / 60) & 1) == 0 || (cron.minutes >> (minute % 60) & 1) == 0) continue;
      const WallTime moment = moment_of(zone, {day * 86400 + minute * 60});
      if (moment <= at && moment > since && (!best || moment > *best)) best = moment;
      if (best && *best - moment > std::chrono::hours(3)) break;
    }
  }
  return best;
}

}  // namespace hostmedic::detect
