// SPDX-License-Identifier: Apache-2.0
#include "agent/base/x509.h"

#include <chrono>
#include <cstdint>
#include <optional>

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostName = 128;

// Tags of ASN.1 that occur here.
enum Tag : std::uint8_t {
  kBitString = 0x03,
  kOctetString = 0x04,
  kObjectId = 0x06,
  kUtcTime = 0x17,
  kGeneralizedTime = 0x18,
  kSequence = 0x30,
  kSet = 0x31,
  kVersion = 0xa0,     // [0]
  kExtensions = 0xa3,  // [3]
  kDnsName = 0x82,     // [2] of a general name
};
constexpr std::string_view kCommonName("\x55\x04\x03", 3), kOrganization("\x55\x04\x0a", 3);
constexpr std::string_view kAlternativeNames("\x55\x1d\x11", 3);

Error malformed(std::string_view what) { return make_error(ErrorCode::malformed, std::string(what)); }

struct Element {
  std::uint8_t tag = 0;
  std::string_view value;
};

// Reads elements one after the other. Lengths are DER: definite and no longer than needed.
class Der {
 public:
  explicit Der(std::string_view bytes) : rest_(bytes) {}
  bool at_end() const { return rest_.empty(); }
  std::uint8_t peek() const { return rest_.empty() ? 0 : static_cast<std::uint8_t>(rest_[0]); }

  std::optional<Element> next() {
    if (rest_.size() < 2) return std::nullopt;
    const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(rest_[i]); };
    const std::uint8_t tag = at(0);
    constexpr std::uint8_t kLongTag = 0x1f, kLongLength = 0x80;
    if ((tag & kLongTag) == kLongTag) return std::nullopt;
    std::size_t length = at(1), head = 2;
    if (length >= kLongLength) {
      const std::size_t octets = length - kLongLength;
      if (octets == 0 || octets > 3 || rest_.size() < 2 + octets) return std::nullopt;
      length = 0;
      for (std::size_t i = 0; i < octets; ++i) length = length << 8 | at(2 + i);
      const std::size_t least = octets == 1 ? kLongLength : std::size_t{1} << (8 * (octets - 1));
      if (length < least) return std::nullopt;
      head += octets;
    }
    if (rest_.size() - head < length) return std::nullopt;
    const Element element{tag, rest_.substr(head, length)};
    rest_.remove_prefix(head + length);
    return element;
  }
  // The value of the next element if it has that tag.
  std::optional<std::string_view> expect(std::uint8_t tag) {
    if (peek() != tag) return std::nullopt;
    const auto element = next();
    return element ? std::optional(element->value) : std::nullopt;
  }

 private:
  std::string_view rest_;
};

// "YYMMDDhhmmssZ" or "YYYYMMDDhhmmssZ", as RFC 5280 wants them: with seconds, in UTC.
std::optional<WallTime> time_of(const Element& element) {
  std::string_view text = element.value;
  const std::size_t year_digits = element.tag == kUtcTime ? 2 : 4;
  if (element.tag != kUtcTime && element.tag != kGeneralizedTime) return std::nullopt;
  if (text.size() != year_digits + 11 || text.back() != 'Z') return std::nullopt;
  const auto take = [&](std::size_t digits) {
    const auto value = parse_u64(text.substr(0, digits));
    text.remove_prefix(digits);
    return value ? static_cast<int>(*value) : -1;
  };
  int year = take(year_digits);
  if (year >= 0 && year_digits == 2) year += year < 50 ? 2000 : 1900;
  const int month = take(2), day = take(2), hour = take(2), minute = take(2), second = take(2);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (year < 0 || month < 0 || day < 0 || !date.ok()) return std::nullopt;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return std::nullopt;
  // What nanoseconds cannot hold is as good as for ever ("99991231235959Z"), or as over since long.
  constexpr int kFirstYear = 1970, kLastYear = 2250;
  if (year > kLastYear) return WallTime::max();
  if (year < kFirstYear) return WallTime();
  const auto since = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                     std::chrono::minutes(minute) + std::chrono::seconds(second);
  return WallTime(std::chrono::duration_cast<Duration>(since));
}

