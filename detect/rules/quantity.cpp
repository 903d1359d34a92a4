// SPDX-License-Identifier: Apache-2.0
#include "detect/rules/quantity.h"

#include "agent/base/text.h"

namespace hostmedic::detect {

using Plain = Dimension::Plain;

namespace {
std::int8_t add(std::int8_t a, int b) { return static_cast<std::int8_t>(a + b); }

// 2 * count is a count, count * count too; a ratio of something is of its kind.
Plain plain_product(Plain a, Plain b) {
  if (a == Plain::count || b == Plain::count) return Plain::count;
  return a == Plain::number ? b : a;
}
Plain plain_quotient(Plain a, Plain b) {
  if (a == b) return a == Plain::number ? Plain::number : Plain::ratio;
  return b == Plain::number || a == Plain::count ? a : Plain::number;
}
}  // namespace

Dimension dimension_of(Unit unit) {
  switch (unit) {
    case Unit::ratio: return {.plain = Plain::ratio};
    case Unit::bytes: return {.bytes = 1};
    case Unit::seconds: return {.seconds = 1};
    case Unit::count: return {.plain = Plain::count};
    case Unit::bytes_per_second: return {.bytes = 1, .seconds = -1};
    case Unit::per_second: return {.seconds = -1};
    case Unit::celsius: return {.celsius = 1};
  }
  return {.any = true};
}

Unit unit_of(const Dimension& dimension) {
  if (dimension.celsius == 1) return Unit::celsius;
  if (dimension.bytes == 1) return dimension.seconds == -1 ? Unit::bytes_per_second : Unit::bytes;
  if (dimension.seconds == 1) return Unit::seconds;
  if (dimension.seconds == -1) return Unit::per_second;
  return dimension.plain == Plain::ratio ? Unit::ratio : Unit::count;
}

std::string to_string(const Dimension& dimension) {
  if (dimension.any) return "anything";
  const auto power = [](int exponent, std::string name) { return exponent == 1 ? name : name + strf("^%d", exponent); };
  std::string text;
  if (dimension.bytes > 0) text = power(dimension.bytes, "bytes");
  if (dimension.celsius > 0) text += (text.empty() ? "" : " * ") + power(dimension.celsius, "degrees Celsius");
  if (dimension.seconds > 0) text += (text.empty() ? "" : " * ") + power(dimension.seconds, "seconds");
  std::string below;
  if (dimension.bytes < 0) below += " per " + power(-dimension.bytes, "byte");
  if (dimension.celsius < 0) below += " per " + power(-dimension.celsius, "degree Celsius");
  if (dimension.seconds < 0) below += " per " + power(-dimension.seconds, "second");
  if (text.empty() && below.empty()) {
    switch (dimension.plain) {
      case Plain::number: return "a number";
      case Plain::ratio: return "a ratio";
      case Plain::count: return "a count";
    }
  }
  return text.empty() ? below.substr(1) : text + below;
}

std::optional<Dimension> common(const Dimension& a, const Dimension& b) {
  if (a.any) return b;
  if (b.any) return a;
  if (!a.same_powers(b)) return std::nullopt;
  if (a.plain == b.plain || b.plain == Plain::number) return a;
  if (a.plain == Plain::number) return b;
  return std::nullopt;
}

Dimension product(const Dimension& a, const Dimension& b) {
  Dimension result{.bytes = add(a.bytes, b.bytes),
                   .seconds = add(a.seconds, b.seconds),
                   .celsius = add(a.celsius, b.celsius),
                   .any = a.any || b.any};
  if (!result.has_unit() && !a.has_unit()) result.plain = plain_product(a.plain, b.plain);
  return result;
}

Dimension quotient(const Dimension& a, const Dimension& b) {
  Dimension result{.bytes = add(a.bytes, -b.bytes),
                   .seconds = add(a.seconds, -b.seconds),
                   .celsius = add(a.celsius, -b.celsius),
                   .any = a.any || b.any};
  if (!result.has_unit()) result.plain = a.has_unit() ? Plain::ratio : plain_quotient(a.plain, b.plain);
  return result;
}

}  // namespace hostmedic::detect
