// SPDX-License-Identifier: Apache-2.0
#include "agent/config/zone_file.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "agent/base/file.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr Bytes kMostBytes = mib(1);
constexpr std::size_t kMostRule = 128, kHead = 44;

bool is_name(std::string_view name) {
  constexpr std::string_view kMarks = "/_+-";
  const auto fits = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  };
  return name.size() <= 64 && name.front() != '/' && name.back() != '/' && std::ranges::all_of(name, fits);
}

// What the host calls its own zone: where the link leads, below the database.
std::string local_name(const ZonePaths& paths) {
  std::array<char, 512> target{};
  const ssize_t length = ::readlink(paths.local.c_str(), target.data(), target.size());
  const std::string_view text(target.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  constexpr std::string_view kDatabase = "zoneinfo/";
  const auto at = text.find(kDatabase);
  return at == std::string_view::npos ? "local time" : std::string(text.substr(at + kDatabase.size()));
}

}  // namespace

Result<detect::ZoneRule> parse_zone_file(std::string_view bytes, std::string name) {
  if (bytes.size() < 2 * kHead || !bytes.starts_with("TZif") || bytes[4] < '2')
    return make_error(ErrorCode::malformed, "not a zone file of version 2 or later");
  // The second block of times ends with the rule, between two line feeds.
  const bool ended = bytes.back() == '\n';
  bytes.remove_suffix(1);
  const auto begin = bytes.rfind('\n');
  if (!ended || begin == std::string_view::npos || bytes.size() - begin > kMostRule)
    return make_error(ErrorCode::malformed, "the zone file is cut: it does not end with a rule");
  return detect::parse_zone_rule(bytes.substr(begin + 1), std::move(name));
}

Result<detect::ZoneRule> load_zone(std::string_view name, const ZonePaths& paths) {
  if (name == "UTC") return detect::ZoneRule{};
  if (!name.empty() && !is_name(name))
    return make_error(ErrorCode::malformed, "a time zone is called like Europe/Berlin or UTC");
  auto bytes = read_file(name.empty() ? paths.local : paths.database + "/" + std::string(name), kMostBytes);
  if (!bytes) {
    if (name.empty() && bytes.error().code == ErrorCode::not_found) return detect::ZoneRule{};
    return std::move(bytes).error().in("time zone");
  }
  return parse_zone_file(*bytes, name.empty() ? local_name(paths) : std::string(name));
}

}  // namespace hostmedic
