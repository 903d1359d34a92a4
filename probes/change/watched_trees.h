// SPDX-License-Identifier: Apache-2.0
// Which files of some directory trees changed in content. A look at everything reads the status of each file, and the
// content of those whose status changed; a look after news reads only the directories that had some. A file that is
// touched, or written with what it held already, did not change. Blocking; one thread, the probe's worker.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/fd.h"
#include "agent/base/time.h"
#include "probes/change/directory_watch.h"
#include "probes/change/known_good.h"

namespace hostmedic::change {

enum class FileAction : std::uint8_t { created, modified, deleted };
std::string_view to_string(FileAction action);

struct FileChange {
  std::string path;
  FileAction action{};
  WallTime at;  // when, as far as the file or its directory says
  bool operator==(const FileChange&) const = default;
};

struct TreeRules {
  std::vector<std::string> directories;  // absolute
  std::vector<std::string> copied;       // below these the content is kept, where it may be
  std::vector<std::string> excluded;     // patterns of absolute paths; '*' also for '/'
};

class WatchedTrees {
 public:
  static constexpr std::size_t kMostFiles = 4096, kMostDirectories = 1024;
  static constexpr int kDeepest = 8;
  static constexpr Bytes kMostHashed = mib(1);  // of a larger file size and time of writing are compared
  // How long a file must have stood as it is before its content replaces the copy of the one before.
  static constexpr Duration kGoodAfter = std::chrono::hours(1);
  // A file that is written again and again is a program's state: so many changes of one file are told in an hour.
  static constexpr unsigned kMostToldPerHour = 4;

  // root: what paths are opened below; root_path: the same as text, for inotify. news, copies: not null, copies must
  // outlive this.
  WatchedTrees(Fd root, std::string root_path, TreeRules rules, std::shared_ptr<DirectoryWatch> news,
               KnownGood* copies);

  // Looks at everything. The first look finds what there is; with `seen`, the time of the last look before a restart,
  // it tells what of the files that have copies changed since.
  std::vector<FileChange> look_at_all(WallTime now, std::optional<WallTime> seen = std::nullopt);
  // Looks at the directories that had news; other numbers are ignored.
  std::vector<FileChange> look_at(const std::set<int>& watches, WallTime now);

  std::size_t files() const { return rows_.size(); }
  bool cut() const { return cut_; }                                      // a bound was reached: files are missing
  std::size_t unwatched() const { return unwatched_; }                   // directories of which no news come
  std::uint64_t take_restless() { return std::exchange(restless_, 0); }  // changes past kMostToldPerHour

 private:
  struct Row {
    std::uint64_t inode = 0, size = 0;
    std::int64_t written = 0, changed = 0;  // ns since 1970: mtime, ctime
    std::optional<std::uint64_t> hash;      // none: it could not be read yet
    bool newer_than_copy = false;
  };
  struct Told {  // of one file, also of one that is gone
    WallTime since;
    unsigned times = 0;
  };
  using Rows = std::map<std::string, Row>;
  struct Look;

  void enter(const std::string& directory, int depth, Look& look);
  void file(int dir, const std::string& name, const std::string& path, const struct stat& found, Look& look);
  void found_first(const std::string& path, Row& row, const std::string* content, Look& look);
  void forget_missing(const std::string& directory, const std::set<std::string>& seen, Look& look);
  void forget_below(const std::string& directory, WallTime at, Look& look);
  void tell(const std::string& path, FileAction action, WallTime at, Look& look);
  void tell_gone_copies(Look& look);
  void renew_copies(WallTime now);
  int depth_of(const std::string& directory) const;
  bool is_excluded(const std::string& path, std::string_view name) const;
  bool may_copy(const std::string& path, unsigned mode) const;
  std::optional<std::uint64_t> hash_of(int dir, const std::string& name, const struct stat& found,
                                       std::optional<std::string>& ret_content) const;

  const Fd root_;
  const std::string root_path_;
  const TreeRules rules_;
  const std::shared_ptr<DirectoryWatch> news_;
  KnownGood* const copies_;
  Rows rows_;
  std::map<std::string, Told> told_;        // within the last hour, at most kMostFiles
  std::map<std::string, int> directories_;  // with their watch, -1 for none
  std::map<int, std::string> by_watch_;
  std::optional<WallTime> looked_at_;
  std::size_t unwatched_ = 0;
  std::uint64_t restless_ = 0;
  bool cut_ = false;
};

}  // namespace hostmedic::change
