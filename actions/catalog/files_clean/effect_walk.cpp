// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/files_clean/effect_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "actions/catalog/effect_beneath.h"
#include "agent/base/clock.h"

namespace hostmedic {
namespace {

constexpr int kMostDepth = 32;
constexpr std::size_t kMostDirectories = 100'000;  // waiting to be looked at
constexpr std::size_t kMostPath = 4000;            // below PATH_MAX

bool larger(const FoundFile& a, const FoundFile& b) {
  return a.bytes != b.bytes ? a.bytes > b.bytes : a.changed < b.changed;
}

struct Directory {
  std::string path;
  int depth = 0;
};

class Walk {
 public:
  Walk(int root, const WalkRules& rules, WalkReport& report) : root_(root), rules_(rules), report_(report) {}

  void run() {
    waiting_.push_back({".", 0});
    while (!waiting_.empty()) {
      if (mono_now() >= rules_.deadline) report_.complete = false;
      if (!report_.complete) break;
      const Directory next = std::move(waiting_.back());
      waiting_.pop_back();
      look(next);
    }
    std::sort(report_.files.begin(), report_.files.end(), larger);
  }

 private:
  void look(const Directory& directory) {
    auto opened = open_beneath(root_, directory.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, Mounts::stay);
    if (!opened) {
      ++(opened.error().code == ErrorCode::denied && opened.error().sys_errno == 0 ? report_.mounts
                                                                                   : report_.unreadable);
      return;
    }
    const int fd = opened->get();
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ++report_.locked;
      return;
    }
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd), ::closedir);
    if (!dir) {  // uncovered: only for want of memory, it is a directory
      ++report_.unreadable;
      return;
    }
    (void)opened->release();  // belongs to dir now
    while (const struct dirent* entry = ::readdir(dir.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (++report_.seen > rules_.most_seen) {
        report_.complete = false;
        return;
      }
      struct stat seen{};
      if (::fstatat(fd, entry->d_name, &seen, AT_SYMLINK_NOFOLLOW) == 0) take(directory, std::string(name), seen);
    }
  }

  void take(const Directory& directory, std::string name, const struct stat& seen) {
    if (S_ISDIR(seen.st_mode)) return enter(directory, name);
    if (!S_ISREG(seen.st_mode) || is_kept_by_mark(seen)) {
      ++report_.unlike;
    } else if (seen.st_nlink != 1) {
      ++report_.linked;
    } else if (last_change(seen) >= rules_.before) {
      ++report_.young;
    } else if (seen.st_blocks > 0) {
      keep({directory.path, std::move(name), static_cast<std::uint64_t>(seen.st_dev),
            static_cast<std::uint64_t>(seen.st_ino), static_cast<std::uint64_t>(seen.st_blocks) * 512,
            last_change(seen)});
    }
  }

  void enter(const Directory& directory, const std::string& name) {
    const std::string path = directory.path + "/" + name;
    if (directory.depth >= kMostDepth || path.size() > kMostPath || waiting_.size() >= kMostDirectories) {
      ++report_.unreadable;
      return;
    }
    waiting_.push_back({path, directory.depth + 1});
  }

  // A heap with the smallest in front, which the next larger one displaces.
  void keep(FoundFile file) {
    std::vector<FoundFile>& files = report_.files;
    report_.bytes += file.bytes;
    if (files.size() == rules_.most_found) {
      if (files.empty() || !larger(file, files.front())) return;
      std::pop_heap(files.begin(), files.end(), larger);
      files.pop_back();
    }
    files.push_back(std::move(file));
    std::push_heap(files.begin(), files.end(), larger);
  }

  const int root_;
  const WalkRules& rules_;
  WalkReport& report_;
  std::vector<Directory> waiting_;
};

WallTime wall_of(const struct timespec& at) {
  return wall_from_ns(static_cast<std::int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec);
}

}  // namespace

WallTime last_change(const struct stat& seen) {
  return std::max({wall_of(seen.st_atim), wall_of(seen.st_mtim), wall_of(seen.st_ctim)});
}

bool is_kept_by_mark(const struct stat& seen) { return (seen.st_mode & S_ISVTX) != 0 && seen.st_uid == 0; }

WalkReport find_files(int root, const WalkRules& rules) {
  WalkReport report;
  Walk(root, rules, report).run();
  return report;
}

}  // namespace hostmedic
