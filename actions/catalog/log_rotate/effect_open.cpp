// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/log_rotate/effect_open.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include "actions/catalog/effect_beneath.h"
#include "actions/catalog/plan_check.h"
#include "agent/base/file.h"

namespace hostmedic {
namespace {

struct Place {
  Fd dir, file;  // file: O_PATH
  std::string name;
  struct stat seen{};
};

Result<Place> find_place(const std::string& root, const std::string& path, int dir_flags) {
  if (!is_clean_path(root) || !is_clean_path(path) || !is_below(path, root))
    return make_error(ErrorCode::denied, path + " is not below " + root);
  auto root_dir = open_at(AT_FDCWD, root, O_PATH | O_DIRECTORY);
  if (!root_dir) return std::move(root_dir.error()).in(root);

  Place place;
  const std::string relative = path.substr(root.size() + 1);
  const std::size_t slash = relative.rfind('/');
  place.name = slash == std::string::npos ? relative : relative.substr(slash + 1);
  auto dir = open_beneath(root_dir->get(), slash == std::string::npos ? "." : relative.substr(0, slash),
                          dir_flags | O_DIRECTORY, Mounts::cross);
  if (!dir) return dir.error();
  place.dir = std::move(*dir);
  // First without opening it for use: to open a FIFO or a device is an effect of its own.
  auto file = open_beneath(place.dir.get(), place.name, O_PATH | O_NOFOLLOW, Mounts::cross);
  if (!file) return file.error();
  place.file = std::move(*file);
  auto seen = stat_ordinary(place.file.get(), path);
  if (!seen) return seen.error();
  place.seen = *seen;
  return place;
}

}  // namespace

Result<LogFile> open_log(const std::string& root, const std::string& path) {
  auto place = find_place(root, path, O_RDONLY);
  if (!place) return place.error();
  auto file = open_beneath(place->dir.get(), place->name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, Mounts::cross);
  if (!file) return file.error();
  const auto seen = stat_ordinary(file->get(), path);
  if (!seen) return seen.error();
  if (seen->st_dev != place->seen.st_dev || seen->st_ino != place->seen.st_ino)
    // uncovered: somebody has to come between two calls; a test that races for it would pass by luck
    return make_error(ErrorCode::conflict, path + " was exchanged while it was opened");
  return LogFile{std::move(place->dir), std::move(*file), place->name, path};
}

Result<struct stat> look_at_log(const std::string& root, const std::string& path) {
  const auto place = find_place(root, path, O_PATH);
  if (!place) return place.error();
  return place->seen;
}

std::optional<double> utilization_of(int fd) {
  struct statvfs seen{};
  if (::fstatvfs(fd, &seen) != 0 || seen.f_blocks == 0) return std::nullopt;
  const auto used = static_cast<double>(seen.f_blocks - seen.f_bfree);
  return used / (used + static_cast<double>(seen.f_bavail));
}

}  // namespace hostmedic
