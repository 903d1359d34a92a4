// SPDX-License-Identifier: Apache-2.0
#include "probes/log/mask.h"

#include <algorithm>
#include <cstring>

namespace hostmedic::log {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::string_view kHidden = "<redacted>";
constexpr std::size_t kLongestSaidWord = 24;  // longer ones of letters and digits mixed are taken for keys
constexpr std::size_t kLeastHex = 6;          // "deadbeef01"; shorter ones may be words
constexpr int kMostChanges = 2;               // between letters and digits in a name: "x86_64", "ipv4to6"

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_word(char c) { return is_digit(c) || is_alpha(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

std::size_t run_of(std::string_view text, bool (*in)(char)) {
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), in) - text.begin());
}
bool ends_word(std::string_view text, std::size_t at) { return at >= text.size() || !is_word(text[at]); }

// Each of these: how many bytes at the head of text are one such thing; 0 if none.

std::size_t uuid_at(std::string_view text) {
  constexpr std::size_t kSize = 36;
  if (text.size() < kSize || text[8] != '-' || !ends_word(text, kSize)) return 0;
  for (std::size_t i = 0; i < kSize; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return 0;
  }
  return kSize;
}

std::size_t ipv4_at(std::string_view text) {
  std::size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (at >= text.size() || text[at] != '.') return 0;
      ++at;
    }
    const std::size_t digits = run_of(text.substr(at), is_digit);
    if (digits == 0 || digits > 3) return 0;
    at += digits;
  }
  return ends_word(text, at) ? at : 0;
}

// Groups of hexadecimal digits between colons: with an empty group or with at least four. Not "12:34:56".
std::size_t ipv6_at(std::string_view text) {
  std::size_t at = 0, colons = 0;
  bool empty_group = false;
  while (at < text.size() && (is_hex(text[at]) || text[at] == ':')) {
    if (text[at] == ':') {
      ++colons;
      empty_group = empty_group || (at > 0 && text[at - 1] == ':');
    }
    ++at;
  }
  while (at > 0 && text[at - 1] == ':' && !(at > 1 && text[at - 2] == ':')) --at, --colons;  // a colon after it
  return (empty_group && at > 2) || (colons >= 4 && colons <= 7) ? at : 0;
}

// "2026-11-21", with or without the time of day; "10:00:00.123".
std::size_t time_at(std::string_view text) {
  const auto digits = [&](std::size_t at, std::size_t count) {
    return text.size() >= at + count && run_of(text.substr(at, count), is_digit) == count;
  };
  const bool date = digits(0, 4) && text.size() >= 10 && (text[4] == '-' || text[4] == '/') && text[7] == text[4] &&
                    digits(5, 2) && digits(8, 2);
  const bool clock =
      digits(0, 2) && text.size() >= 8 && text[2] == ':' && text[5] == ':' && digits(3, 2) && digits(6, 2);
  if (!date && !clock) return 0;
  const auto is_part = [](char c) { return is_digit(c) || c == ':' || c == '.' || c == 'T' || c == 'Z' || c == '+'; };
  std::size_t at = date ? 10 : 8;
  at += run_of(text.substr(at), is_part);
  while (at > 0 && !is_digit(text[at - 1]) && text[at - 1] != 'Z') --at;  // punctuation after it
  return at;
}

std::size_t path_at(std::string_view text) {
  if (text.size() < 2 || text[0] != '/' || !(is_word(text[1]) || text[1] == '.')) return 0;
  const std::size_t size = std::min(text.find_first_of(":,;\"'()[]<>=|"), text.size());
  return size > 2 && text[size - 1] == '.' ? size - 1 : size;
}

// A number with its fractions or thousands.
std::size_t number_at(std::string_view text) {
  std::size_t at = run_of(text, is_digit);
  while (at > 0 && at + 1 < text.size() && (text[at] == '.' || text[at] == ',') && is_digit(text[at + 1]))
    at += 1 + run_of(text.substr(at + 1), is_digit);
  return at;
}

int changes_of(std::string_view word) {
  int changes = 0;
  for (std::size_t i = 1; i < word.size(); ++i) {
    const char a = word[i - 1], b = word[i];
    changes += (is_digit(a) && is_alpha(b)) || (is_alpha(a) && is_digit(b)) ? 1 : 0;
  }
  return changes;
}

}  // namespace

void MaskedToken::append(std::string_view part) {
  const std::size_t take = std::min(part.size(), kLongestToken - size_);
  std::memcpy(text_ + size_, part.data(), take);
  size_ += take;
}

