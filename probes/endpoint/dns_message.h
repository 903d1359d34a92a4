// SPDX-License-Identifier: Apache-2.0
// A question to a name server and its answer on the wire (RFC 1035, section 4). Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

// Asks for the IPv4 addresses of a name, with recursion. Error malformed: a label is empty or longer than 63 bytes.
Result<std::string> encode_dns_query(std::uint16_t id, std::string_view name);

struct DnsReply {
  int code = 0;          // RCODE; 0: no error, 3: no such name
  unsigned answers = 0;  // records in the answer section
  bool truncated = false;
};
// The header of a reply. Error malformed: too short, not a reply, or to another question.
Result<DnsReply> decode_dns_reply(std::string_view bytes, std::uint16_t id);
std::string_view dns_code_text(int code);

}  // namespace hostmedic
