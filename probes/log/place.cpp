// SPDX-License-Identifier: Apache-2.0
#include "probes/log/place.h"

#include "probes/disk/select_mounts.h"

namespace hostmedic::log {

std::optional<std::string> local_filesystem_of(std::string_view path, const std::vector<Mount>& mounts) {
  const std::vector<Filesystem> followed = select_filesystems(mounts, kMostMounts);
  const Filesystem* const found = filesystem_of(path, mounts, followed);
  if (found == nullptr || found->may_hang) return std::nullopt;
  return found->name;
}

}  // namespace hostmedic::log
