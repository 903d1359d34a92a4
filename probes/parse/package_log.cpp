// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/package_log.h"

#include <algorithm>

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostName = 200, kMostVersion = 200;
constexpr std::string_view kNone = "<none>";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_package_name(std::string_view name) {
  return !name.empty() && name.size() <= kMostName && name.front() != '.' && name.front() != '-' &&
         std::ranges::all_of(name, [](char c) {
           return is_letter(c) || is_digit(c) || std::string_view("+-._").find(c) != std::string_view::npos;
         });
}
bool is_version(std::string_view version) {
  return !version.empty() && version.size() <= kMostVersion && std::ranges::all_of(version, [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("+-._~:^").find(c) != std::string_view::npos;
  });
}

// Digits only, of the given number, within the bounds.
bool number(std::string_view text, int least, int most, int& ret_value) {
  int value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    value = value * 10 + (c - '0');
  }
  if (text.empty() || value < least || value > most) return false;
  ret_value = value;
  return true;
}

// "2026-11-21", "14:02:33".
bool date_and_time(std::string_view date, std::string_view time, LogTime& ret_at) {
  return date.size() == 10 && date[4] == '-' && date[7] == '-' && time.size() == 8 && time[2] == ':' &&
         time[5] == ':' && number(date.substr(0, 4), 1970, 9999, ret_at.year) &&
         number(date.substr(5, 2), 1, 12, ret_at.month) && number(date.substr(8, 2), 1, 31, ret_at.day) &&
         number(time.substr(0, 2), 0, 23, ret_at.hour) && number(time.substr(3, 2), 0, 59, ret_at.minute) &&
         number(time.substr(6, 2), 0, 60, ret_at.second);
}

// "2026-02-14T09:30:12+0000", "...Z".
std::optional<LogTime> parse_stamp(std::string_view text) {
  LogTime at;
  if (text.size() < 20 || text[10] != 'T' || !date_and_time(text.substr(0, 10), text.substr(11, 8), at))
    return std::nullopt;
  const std::string_view zone = text.substr(19);
  int hours = 0, minutes = 0;
  if (zone == "Z") {
    at.utc_offset_seconds = 0;
  } else if (zone.size() == 5 && (zone[0] == '+' || zone[0] == '-') && number(zone.substr(1, 2), 0, 18, hours) &&
             number(zone.substr(3, 2), 0, 59, minutes)) {
    const int offset = hours * 3600 + minutes * 60;
    at.utc_offset_seconds = zone[0] == '-' ? -offset : offset;
  } else {
    return std::nullopt;
  }
  return at;
}

// "openssl-libs-1:3.2.2-6.el9.x86_64": name, version with epoch and release, architecture. False: it is no such thing.
bool split_nevra(std::string_view text, PackageChange& ret_change) {
  const auto arch = text.rfind('.');
  if (arch == std::string_view::npos) return false;
  const std::string_view whole = text.substr(0, arch);
  const auto release = whole.rfind('-');
  if (release == std::string_view::npos || release == 0) return false;
  const auto version = whole.rfind('-', release - 1);
  if (version == std::string_view::npos) return false;
  ret_change.name = whole.substr(0, version);
  ret_change.version = whole.substr(version + 1);
  return is_package_name(ret_change.name) && is_version(ret_change.version);
}

// Cuts off the beginning that holds digits only, or none.
std::string_view take_run(std::string_view& text, bool digits) {
  const auto* const end = std::ranges::find_if(text, [&](char c) { return is_digit(c) != digits; });
  const std::string_view run(text.data(), static_cast<std::size_t>(end - text.data()));
  text.remove_prefix(run.size());
  return run;
}

// '~' comes before the end of the text, that before letters, those before all else.
int rank(std::string_view text, std::size_t at) {
  if (at >= text.size()) return 0;
  if (text[at] == '~') return -1;
  return is_letter(text[at]) ? text[at] : 256 + text[at];
}
int compare_words(std::string_view a, std::string_view b) {
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i)
    if (const int order = rank(a, i) - rank(b, i); order != 0) return order;
  return 0;
}
// As numbers of any length.
int compare_numbers(std::string_view a, std::string_view b) {
  a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
  b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}