// The value of the attribute within a distinguished name: a sequence of sets of sequences of type and text.
std::string find_in_name(std::string_view name, std::string_view wanted) {
  Der sets(name);
  while (const auto set = sets.next()) {
    if (set->tag != kSet) continue;
    Der pairs(set->value);
    while (const auto pair = pairs.next()) {
      Der parts(pair->value);
      const auto type = parts.expect(kObjectId);
      const auto text = parts.next();
      if (type && text && *type == wanted) return printable(text->value, kMostName);
    }
  }
  return {};
}

std::string first_dns_name(std::string_view extensions) {
  Der outer(extensions);
  Der all(outer.expect(kSequence).value_or(std::string_view()));
  while (const auto extension = all.next()) {
    Der parts(extension->value);
    if (parts.expect(kObjectId) != kAlternativeNames) continue;
    // A flag may stand between.
    for (auto part = parts.next(); part; part = parts.next()) {
      if (part->tag != kOctetString) continue;
      Der inner(part->value);
      Der names(inner.expect(kSequence).value_or(std::string_view()));
      while (const auto name = names.next())
        if (name->tag == kDnsName) return printable(name->value, kMostName);
    }
  }
  return {};
}

int digit_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// White space is skipped; anything else ends in malformed.
std::optional<std::string> decode_base64(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  int held = 0;
  bool padded = false;
  for (const char c : text) {
    if (c == '\n' || c == '\r' || c == ' ' || c == '\t') continue;
    if (c == '=') {
      padded = true;
      continue;
    }
    const int digit = digit_of(c);
    if (digit < 0 || padded) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xff);
  }
  return bytes;
}

}  // namespace

Result<Certificate> parse_certificate_der(std::string_view der) {
  Der file(der);
  const auto whole = file.expect(kSequence);
  if (!whole) return malformed("no certificate");
  Der signed_part(*whole);
  const auto body = signed_part.expect(kSequence);
  if (!body) return malformed("no body");
  Der parts(*body);
  (void)parts.expect(kVersion);
  const auto serial = parts.next(), algorithm = parts.next();
  const auto issuer = parts.expect(kSequence), validity = parts.expect(kSequence), subject = parts.expect(kSequence);
  if (!serial || !algorithm || !issuer || !validity || !subject) return malformed("a part of the body is missing");
  Der times(*validity);
  const auto first = times.next(), last = times.next();
  const auto not_before = first ? time_of(*first) : std::nullopt, not_after = last ? time_of(*last) : std::nullopt;
  if (!not_before || !not_after) return malformed("a time that is none");
  Certificate certificate;
  certificate.not_before = *not_before;
  certificate.not_after = *not_after;
  certificate.issuer = find_in_name(*issuer, kCommonName);
  if (certificate.issuer.empty()) certificate.issuer = find_in_name(*issuer, kOrganization);
  certificate.subject = find_in_name(*subject, kCommonName);
  while (certificate.subject.empty()) {
    const auto part = parts.next();
    if (!part) break;
    if (part->tag == kExtensions) certificate.subject = first_dns_name(part->value);
  }
  return certificate;
}

Result<Certificate> parse_certificate_pem(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----", kEnd = "-----END CERTIFICATE-----";
  const std::size_t begin = text.find(kBegin);
  if (begin == std::string_view::npos) return make_error(ErrorCode::not_found, "no certificate in the file");
  const std::string_view rest = text.substr(begin + kBegin.size());
  const std::size_t end = rest.find(kEnd);
  if (end == std::string_view::npos) return malformed("a certificate without end");
  const auto der = decode_base64(rest.substr(0, end));
  if (!der) return malformed("not base64");
  return parse_certificate_der(*der);
}

}  // namespace hostmedic
