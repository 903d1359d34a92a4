// SPDX-License-Identifier: Apache-2.0
#include "probes/change/watched_trees.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "probes/change/file_rules.h"

namespace hostmedic::change {
namespace {

std::int64_t ns_of(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

bool is_below(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

bool is_missing(const Error& error) {
  return error.code == ErrorCode::not_found || error.sys_errno == ENOTDIR || error.sys_errno == ELOOP;
}

// What a link points to; a link is text as a file is.
std::optional<std::string> link_target(int dir, const std::string& name) {
  char target[1024];
  const ssize_t n = ::readlinkat(dir, name.c_str(), target, sizeof target);
  if (n < 0) return std::nullopt;
  return std::string(target, static_cast<std::size_t>(n));
}

}  // namespace

struct WatchedTrees::Look {
  WallTime now;
  WallTime since;                // the look before
  std::optional<WallTime> seen;  // of the first look: what is older was told
  bool first = false, everything = false;
  std::vector<FileChange> changes;

  WallTime within(std::int64_t ns) const {
    return std::clamp(wall_from_ns(ns), std::min(seen.value_or(since), now), now);
  }
};

std::string_view to_string(FileAction action) {
  switch (action) {
    case FileAction::created: return "created";
    case FileAction::modified: return "modified";
    case FileAction::deleted: return "deleted";
  }
  return "unknown";
}

WatchedTrees::WatchedTrees(Fd root, std::string root_path, TreeRules rules, std::shared_ptr<DirectoryWatch> news,
                           KnownGood* copies)
    : root_(std::move(root)),
      root_path_(root_path == "/" ? "" : std::move(root_path)),
      rules_(std::move(rules)),
      news_(std::move(news)),
      copies_(copies) {}

std::vector<FileChange> WatchedTrees::look_at_all(WallTime now, std::optional<WallTime> seen) {
  Look look{.now = now,
            .since = looked_at_.value_or(now),
            .seen = looked_at_ ? std::nullopt : seen,
            .first = !looked_at_,
            .everything = true,
            .changes = {}};
  looked_at_ = now;
  std::erase_if(told_, [&](const auto& row) {
    return now - row.second.since >= std::chrono::hours(1) || now < row.second.since;
  });
  cut_ = false;
  unwatched_ = 0;
  for (const std::string& directory : rules_.directories) enter(directory, 0, look);
  if (look.seen) tell_gone_copies(look);
  renew_copies(now);
  copies_->settle();
  return std::move(look.changes);
}

std::vector<FileChange> WatchedTrees::look_at(const std::set<int>& watches, WallTime now) {
  Look look{
      .now = now, .since = looked_at_.value_or(now), .seen = {}, .first = false, .everything = false, .changes = {}};
  looked_at_ = now;
  std::set<std::string> directories;
  for (const int watch : watches)
    if (const auto at = by_watch_.find(watch); at != by_watch_.end()) directories.insert(at->second);
  for (const std::string& directory : directories) enter(directory, depth_of(directory), look);
  return std::move(look.changes);
}

// Below the tree that holds it; 0 for a tree itself.
int WatchedTrees::depth_of(const std::string& directory) const {
  std::size_t longest = 0;
  for (const std::string& tree : rules_.directories)
    if (directory == tree || is_below(directory, tree)) longest = std::max(longest, tree.size());
  return static_cast<int>(std::ranges::count(directory.substr(longest), '/'));
}

bool WatchedTrees::is_excluded(const std::string& path, std::string_view name) const {
  return is_noise(name) || path.size() > 512 || printable(path, 512) != path ||
         std::ranges::any_of(rules_.excluded, [&](const std::string& pattern) { return glob_match(pattern, path); });
}

// A file that everybody may read lies in directories that everybody may enter.
bool WatchedTrees::may_copy(const std::string& path, unsigned mode) const {
  if (!S_ISREG(mode) || !may_be_copied(path, mode) ||
      std::ranges::none_of(rules_.copied, [&](const std::string& tree) { return is_below(path, tree); }))
    return false;
  struct stat found{};
  for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
    if (::fstatat(root_.get(), path.substr(1, slash - 1).c_str(), &found, 0) != 0 || (found.st_mode & S_IXOTH) == 0)
      return false;
  return true;
}

// Who may write here could write anything, so it need not withstand somebody who looks for the same hash. ret_content:
// of a link, and of a file that is not too large. nullopt: it cannot be read.
std::optional<std::uint64_t> WatchedTrees::hash_of(int dir, const std::string& name, const struct stat& found,
                                                   std::optional<std::string>& ret_content) const {
  if (S_ISREG(found.st_mode) && static_cast<std::uint64_t>(found.st_size) > kMostHashed.count)
    return fnv1a(
        strf("%lld %lld", static_cast<long long>(ns_of(found.st_mtim)), static_cast<long long>(found.st_size)));
  if (S_ISLNK(found.st_mode)) {
    ret_content = link_target(dir, name);
  } else if (auto text = read_file_at(dir, name, kMostHashed)) {
    ret_content = std::move(*text);
  }
  return ret_content ? std::optional(fnv1a(*ret_content)) : std::nullopt;
}

void WatchedTrees::enter(const std::string& directory, int depth, Look& look) {
  auto fd = open_at(root_.get(), directory.substr(1), O_RDONLY | O_DIRECTORY | (depth > 0 ? O_NOFOLLOW : 0));
  DIR* const raw = fd ? ::fdopendir(fd->get()) : nullptr;
  if (raw == nullptr) {
    // Only what is known to be gone is: another error says nothing of the files.
    if (!fd && is_missing(fd.error())) forget_below(directory, look.now, look);
    return;
  }
  const int dir = fd->release();  // now the list's
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(raw, ::closedir);
  if (!directories_.contains(directory) && directories_.size() >= kMostDirectories) {
    cut_ = true;
    return;
  }
  // Before it is read, so that nothing happens unnoticed in between.
  const int watch = news_->add_directory(root_path_ + directory);
  const int before = std::exchange(directories_.try_emplace(directory, -1).first->second, watch);
  if (before >= 0 && before != watch) {  // another directory has its name
    news_->remove(before);
    by_watch_.erase(before);
  }
  if (watch >= 0) by_watch_[watch] = directory;
  if (watch < 0) ++unwatched_;
  std::set<std::string> seen;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    const std::string path = directory + "/" + name;
    struct stat found{};
    if (is_excluded(path, name) || ::fstatat(dir, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) continue;
    seen.insert(name);
    if (S_ISDIR(found.st_mode)) {
      const bool known = directories_.contains(path);
      // A tree inside another one is looked at as one of its own.
      const bool own = std::ranges::find(rules_.directories, path) != rules_.directories.end();
      if (own && !known) enter(path, 0, look);
      if (!own && depth < kDeepest && (look.everything || !known)) enter(path, depth + 1, look);
    } else if (S_ISREG(found.st_mode) || S_ISLNK(found.st_mode)) {
      file(dir, name, path, found, look);
    }
  }
  forget_missing(directory, seen, look);
}

void WatchedTrees::file(int dir, const std::string& name, const std::string& path, const struct stat& found,
                        Look& look) {
  auto at = rows_.find(path);
  const bool known = at != rows_.end();
  if (!known && rows_.size() >= kMostFiles) {
    cut_ = true;
    return;
  }
  Row& row = known ? at->second : rows_[path];
  const auto size = static_cast<std::uint64_t>(found.st_size);
  const std::int64_t written = ns_of(found.st_mtim), changed = ns_of(found.st_ctim);
  if (known && row.hash && row.inode == found.st_ino && row.size == size && row.written == written &&
      row.changed == changed)
    return;
  std::optional<std::string> content;
  const auto hash = hash_of(dir, name, found, content);
  if (!hash) return;  // what it held before is not known to have changed
  row.inode = found.st_ino;
  row.size = size;
  row.written = written;
  row.changed = changed;
  const auto before = std::exchange(row.hash, hash);
  const bool allowed = may_copy(path, found.st_mode);
  if (!allowed) copies_->drop(path);  // it was closed since
  const bool copied = allowed && content && KnownGood::takes(*content);
  if (look.first) {
    found_first(path, row, copied ? &*content : nullptr, look);
  } else if (!known || before) {
    if (before == hash) return;
    row.newer_than_copy = copied;
    tell(path, known ? FileAction::modified : FileAction::created, look.within(changed), look);
  }
}

// content: null where no copy is wanted. Without one nothing is known of the time before.
void WatchedTrees::found_first(const std::string& path, Row& row, const std::string* content, Look& look) {
  if (content == nullptr) return;
  if (!look.seen) {
    (void)copies_->keep(path, *content);  // where there is no room there is no copy; refused() counts them
    return;
  }
  const auto made = copies_->made_at(path);
  const bool news = row.changed > to_ns(*look.seen);
  if (!made) {
    row.newer_than_copy = true;
    if (news && copies_->refused() == 0) tell(path, FileAction::created, look.within(row.changed), look);
  } else if (row.changed > to_ns(*made) && copies_->read(path) != *content) {
    row.newer_than_copy = true;
    if (news) tell(path, FileAction::modified, look.within(row.changed), look);
  }
}

void WatchedTrees::forget_missing(const std::string& directory, const std::set<std::string>& seen, Look& look) {
  const std::string prefix = directory + "/";
  struct stat changed{};
  const WallTime at = ::fstatat(root_.get(), directory.substr(1).c_str(), &changed, 0) == 0
                          ? look.within(ns_of(changed.st_mtim))
                          : look.now;
  std::vector<std::string> gone;
  for (auto row = rows_.lower_bound(prefix); row != rows_.end() && row->first.starts_with(prefix); ++row) {
    const std::string_view below = std::string_view(row->first).substr(prefix.size());
    if (below.find('/') == std::string_view::npos && !seen.contains(std::string(below))) gone.push_back(row->first);
  }
  for (const std::string& path : gone) {
    const auto row = rows_.find(path);
    tell(path, FileAction::deleted, at, look);
    rows_.erase(row);
  }
  std::vector<std::string> empty;
  for (auto row = directories_.lower_bound(prefix); row != directories_.end() && row->first.starts_with(prefix);
       ++row) {
    const std::string_view below = std::string_view(row->first).substr(prefix.size());
    const bool own = std::ranges::find(rules_.directories, row->first) != rules_.directories.end();
    if (!own && below.find('/') == std::string_view::npos && !seen.contains(std::string(below)))
      empty.push_back(row->first);
  }
  for (const std::string& path : empty) forget_below(path, at, look);
}

// The directory is not there any more, or cannot be read.
void WatchedTrees::forget_below(const std::string& directory, WallTime at, Look& look) {
  const std::string prefix = directory + "/";
  for (auto row = rows_.lower_bound(prefix); row != rows_.end() && row->first.starts_with(prefix);) {
    tell(row->first, FileAction::deleted, at, look);
    row = rows_.erase(row);
  }
  const auto forget = [&](std::map<std::string, int>::iterator row) {
    if (row->second >= 0) {
      news_->remove(row->second);
      by_watch_.erase(row->second);
    }
    return directories_.erase(row);
  };
  if (const auto itself = directories_.find(directory); itself != directories_.end()) (void)forget(itself);
  for (auto row = directories_.lower_bound(prefix); row != directories_.end() && row->first.starts_with(prefix);)
    row = forget(row);
}

void WatchedTrees::tell(const std::string& path, FileAction action, WallTime at, Look& look) {
  if (told_.size() >= kMostFiles && !told_.contains(path)) {
    ++restless_;
    return;
  }
  Told& told = told_.try_emplace(path, Told{look.now, 0}).first->second;
  if (++told.times > kMostToldPerHour) {
    ++restless_;
    return;
  }
  look.changes.push_back({path, action, at});
}

void WatchedTrees::tell_gone_copies(Look& look) {
  copies_->each([&](const std::string& path) {
    if (rows_.contains(path)) return;
    const bool watched =
        std::ranges::any_of(rules_.directories, [&](const std::string& tree) { return is_below(path, tree); });
    const std::string directory = path.substr(0, path.rfind('/'));
    struct stat changed{};
    const bool gone =
        ::fstatat(root_.get(), path.substr(1).c_str(), &changed, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
    if (!watched || !gone || ::fstatat(root_.get(), directory.substr(1).c_str(), &changed, 0) != 0) return;
    if (ns_of(changed.st_mtim) > to_ns(*look.seen))
      look.changes.push_back({path, FileAction::deleted, look.within(ns_of(changed.st_mtim))});
  });
}

// What has stood for a while is good enough to go back to, and a file that is gone for long is not missed.
void WatchedTrees::renew_copies(WallTime now) {
  constexpr Duration kForgetAfter = std::chrono::hours(24 * 30);
  for (auto& [path, row] : rows_) {
    if (!row.newer_than_copy || now - wall_from_ns(row.changed) < kGoodAfter) continue;
    row.newer_than_copy = false;
    const auto content = read_file_at(root_.get(), path.substr(1), KnownGood::kMostFile);
    if (content && fnv1a(*content) == row.hash) (void)copies_->keep(path, *content);
  }
  std::vector<std::string> old;
  copies_->each([&](const std::string& path) {
    if (!rows_.contains(path) && now - *copies_->made_at(path) >= kForgetAfter) old.push_back(path);
  });
  for (const std::string& path : old) copies_->drop(path);
}

}  // namespace hostmedic::change
