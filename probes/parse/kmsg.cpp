// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/kmsg.h"

#include <string>

#include "agent/base/parse.h"

namespace hostmedic {
namespace {

constexpr unsigned kLevelBits = 3;

Result<std::uint64_t> next_number(std::string_view& head, std::string_view item) {
  const std::size_t comma = head.find(',');
  auto value = parse_u64(head.substr(0, comma));
  if (!value) return std::move(value).error().in(item);
  head.remove_prefix(comma == std::string_view::npos ? head.size() : comma + 1);
  return value;
}

}  // namespace

Result<KmsgRecord> parse_kmsg(std::string_view record) {
  const std::size_t end = record.find(';');
  if (end == std::string_view::npos) return make_error(ErrorCode::malformed, "no ';' after the head");
  std::string_view head = record.substr(0, end);
  const auto priority = next_number(head, "priority");
  if (!priority) return priority.error();
  if (*priority > 0xffff) return make_error(ErrorCode::malformed, "priority: too large");
  const auto sequence = next_number(head, "sequence");
  if (!sequence) return sequence.error();
  const auto time_us = next_number(head, "time");
  if (!time_us) return time_us.error();
  const std::string_view rest = record.substr(end + 1);
  return KmsgRecord{static_cast<unsigned>(*priority >> kLevelBits), static_cast<unsigned>(*priority & 7), *sequence,
                    *time_us, rest.substr(0, rest.find('\n'))};
}

}  // namespace hostmedic
