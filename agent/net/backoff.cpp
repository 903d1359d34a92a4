// SPDX-License-Identifier: Apache-2.0
#include "agent/net/backoff.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr Duration kLongest = std::chrono::hours(24);

Result<int> small_number(std::string_view text, int most) {
  auto number = parse_u64(text);
  if (!number) return std::move(number).error();
  if (*number > static_cast<std::uint64_t>(most)) return make_error(ErrorCode::malformed, "number too large");
  return static_cast<int>(*number);
}

// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that may be sent today. strptime would depend on the locale.
Result<WallTime> parse_http_date(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const Error bad = make_error(ErrorCode::malformed, "neither seconds nor an HTTP date");
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return bad;
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  auto day = small_number(text.substr(5, 2), 31);
  auto year = small_number(text.substr(12, 4), 2200);
  auto hour = small_number(text.substr(17, 2), 23);
  auto minute = small_number(text.substr(20, 2), 59);
  auto second = small_number(text.substr(23, 2), 60);
  if (month == kMonths.end() || !day || !year || !hour || !minute || !second || *year < 1970) return bad;
  if (text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':') return bad;
  std::tm tm{};
  tm.tm_year = *year - 1900;
  tm.tm_mon = static_cast<int>(month - kMonths.begin());
  tm.tm_mday = *day;
  tm.tm_hour = *hour;
  tm.tm_min = *minute;
  tm.tm_sec = *second;
  return WallTime(std::chrono::seconds(::timegm(&tm)));
}

}  // namespace

// splitmix64 with a multiplicative reduction: short, good enough for spreading load, and the same everywhere, which
// std::uniform_int_distribution does not promise.
Duration Backoff::uniform(Duration most) {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  z ^= z >> 31;
  const double fraction = static_cast<double>(z >> 11) * 0x1p-53;
  return Duration(static_cast<std::int64_t>(fraction * static_cast<double>(most.count())));
}

Duration Backoff::next() {
  Duration ceiling = first_;
  for (unsigned i = 0; i < failures_ && ceiling < most_; ++i) ceiling *= 2;
  ++failures_;
  return uniform(std::min(ceiling, most_));
}

Result<Duration> parse_retry_after(std::string_view text, WallTime now) {
  text = trim(text);
  if (auto seconds = parse_u64(text)) {
    const auto most = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(kLongest).count());
    return Duration(std::chrono::seconds(std::min(*seconds, most)));
  }
  auto date = parse_http_date(text);
  if (!date) return std::move(date).error();
  return std::clamp<Duration>(*date - now, Duration(0), kLongest);
}

}  // namespace hostmedic
