// SPDX-License-Identifier: Apache-2.0
#include "probes/change/known_good.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "agent/base/clock.h"
#include "agent/base/file.h"

namespace hostmedic::change {
namespace {

constexpr int kDeepest = 16;
constexpr const char* kNewCopy = "new";  // beside the copies, whose first directory is never called so

// Makes the directories above the path.
bool make_directories(int dir, const std::string& path) {
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
    if (::mkdirat(dir, path.substr(0, slash).c_str(), 0700) != 0 && errno != EEXIST) return false;
  return true;
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

WallTime time_of(const timespec& time) {
  return wall_from_ns(static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec);
}

}  // namespace

KnownGood::KnownGood(const std::string& state_dir) {
  if (state_dir.empty()) return;
  struct stat owner{};
  writes_ = ::stat(state_dir.c_str(), &owner) == 0 && owner.st_uid == ::geteuid();
  const std::string path = state_dir + "/known-good";
  if (writes_ && ::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) writes_ = false;
  auto dir = open_dir(path);
  if (!dir) {
    writes_ = false;
    return;
  }
  dir_ = std::move(*dir);
  list("", 0);
}

// path: below the directory, with a slash at its beginning unless empty.
void KnownGood::list(const std::string& path, int depth) {
  auto fd = open_at(dir_.get(), path.empty() ? "." : path.substr(1), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd) return;
  DIR* const raw = ::fdopendir(fd->get());
  if (raw == nullptr) return;
  (void)fd->release();  // now the list's
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(raw, ::closedir);
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    struct stat found{};
    if (name == "." || name == ".." || (depth == 0 && name == kNewCopy)) continue;
    if (::fstatat(::dirfd(entries.get()), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISDIR(found.st_mode) && depth < kDeepest) list(path + "/" + name, depth + 1);
    if (!S_ISREG(found.st_mode) || copies_.size() >= kMostFiles) continue;
    copies_[path + "/" + name] = {static_cast<std::uint64_t>(found.st_size), time_of(found.st_mtim)};
    total_ += static_cast<std::uint64_t>(found.st_size);
  }
}

std::optional<WallTime> KnownGood::made_at(const std::string& path) const {
  const auto at = copies_.find(path);
  if (at == copies_.end()) return std::nullopt;
  return at->second.made;
}

std::optional<std::string> KnownGood::read(const std::string& path) const {
  if (!knows(path)) return std::nullopt;
  auto content = read_file_at(dir_.get(), path.substr(1), kMostFile);
  if (!content) return std::nullopt;
  return std::move(*content);
}

bool KnownGood::keep(const std::string& path, std::string_view content) {
  if (!writes_ || !path.starts_with('/') || !takes(content)) return false;
  const auto known = copies_.find(path);
  const std::uint64_t before = known == copies_.end() ? 0 : known->second.size;
  if (total_ - before + content.size() > kMostTotal.count || (known == copies_.end() && copies_.size() >= kMostFiles)) {
    ++refused_;
    return false;
  }
  const Fd file(::openat(dir_.get(), kNewCopy, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  const std::string below = path.substr(1);
  if (!file || !write_all(file.get(), content) || !make_directories(dir_.get(), below) ||
      ::renameat(dir_.get(), kNewCopy, dir_.get(), below.c_str()) != 0)
    return false;
  total_ = total_ - before + content.size();
  copies_[path] = {content.size(), wall_now()};
  unsettled_ = true;
  return true;
}

void KnownGood::drop(const std::string& path) {
  const auto known = copies_.find(path);
  if (known == copies_.end() || !writes_) return;
  // What cannot be removed is listed again at the next start.
  (void)::unlinkat(dir_.get(), path.substr(1).c_str(), 0);
  total_ -= known->second.size;
  copies_.erase(known);
}

void KnownGood::settle() {
  // A failure is that of the disk, which others report.
  if (unsettled_) (void)::syncfs(dir_.get());
  unsettled_ = false;
}

}  // namespace hostmedic::change
