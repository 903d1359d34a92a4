// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/package_cache/effect_manager.h"

#include <fcntl.h>

#include <utility>

#include "agent/base/file.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::pair<const char*, const char*> kLocks[] = {
    {"apt", "/var/lib/dpkg/lock-frontend"},  {"dpkg", "/var/lib/dpkg/lock"},
    {"apt", "/var/cache/apt/archives/lock"}, {"apt", "/var/lib/apt/lists/lock"},
    {"rpm", "/var/lib/rpm/.rpm.lock"},       {"rpm", "/usr/lib/sysimage/rpm/.rpm.lock"}};

}  // namespace

std::string package_manager_at_work(const std::string& root) {
  for (const auto& [manager, path] : kLocks) {
    const auto file = open_at(AT_FDCWD, root + path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file) continue;
    struct flock lock{};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    if (::fcntl(file->get(), F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) continue;
    return std::string(manager) + " has locked " + path + strf(", pid %d", static_cast<int>(lock.l_pid));
  }
  return {};
}

}  // namespace hostmedic