// One thing at the head of text that is no punctuation, and its mark or its letters. Returns how much of text it was.
std::size_t MaskedToken::append_word(std::string_view text) {
  struct Kind {
    std::size_t (*at)(std::string_view);
    std::string_view mark;
  };
  static constexpr Kind kKinds[] = {{uuid_at, "<uuid>"}, {ipv4_at, "<ip>"}, {time_at, "<time>"}, {ipv6_at, "<ip>"}};
  if (is_hex(text.front())) {
    for (const Kind& kind : kKinds) {
      const std::size_t taken = kind.at(text);
      if (taken == 0) continue;
      append(kind.mark);
      return taken;
    }
  }
  const std::size_t size = run_of(text, is_word);
  const std::string_view word = text.substr(0, size);
  const std::size_t digit = static_cast<std::size_t>(std::find_if(word.begin(), word.end(), is_digit) - word.begin());
  if (digit == size) {
    append(word);
    return size;
  }
  const bool hex =
      word.starts_with("0x") || (size >= kLeastHex && changes_of(word) > 0 && run_of(word, is_hex) == size);
  if (hex || changes_of(word) > kMostChanges) {
    append(hex ? "<hex>" : "<id>");
    return size;
  }
  append(word.substr(0, digit));
  append("<num>");
  const std::size_t number = digit == 0 ? number_at(text) : run_of(text.substr(digit), is_digit);
  // What follows a number within a word is its unit or the rest of a name: "12.5ms". Nothing new begins there.
  const std::string_view after = text.substr(digit + number);
  const std::string_view rest = after.substr(0, run_of(after, is_word));
  const std::size_t unit = static_cast<std::size_t>(std::find_if(rest.begin(), rest.end(), is_digit) - rest.begin());
  append(rest.substr(0, unit));
  return digit + number + unit;
}

MaskedToken::MaskedToken(std::string_view token) {
  const std::size_t scheme = token.find("://");
  for (std::size_t at = 0; at < token.size() && size_ < kLongestToken;) {
    const std::string_view rest = token.substr(at);
    if (is_word(rest.front())) {
      at += append_word(rest);
      continue;
    }
    const char before = at == 0 ? ' ' : token[at - 1];
    const bool may_be_path = is_word(before) ? scheme < at : before != '/';  // not in "and/or"
    if (const std::size_t path = may_be_path ? path_at(rest) : 0; path > 0) {
      append("<path>");
      at += path;
    } else if (const std::size_t address = rest.front() == ':' ? ipv6_at(rest) : 0; address > 0) {
      append("<ip>");
      at += address;
    } else {
      append(rest.substr(0, 1));
      ++at;
    }
  }
}

namespace {

bool equals_lower(std::string_view text, std::string_view lower_case) {
  if (text.size() < lower_case.size()) return false;
  for (std::size_t i = 0; i < lower_case.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != lower_case[i]) return false;
  }
  return true;
}

constexpr std::string_view kSecretWords[] = {
    "password",   "passwd", "passphrase",    "pwd",    "token",  "secret",  "api_key",   "api-key",   "apikey",
    "access_key", "auth",   "authorization", "bearer", "cookie", "session", "signature", "credential"};

// The name of a secret ends at `at`, directly before '=', ':' or the like.
bool names_secret(std::string_view word) {
  for (const std::string_view secret : kSecretWords) {
    for (std::size_t at = 0; at + secret.size() <= word.size(); ++at) {
      if (equals_lower(word.substr(at), secret)) return true;
    }
  }
  return false;
}

// One word of a line. ret_next: how many of the words that follow are secret.
std::string redacted_word(std::string_view word, int& ret_next) {
  ret_next = 0;
  if (const std::size_t scheme = word.find("://"); scheme != npos) {
    const std::size_t at = word.find('@', scheme), slash = word.find('/', scheme + 3);
    if (at != npos && at < slash)
      return std::string(word.substr(0, scheme + 3)) + std::string(kHidden) + std::string(word.substr(at));
  }
  const std::size_t joint = word.find_first_of("=:");
  const std::string_view name = word.substr(0, std::min(joint, word.size()));
  if (names_secret(name)) {
    if (joint != npos && word.find_first_not_of("=:\"'", joint) != npos)
      return std::string(word.substr(0, joint + 1)) + std::string(kHidden);
    // "Authorization: Bearer abc" hides two words, "password: abc" and "token abc" one.
    const bool scheme_follows = names_secret(name) && equals_lower(name, "authorization");
    ret_next = scheme_follows ? 2 : 1;
    if (joint == npos && !equals_lower(name, "bearer")) ret_next = 0;  // prose: "the token expired"
    return std::string(word);
  }
  const auto is_key = [](char c) { return is_digit(c) || is_alpha(c) || c == '_' || c == '-' || c == '+' || c == '/'; };
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t size = run_of(word.substr(at), is_key);
    const std::string_view run = word.substr(at, size);
    if (size > kLongestSaidWord && run.find('/') == npos && changes_of(run) > kMostChanges && uuid_at(run) == 0)
      return std::string(word.substr(0, at)) + std::string(kHidden) + std::string(word.substr(at + size));
    at += std::max<std::size_t>(size, 1);
  }
  return std::string(word);
}

}  // namespace

std::string redacted(std::string_view line) {
  std::string out;
  out.reserve(line.size());
  int hidden = 0;
  while (!line.empty()) {
    const std::size_t blanks = std::min(line.find_first_not_of(" \t"), line.size());
    out.append(line.substr(0, blanks));
    line.remove_prefix(blanks);
    const std::string_view word = line.substr(0, std::min(line.find_first_of(" \t"), line.size()));
    line.remove_prefix(word.size());
    if (word.empty()) break;
    if (hidden > 0) {
      --hidden;
      out += kHidden;
      continue;
    }
    out += redacted_word(word, hidden);
  }
  return out;
}

}  // namespace hostmedic::log
