// SPDX-License-Identifier: Apache-2.0
// Text helpers without locale or exceptions. Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hostmedic {

// printf into a std::string.
[[gnu::format(printf, 1, 2)]] std::string strf(const char* format, ...);

std::string_view trim(std::string_view text);  // spaces, tabs, CR, LF at both ends
std::vector<std::string_view> split(std::string_view text, char separator);
std::string join(std::span<const std::string> parts, std::string_view separator);

// Shell-style pattern over the whole text: '*' any run (also of '/'), '?' one character. Linear in practice, never
// exponential.
bool glob_match(std::string_view pattern, std::string_view text);

// For text that came from outside (process names, file names, log lines): control characters, DEL and bytes that are
// not valid UTF-8 become '?', and what exceeds most_bytes is cut and marked with "...". The result is safe for a
// terminal and for a JSON string.
std::string printable(std::string_view text, std::size_t most_bytes);

// The candidate with the smallest edit distance to word if that is at most 1 + word.size() / 4, else empty.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

// 64-bit FNV-1a: for content ids and fingerprints that must be the same on every machine. Not a cryptographic hash.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t seed = 0xcbf29ce484222325ULL) {
  std::uint64_t hash = seed;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}
std::string hex64(std::uint64_t value);  // 16 lower-case digits

}  // namespace hostmedic
