// SPDX-License-Identifier: Apache-2.0
#include "agent/store/quarantine.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {

namespace {
namespace fs = std::filesystem;
constexpr std::string_view kJournals[] = {"-wal", "-shm"};

// "20261121T021853120Z": sorts by time and is safe in a file name.
std::string stamp(WallTime now) {
  std::string text = format_utc(now);
  std::erase_if(text, [](char c) { return c == '-' || c == ':' || c == '.'; });
  return text;
}

// Oldest first, without their journals.
std::vector<fs::path> quarantined_of(const std::string& path) {
  const fs::path file(path);
  const std::string prefix = file.filename().string() + ".corrupt-";
  std::vector<fs::path> kept;
  std::error_code error;
  for (fs::directory_iterator it(file.parent_path().empty() ? "." : file.parent_path(), error), end;
       !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const bool journal = std::any_of(std::begin(kJournals), std::end(kJournals),
                                     [&](std::string_view suffix) { return name.ends_with(suffix); });
    if (name.starts_with(prefix) && !journal) kept.push_back(it->path());
  }
  std::sort(kept.begin(), kept.end());
  return kept;
}

void remove_oldest(const std::string& path) {
  const std::vector<fs::path> kept = quarantined_of(path);
  std::error_code error;
  for (std::size_t i = 0; i + kMostQuarantined < kept.size(); ++i) {
    fs::remove_all(kept[i], error);  // what cannot be removed stays; it is tried again the next time
    for (const std::string_view suffix : kJournals) fs::remove(kept[i].string() + std::string(suffix), error);
  }
}
}  // namespace

bool has_quarantined(const std::string& path) { return !quarantined_of(path).empty(); }

Result<std::string> move_aside(const std::string& path) {
  const std::string base = path + ".corrupt-" + stamp(wall_now());
  std::string target = base;
  std::error_code error;
  for (int n = 1; fs::exists(fs::symlink_status(target, error)) && n < 100; ++n) target = base + strf(".%02d", n);
  if (std::rename(path.c_str(), target.c_str()) != 0) return errno_error(errno, "rename " + path);
  // SQLite would take a journal left behind for one of the new file.
  for (const std::string_view suffix : kJournals) {
    const std::string from = path + std::string(suffix);
    const std::string to = target + std::string(suffix);
    if (std::rename(from.c_str(), to.c_str()) != 0 && errno != ENOENT) return errno_error(errno, "rename " + from);
  }
  remove_oldest(path);
  return target;
}

}  // namespace hostmedic
