// SPDX-License-Identifier: Apache-2.0
#include "probes/disk/device_chain.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "agent/base/fd.h"

namespace hostmedic {
namespace {

// Where a link points; empty if it is none.
std::string target_of(int dir, const std::string& path) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlinkat(dir, path.c_str(), text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}
std::string leaf_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool is_there(int dir, const std::string& path) { return ::faccessat(dir, path.c_str(), F_OK, 0) == 0; }

}  // namespace

std::string device_of(const Filesystem& filesystem, int sys, int root) {
  if (filesystem.major != 0) {
    const std::string number = std::to_string(filesystem.major) + ":" + std::to_string(filesystem.minor);
    return leaf_of(target_of(sys, "dev/block/" + number));
  }
  // btrfs and zfs number their devices themselves; the former says what was mounted.
  if (!filesystem.source.starts_with("/dev/")) return {};
  const std::string link = target_of(root, filesystem.source.substr(1));  // "/dev/mapper/root" -> "../dm-0"
  std::string name = leaf_of(link.empty() ? filesystem.source : link);
  return !name.empty() && is_there(sys, "class/block/" + name) ? name : std::string();
}

std::vector<std::string> devices_below(const std::string& device, int sys) {
  const std::string path = "class/block/" + device;
  if (is_there(sys, path + "/partition")) {
    // "../../devices/pci.../block/sda/sda1"
    std::string place = target_of(sys, path);
    const std::size_t own = place.rfind('/');
    if (own == std::string::npos) return {};
    place.resize(own);
    return {leaf_of(place)};
  }
  std::vector<std::string> below;
  Fd slaves(::openat(sys, (path + "/slaves").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* opened = slaves ? ::fdopendir(slaves.get()) : nullptr;
  if (opened == nullptr) return below;
  (void)slaves.release();  // closedir closes it
  while (const dirent* entry = ::readdir(opened)) {
    if (entry->d_name[0] != '.' && below.size() < kMostBelow) below.emplace_back(entry->d_name);
  }
  (void)::closedir(opened);
  std::sort(below.begin(), below.end());
  return below;
}

}  // namespace hostmedic
