// SPDX-License-Identifier: Apache-2.0
#include "agent/base/parse.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "agent/base/text.h"

namespace hostmedic {
namespace {

template <class T, class... Args>
Result<T> from_whole(std::string_view text, const char* wanted, Args... args) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, args...);
  if (error == std::errc::result_out_of_range)
    return make_error(ErrorCode::malformed, "'" + printable(text, 40) + "' is out of range for " + wanted);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty())
    return make_error(ErrorCode::malformed, "'" + printable(text, 40) + "' is not " + wanted);
  return value;
}

struct UnitScale {
  std::string_view suffix;
  std::uint64_t scale;
};
constexpr UnitScale kTimeUnits[] = {{"ns", 1ULL},
                                    {"us", 1000ULL},
                                    {"ms", 1000'000ULL},
                                    {"s", 1000'000'000ULL},
                                    {"m", 60'000'000'000ULL},
                                    {"h", 3600'000'000'000ULL},
                                    {"d", 86400'000'000'000ULL}};
constexpr UnitScale kByteUnits[] = {
    {"B", 1ULL}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}, {"TiB", 1ULL << 40}};

// Splits "30s..." into its number, the scale of its unit and what follows. False if there is no such thing.
template <std::size_t N>
bool take_quantity(std::string_view& text, const UnitScale (&units)[N], double& ret_amount) {
  const auto digits = text.find_first_not_of("0123456789.");
  if (digits == 0 || digits == std::string_view::npos) return false;
  const auto number = parse_double(text.substr(0, digits));
  if (!number) return false;
  text.remove_prefix(digits);
  const auto letters = text.find_first_of("0123456789.");
  const std::string_view suffix = text.substr(0, letters);
  for (const UnitScale& unit : units) {
    if (unit.suffix != suffix) continue;
    ret_amount = *number * static_cast<double>(unit.scale);
    text.remove_prefix(suffix.size());
    return true;
  }
  return false;
}

}  // namespace

Result<std::uint64_t> parse_u64(std::string_view text, int base) {
  return from_whole<std::uint64_t>(text, "a whole number", base);
}
Result<std::int64_t> parse_i64(std::string_view text) { return from_whole<std::int64_t>(text, "a whole number"); }

Result<double> parse_double(std::string_view text) {
  auto value = from_whole<double>(text, "a number");
  if (value && !std::isfinite(*value)) return make_error(ErrorCode::malformed, "not a finite number");
  return value;
}

Result<Duration> parse_duration(std::string_view text) {
  const auto refuse = [whole = text] {
    return make_error(ErrorCode::malformed,
                      "'" + printable(whole, 40) + "' is not a duration such as \"30s\", \"5m\" or \"1h30m\"");
  };
  constexpr double kMost = 100.0 * 365 * 86400 * 1e9;
  double total = 0;
  if (text.empty()) return refuse();
  while (!text.empty()) {
    double amount = 0;
    if (!take_quantity(text, kTimeUnits, amount)) return refuse();
    total += amount;
  }
  if (total > kMost) return refuse();
  return Duration(static_cast<std::int64_t>(std::llround(total)));
}

Result<Bytes> parse_bytes(std::string_view text) {
  const std::string_view whole = text;
  double amount = 0;
  if (!take_quantity(text, kByteUnits, amount) || !text.empty() || amount > 9e18)
    return make_error(ErrorCode::malformed, "'" + printable(whole, 40) + "' is not a size such as \"64MiB\"");
  return Bytes{static_cast<std::uint64_t>(amount)};
}

std::string_view TextCursor::line() {
  const auto end = rest_.find('\n');
  const std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  return line;
}

std::string_view TextCursor::word() {
  const auto start = rest_.find_first_not_of(" \t");
  rest_.remove_prefix(start == std::string_view::npos ? rest_.size() : start);
  const auto end = rest_.find_first_of(" \t\n");
  const std::string_view word = rest_.substr(0, end);
  rest_.remove_prefix(word.size());
  return word;
}

}  // namespace hostmedic