int compare_part(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    if (const int order = compare_words(take_run(a, false), take_run(b, false)); order != 0) return order;
    if (const int order = compare_numbers(take_run(a, true), take_run(b, true)); order != 0) return order;
  }
  return 0;
}

struct DebianVersion {
  std::string_view epoch, upstream, revision;
};
DebianVersion split_version(std::string_view text) {
  DebianVersion version;
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    version.epoch = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (const auto dash = text.rfind('-'); dash != std::string_view::npos) {
    version.revision = text.substr(dash + 1);
    text = text.substr(0, dash);
  }
  version.upstream = text;
  return version;
}

}  // namespace

std::string_view to_string(PackageAction action) {
  switch (action) {
    case PackageAction::installed: return "installed";
    case PackageAction::upgraded: return "upgraded";
    case PackageAction::downgraded: return "downgraded";
    case PackageAction::removed: return "removed";
  }
  return "unknown";
}

int compare_debian_versions(std::string_view a, std::string_view b) {
  const DebianVersion x = split_version(a), y = split_version(b);
  if (const int order = compare_part(x.epoch, y.epoch); order != 0) return order;
  if (const int order = compare_part(x.upstream, y.upstream); order != 0) return order;
  return compare_part(x.revision, y.revision);
}

std::optional<PackageChange> parse_dpkg_log_line(std::string_view line) {
  TextCursor cursor(line);
  PackageChange change;
  const std::string_view date = cursor.word(), time = cursor.word();
  if (!date_and_time(date, time, change.at)) return std::nullopt;
  const std::string_view action = cursor.word();
  std::string_view name = cursor.word();
  const std::string_view before = cursor.word(), after = cursor.word();
  if (!trim(cursor.rest()).empty()) return std::nullopt;
  name = name.substr(0, name.find(':'));
  if (!is_package_name(name)) return std::nullopt;
  if (before != kNone && !is_version(before)) return std::nullopt;
  if (after != kNone && !is_version(after)) return std::nullopt;
  change.name = name;
  if (action == "install" && after != kNone) {
    // What was removed before and left its configuration is named as the old version; it was not in use.
    change.action = PackageAction::installed;
    change.version = after;
  } else if (action == "upgrade" && before != kNone && after != kNone) {
    const int order = compare_debian_versions(before, after);
    change.action = order < 0   ? PackageAction::upgraded
                    : order > 0 ? PackageAction::downgraded
                                : PackageAction::installed;  // once more
    change.version = after;
    change.previous = before;
  } else if (action == "remove" && before != kNone) {
    change.action = PackageAction::removed;
    change.previous = before;
  } else {
    return std::nullopt;
  }
  return change;
}

std::optional<PackageChange> parse_dnf_log_line(std::string_view line) {
  struct Word {
    std::string_view word;
    PackageAction action;
  };
  // "Upgraded", "Downgraded" and "Reinstalled" are about the version that goes.
  static constexpr Word kWords[] = {{"Installed:", PackageAction::installed},
                                    {"Reinstall:", PackageAction::installed},
                                    {"Upgrade:", PackageAction::upgraded},
                                    {"Downgrade:", PackageAction::downgraded},
                                    {"Erase:", PackageAction::removed}};
  TextCursor cursor(line);
  const auto at = parse_stamp(cursor.word());
  if (!at || cursor.word() != "SUBDEBUG") return std::nullopt;
  const std::string_view word = cursor.word();
  const auto* const row = std::ranges::find(kWords, word, &Word::word);
  const std::string_view package = cursor.word();
  if (row == std::end(kWords) || !trim(cursor.rest()).empty()) return std::nullopt;
  PackageChange change;
  change.action = row->action;
  change.at = *at;
  if (!split_nevra(package, change)) return std::nullopt;
  if (change.action == PackageAction::removed) std::swap(change.version, change.previous);
  return change;
}

}  // namespace hostmedic
