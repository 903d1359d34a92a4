// SPDX-License-Identifier: Apache-2.0
#include "probes/disk/select_mounts.h"

#include <algorithm>
#include <map>
#include <utility>

namespace hostmedic {
namespace {

// Kernel interfaces, and images that are full by nature.
constexpr std::string_view kNotStorage[] = {
    "autofs",  "binfmt_misc", "bpf",      "cgroup",  "cgroup2", "configfs",   "cramfs",          "debugfs",
    "devpts",  "devtmpfs",    "efivarfs", "erofs",   "fusectl", "hugetlbfs",  "iso9660",         "mqueue",
    "nfsd",    "nsfs",        "proc",     "pstore",  "ramfs",   "rpc_pipefs", "securityfs",      "selinuxfs",
    "smackfs", "squashfs",    "sysfs",    "tracefs", "udf",     "fuse.lxcfs", "fuse.gvfsd-fuse", "fuse.portal"};
constexpr std::string_view kRemote[] = {"9p",    "afs", "beegfs", "ceph",  "cifs", "gfs2",  "glusterfs", "lustre",
                                        "ncpfs", "nfs", "nfs4",   "ocfs2", "smb3", "smbfs", "virtiofs"};

bool is_below(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

template <std::size_t N>
bool contains(const std::string_view (&list)[N], std::string_view wanted) {
  return std::find(std::begin(list), std::end(list), wanted) != std::end(list);
}

// tmpfs that an administrator or the system made for files, not for sessions, credentials or single containers.
bool is_tmpfs_for_files(std::string_view mount_point) {
  if (mount_point == "/dev/shm") return true;
  constexpr std::string_view kPrivate[] = {"/dev",
                                           "/proc",
                                           "/sys",
                                           "/run/user",
                                           "/run/credentials",
                                           "/run/docker",
                                           "/run/containerd",
                                           "/run/netns",
                                           "/var/lib/docker",
                                           "/var/lib/containers",
                                           "/var/lib/containerd",
                                           "/var/lib/kubelet"};
  return std::none_of(std::begin(kPrivate), std::end(kPrivate), [&](std::string_view directory) {
    return mount_point == directory || is_below(mount_point, directory);
  });
}

bool is_followed(const Mount& mount) {
  if (mount.type == "tmpfs") return is_tmpfs_for_files(mount.mount_point);
  // An overlay's space is that of its upper layer, which is mounted elsewhere; only for a root there is nothing else.
  if (mount.type == "overlay") return mount.mount_point == "/";
  return !contains(kNotStorage, mount.type);
}

}  // namespace

std::vector<Filesystem> select_filesystems(const std::vector<Mount>& mounts, std::size_t most) {
  std::map<std::string_view, const Mount*> visible;  // the last mount on a point hides the ones before
  for (const Mount& mount : mounts) visible[mount.mount_point] = &mount;

  const auto shorter = [](const Mount& a, const Mount& b) {
    return std::pair(a.mount_point.size(), std::string_view(a.mount_point)) <
           std::pair(b.mount_point.size(), std::string_view(b.mount_point));
  };
  std::map<std::pair<unsigned, unsigned>, const Mount*> by_device;
  for (const auto& [point, mount] : visible) {
    if (!is_followed(*mount)) continue;
    const Mount*& chosen = by_device[{mount->major, mount->minor}];
    if (chosen == nullptr || shorter(*mount, *chosen)) chosen = mount;
  }

  std::vector<Filesystem> chosen;
  for (const auto& [device, mount] : by_device) {
    chosen.push_back({mount->mount_point, mount->source, mount->type, mount->read_only,
                      contains(kRemote, mount->type) || mount->type.starts_with("fuse"), mount->major, mount->minor});
  }
  std::sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  if (chosen.size() > most) chosen.resize(most);
  return chosen;
}

const Filesystem* filesystem_of(std::string_view path, const std::vector<Mount>& mounts,
                                const std::vector<Filesystem>& selected) {
  const Mount* below = nullptr;  // the deepest; of several on one point the last hides the others
  for (const Mount& mount : mounts) {
    const bool holds = mount.mount_point == "/" || path == mount.mount_point || is_below(path, mount.mount_point);
    if (holds && (below == nullptr || mount.mount_point.size() >= below->mount_point.size())) below = &mount;
  }
  if (below == nullptr) return nullptr;
  const auto found = std::ranges::find_if(
      selected, [&](const Filesystem& one) { return one.major == below->major && one.minor == below->minor; });
  return found == selected.end() ? nullptr : &*found;
}

}  // namespace hostmedic
