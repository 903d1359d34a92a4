// SPDX-License-Identifier: Apache-2.0
#include "probes/log/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic::log {
namespace {

struct DirClose {
  void operator()(DIR* dir) const { (void)::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, DirClose>;

// A window shorter than this says more about when data is written back than about who writes.
constexpr Duration kShortestWindow = std::chrono::milliseconds(50);

class Walk {
 public:
  Walk(const Snapshot* before, std::vector<Grower>& growers) : before_(before), growers_(growers) {
    snapshot_.begun = mono_now();
    if (before != nullptr) snapshot_.files.reserve(before->files.size());
  }

  void root(const LogRoot& root) {
    struct stat top{};
    if (::fstat(root.dir.get(), &top) < 0) return;
    root_ = &root;
    device_ = top.st_dev;
    directory(::openat(root.dir.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), "", 0);
  }
  Snapshot take() && { return std::move(snapshot_); }

 private:
  // Takes over fd. path: below the root, with a slash at its end unless empty.
  void directory(int fd, const std::string& path, int depth) {
    if (fd < 0) return;
    Dir dir(::fdopendir(fd));
    if (!dir) {
      (void)::close(fd);
      return;
    }
    while (const dirent* entry = ::readdir(dir.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (++entries_ > kMostEntries) {
        snapshot_.cut = true;
        return;
      }
      if (entry->d_type != DT_REG && entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) continue;
      struct stat found{};
      // What is gone again by now did not fill the disk.
      if (::fstatat(fd, entry->d_name, &found, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0) continue;
      if (found.st_dev != device_) continue;
      if (S_ISREG(found.st_mode)) {
        file(found, path, name);
      } else if (S_ISDIR(found.st_mode) && depth < kDeepest) {
        const int below = ::openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        directory(below, path + std::string(name) + "/", depth + 1);
      }
    }
  }

  void file(const struct stat& found, const std::string& path, std::string_view name) {
    const std::uint64_t allocated = static_cast<std::uint64_t>(found.st_blocks) * 512;
    if (allocated == 0) return;
    const MonoTime now = mono_now();
    // A second name of the same file, or roots inside each other.
    if (!snapshot_.files.try_emplace(found.st_ino, Snapshot::Seen{allocated, now}).second) return;
    if (before_ == nullptr) return;
    Snapshot::Seen then{0, before_->begun};  // a new file has grown from nothing
    if (const auto known = before_->files.find(found.st_ino); known != before_->files.end()) {
      then = known->second;
    } else if (before_->cut) {
      return;  // perhaps not new
    }
    const Duration window = now - then.at;
    if (allocated <= then.allocated || window < kShortestWindow) return;
    snapshot_.grown[root_] += allocated - then.allocated;
    const double rate = static_cast<double>(allocated - then.allocated) / to_seconds(window);
    if (growers_.size() == kMostGrowers && growers_.back().bytes_per_second >= rate) return;
    std::string whole = root_->path + "/" + path + std::string(name);
    if (whole.size() > kLongestPath || printable(whole, kLongestPath) != whole) {
      ++snapshot_.names_skipped;
      return;
    }
    const auto slower = std::find_if(growers_.begin(), growers_.end(),
                                     [&](const Grower& other) { return other.bytes_per_second < rate; });
    growers_.insert(slower, {std::move(whole), root_, found.st_dev, found.st_ino,
                             static_cast<std::uint64_t>(found.st_size), allocated, rate});
    if (growers_.size() > kMostGrowers) growers_.pop_back();
  }

  const Snapshot* const before_;
  std::vector<Grower>& growers_;
  Snapshot snapshot_;
  const LogRoot* root_ = nullptr;
  dev_t device_ = 0;
  std::size_t entries_ = 0;
};

}  // namespace

Snapshot walk(const std::vector<LogRoot>& roots, const Snapshot* before, std::vector<Grower>& ret_growers) {
  ret_growers.clear();
  Walk one(before, ret_growers);
  for (const LogRoot& root : roots) one.root(root);
  return std::move(one).take();
}

}  // namespace hostmedic::log
