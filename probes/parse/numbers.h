// SPDX-License-Identifier: Apache-2.0
// The files of /proc/sys, which hold a few numbers on one line, and key-users. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

// As many numbers as ret_numbers has room for, from the first on; more are ignored. malformed: fewer, one that is none,
// a cut line. ret_numbers is untouched on error.
Status parse_numbers(std::string_view text, std::span<std::uint64_t> ret_numbers);

// "  33:  1 1/1 1/200 9/20000" per user: how many keys and bytes of his are used, of how many.
struct KeyQuota {
  std::uint64_t keys = 0, most_keys = 0, bytes = 0, most_bytes = 0;
};
// Of all users the one with the largest share of his keys, and the one with the largest of his bytes; empty if nobody
// has keys.
Result<KeyQuota> parse_key_users(std::string_view text);

}  // namespace hostmedic
