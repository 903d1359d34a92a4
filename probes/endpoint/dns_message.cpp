// SPDX-License-Identifier: Apache-2.0
#include "probes/endpoint/dns_message.h"

#include <array>

#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kHeader = 12, kMostLabel = 63;

void append_u16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}

unsigned u16_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned>(static_cast<unsigned char>(bytes[at])) << 8 | static_cast<unsigned char>(bytes[at + 1]);
}

}  // namespace

Result<std::string> encode_dns_query(std::uint16_t id, std::string_view name) {
  std::string out;
  append_u16(out, id);
  append_u16(out, 0x0100);  // a query, recursion desired
  append_u16(out, 1);       // one question
  out.append(6, '\0');      // no records
  if (name.ends_with('.')) name.remove_suffix(1);
  for (const std::string_view label : split(name, '.')) {
    if (label.empty() || label.size() > kMostLabel) return make_error(ErrorCode::malformed, "not a domain name");
    out += static_cast<char>(label.size());
    out += label;
  }
  out += '\0';
  append_u16(out, 1);  // A
  append_u16(out, 1);  // IN
  return out;
}

Result<DnsReply> decode_dns_reply(std::string_view bytes, std::uint16_t id) {
  if (bytes.size() < kHeader) return make_error(ErrorCode::malformed, "the reply is shorter than a header");
  const unsigned flags = u16_at(bytes, 2);
  if (u16_at(bytes, 0) != id || (flags & 0x8000) == 0)
    return make_error(ErrorCode::malformed, "not a reply to this question");
  return DnsReply{static_cast<int>(flags & 0xf), u16_at(bytes, 6), (flags & 0x0200) != 0};
}

std::string_view dns_code_text(int code) {
  static constexpr std::array<std::string_view, 6> kTexts{
      "no error",     "the server did not understand the question", "the server failed",
      "no such name", "the server does not know such questions",    "the server refused"};
  return code >= 0 && static_cast<std::size_t>(code) < kTexts.size() ? kTexts[static_cast<std::size_t>(code)]
                                                                     : "an unknown error";
}

}  // namespace hostmedic
