// SPDX-License-Identifier: Apache-2.0
// What varies from line to line of a log and what must not be repeated. Pure, allocates only where a string is
// returned; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hostmedic::log {

inline constexpr std::size_t kLongestToken = 64;  // of a masked token; what is longer is cut

// A token, free of blanks, with its variable parts replaced: <num>, <hex>, <id> (letters and digits mixed), <uuid>,
// <ip>, <time>, <path>. "sshd[1234]:" is "sshd[<num>]:", "user=42" is "user=<num>", "eth0" is "eth<num>".
class MaskedToken {
 public:
  explicit MaskedToken(std::string_view token);
  std::string_view text() const { return {text_, size_}; }

 private:
  void append(std::string_view part);
  std::size_t append_word(std::string_view text);
  char text_[kLongestToken];
  std::size_t size_ = 0;
};

// Without what looks like a secret: what follows the words password, token, secret, api key, authorization, cookie and
// their like, user and password in a URL, and long runs of letters and digits mixed. Words stay as many as they are.
std::string redacted(std::string_view line);

}  // namespace hostmedic::log
