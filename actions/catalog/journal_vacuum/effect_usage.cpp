// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/journal_vacuum/effect_usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <string_view>

#include "agent/base/file.h"

namespace hostmedic {
namespace {

// most: entries left to look at, over the whole walk.
std::optional<std::uint64_t> usage_below(int parent, const std::string& name, int depth, int& most) {
  auto fd = open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd) return std::nullopt;
  const int dir_fd = fd->get();
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(dir_fd), ::closedir);
  if (!dir) return std::nullopt;
  (void)fd->release();  // belongs to dir now
  std::uint64_t bytes = 0;
  while (most-- > 0) {
    const struct dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view entry_name = entry->d_name;
    struct stat seen{};
    if (entry_name == "." || entry_name == ".." || ::fstatat(dir_fd, entry->d_name, &seen, AT_SYMLINK_NOFOLLOW) != 0)
      continue;
    if (S_ISREG(seen.st_mode)) bytes += static_cast<std::uint64_t>(seen.st_blocks) * 512;
    if (S_ISDIR(seen.st_mode) && depth > 0) bytes += usage_below(dir_fd, entry->d_name, depth - 1, most).value_or(0);
  }
  return bytes;
}

}  // namespace

std::optional<std::uint64_t> journal_usage(const std::string& directory) {
  int most = 100'000;
  return usage_below(AT_FDCWD, directory, 1, most);
}

}  // namespace hostmedic
