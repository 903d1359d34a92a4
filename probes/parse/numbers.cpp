// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/numbers.h"

#include <algorithm>
#include <array>

#include "probes/parse/lines.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostNumbers = 16;

bool is_fuller(std::uint64_t used, std::uint64_t most, std::uint64_t than_used, std::uint64_t than_most) {
  if (most == 0) return false;
  if (than_most == 0) return true;
  return static_cast<double>(used) / static_cast<double>(most) >
         static_cast<double>(than_used) / static_cast<double>(than_most);
}

// "used/most"
Status take_share(std::string_view word, std::uint64_t& ret_used, std::uint64_t& ret_most) {
  const auto slash = word.find('/');
  if (slash == std::string_view::npos) return make_error(ErrorCode::malformed, "not used/most");
  const auto used = parse_u64(word.substr(0, slash)), most = parse_u64(word.substr(slash + 1));
  if (!used) return used.error();
  if (!most) return most.error();
  ret_used = *used;
  ret_most = *most;
  return ok();
}

}  // namespace

Status parse_numbers(std::string_view text, std::span<std::uint64_t> ret_numbers) {
  if (auto whole = require_whole_lines(text); !whole) return whole;
  if (ret_numbers.size() > kMostNumbers) return make_error(ErrorCode::limit, "more numbers than are read");
  std::array<std::uint64_t, kMostNumbers> numbers{};
  TextCursor lines(text);
  Columns line(lines.line(), 1);
  for (std::size_t i = 0; i < ret_numbers.size(); ++i) numbers[i] = line.need("number");
  if (line.failed()) return std::move(line).error();
  std::copy_n(numbers.begin(), ret_numbers.size(), ret_numbers.begin());
  return ok();
}

Result<KeyQuota> parse_key_users(std::string_view text) {
  KeyQuota fullest;
  if (text.empty()) return fullest;
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    TextCursor line(lines.line());
    for (int i = 0; i < 3; ++i) line.word();  // user, references, keys / instantiated keys
    KeyQuota user;
    if (auto taken = take_share(line.word(), user.keys, user.most_keys); !taken)
      return line_error(number, "keys", std::move(taken).error());
    if (auto taken = take_share(line.word(), user.bytes, user.most_bytes); !taken)
      return line_error(number, "bytes", std::move(taken).error());
    if (is_fuller(user.keys, user.most_keys, fullest.keys, fullest.most_keys)) {
      fullest.keys = user.keys;
      fullest.most_keys = user.most_keys;
    }
    if (is_fuller(user.bytes, user.most_bytes, fullest.bytes, fullest.most_bytes)) {
      fullest.bytes = user.bytes;
      fullest.most_bytes = user.most_bytes;
    }
  }
  return fullest;
}

}  // namespace hostmedic
