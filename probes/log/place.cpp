// SPDX-License-Identifier: Apache-2.0
#include "probes/log/place.h"

#include "probes/disk/select_mounts.h"

namespace hostmedic::log {
namespace {

bool holds(std::string_view mount_point, std::string_view path) {
  if (mount_point == "/") return true;
  return path.starts_with(mount_point) && (path.size() == mount_point.size() || path[mount_point.size()] == '/');
}

}  // namespace

std::optional<std::string> local_filesystem_of(std::string_view path, const std::vector<Mount>& mounts) {
  const Mount* below = nullptr;  // the deepest; of several on one point the last hides the others
  for (const Mount& mount : mounts) {
    if (!holds(mount.mount_point, path)) continue;
    if (below == nullptr || mount.mount_point.size() >= below->mount_point.size()) below = &mount;
  }
  if (below == nullptr) return std::nullopt;
  for (const Filesystem& followed : select_filesystems(mounts, kMostMounts)) {
    for (const Mount& mount : mounts) {
      if (mount.mount_point != followed.name || mount.major != below->major || mount.minor != below->minor) continue;
      return followed.may_hang ? std::nullopt : std::optional(followed.name);
    }
  }
  return std::nullopt;
}

}  // namespace hostmedic::log
