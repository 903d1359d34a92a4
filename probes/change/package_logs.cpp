// SPDX-License-Identifier: Apache-2.0
#include "probes/change/package_logs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <set>

#include "agent/base/file.h"

namespace hostmedic::change {
namespace {

constexpr const char* kLogDirectory = "/var/log";
struct Kind {
  const char* path;
  std::optional<PackageChange> (*parse)(std::string_view line);
};
constexpr Kind kKinds[] = {{"/var/log/dpkg.log", parse_dpkg_log_line}, {"/var/log/dnf.rpm.log", parse_dnf_log_line}};

// nullopt: no such time, or the host has no time zone for it.
std::optional<WallTime> wall_time(const LogTime& at) {
  std::tm parts{};
  parts.tm_year = at.year - 1900;
  parts.tm_mon = at.month - 1;
  parts.tm_mday = at.day;
  parts.tm_hour = at.hour;
  parts.tm_min = at.minute;
  parts.tm_sec = at.second;
  parts.tm_isdst = -1;
  const std::time_t seconds = at.utc_offset_seconds ? ::timegm(&parts) - *at.utc_offset_seconds : ::mktime(&parts);
  if (seconds <= 0) return std::nullopt;
  return wall_from_ns(static_cast<std::int64_t>(seconds) * 1'000'000'000);
}

bool is_at(const struct stat& found, const LogPlace& place) {
  return found.st_dev == place.device && found.st_ino == place.inode;
}

}  // namespace

PackageLogs::PackageLogs(Fd root, std::string root_path, std::shared_ptr<DirectoryWatch> news)
    : root_(std::move(root)), root_path_(root_path == "/" ? "" : std::move(root_path)), news_(std::move(news)) {
  for (const Kind& kind : kKinds) logs_.push_back({.path = kind.path, .parse = kind.parse, .file = {}, .place = {}});
  directory_watch_ = news_->add_names(root_path_ + kLogDirectory);
}

bool PackageLogs::any() const {
  return std::ranges::any_of(logs_, [](const Log& log) { return static_cast<bool>(log.file); });
}

bool PackageLogs::has_news_of(const std::set<int>& watches) const {
  return watches.contains(directory_watch_) ||
         std::ranges::any_of(logs_, [&](const Log& log) { return watches.contains(log.watch); });
}

std::vector<LogPlace> PackageLogs::places() const {
  std::vector<LogPlace> places;
  for (const Log& log : logs_)
    if (log.file) places.push_back(log.place);
  return places;
}

std::vector<DatedPackageChange> PackageLogs::look(WallTime now, const Memory& memory) {
  std::vector<DatedPackageChange> changes;
  const bool first = !looked_at_;
  // A second: that is how exactly the logs tell the time.
  since_ = std::min(looked_at_.value_or(memory.seen) - std::chrono::seconds(1), now);
  looked_at_ = now;
  more_ = false;
  for (Log& log : logs_) {
    if (log.file) read(log, changes, now);
    struct stat found{};
    if (::fstatat(root_.get(), log.path.c_str() + 1, &found, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(found.st_mode))
      continue;
    if (log.file && (is_at(found, log.place) || more_)) continue;
    open(log, first, memory, changes, now);
  }
  return changes;
}

void PackageLogs::open(Log& log, bool first, const Memory& memory, std::vector<DatedPackageChange>& ret_changes,
                       WallTime now) {
  const auto remembered = std::ranges::find(memory.logs, log.path, &LogPlace::path);
  const bool known = first && remembered != memory.logs.end();
  struct stat found{};
  const auto take = [&](const std::string& path) {
    auto file = open_at(root_.get(), path.substr(1), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file || ::fstat(file->get(), &found) != 0 || !S_ISREG(found.st_mode)) return false;
    log.file = std::move(*file);
    log.place = {log.path, found.st_dev, found.st_ino, 0};
    return true;
  };
  // It was rotated while nobody looked, and is not packed yet.
  if (known && take(log.path + ".1")) {
    log.place.offset = remembered->offset;
    if (is_at(found, *remembered)) read(log, ret_changes, now);
    log.file.reset();
  }
  if (!take(log.path)) return;
  if (log.watch >= 0) news_->remove(log.watch);
  log.watch = news_->add_file(root_path_ + log.path);
  if (known && is_at(found, *remembered)) log.place.offset = remembered->offset;
  if (first && !known) log.place.offset = static_cast<std::uint64_t>(found.st_size);
  read(log, ret_changes, now);
}

// Whole lines only; what has no end yet is read again.
void PackageLogs::read(Log& log, std::vector<DatedPackageChange>& ret_changes, WallTime now) {
  struct stat found{};
  if (::fstat(log.file.get(), &found) != 0) return;
  const auto size = static_cast<std::uint64_t>(found.st_size);
  if (size < log.place.offset) log.place.offset = 0;  // cut and begun anew
  if (size == log.place.offset) return;
  std::string text(std::min<std::uint64_t>(size - log.place.offset, kMostPerLook), '\0');
  const ssize_t n = ::pread(log.file.get(), text.data(), text.size(), static_cast<off_t>(log.place.offset));
  if (n <= 0) return;  // with the next look
  std::string_view rest(text.data(), static_cast<std::size_t>(n));
  const std::size_t whole = rest.rfind('\n') + 1;
  // A line that fills all that is read at once is none of a package manager's.
  log.place.offset += whole > 0 || rest.size() < kMostPerLook ? whole : rest.size();
  more_ = more_ || (log.place.offset < size && rest.size() == kMostPerLook);
  rest = rest.substr(0, whole);
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    auto change = log.parse(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    const auto at = change ? wall_time(change->at) : std::nullopt;
    // A log in local time says an hour twice a year; when it was written is between the looks.
    if (at && now - *at <= kOldest) ret_changes.push_back({std::move(*change), std::clamp(*at, since_, now)});
  }
}

}  // namespace hostmedic::change
