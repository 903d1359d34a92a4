// SPDX-License-Identifier: Apache-2.0
#include "probes/disk/select_mounts.h"

#include <doctest/doctest.h>

using namespace hostmedic;

namespace {
Mount mount(unsigned minor, std::string point, std::string type, bool read_only = false) {
  return {8, minor, "/", std::move(point), std::move(type), "src", read_only};
}
std::vector<std::string> names(const std::vector<Mount>& mounts, std::size_t most = 100) {
  std::vector<std::string> found;
  for (const Filesystem& one : select_filesystems(mounts, most)) found.push_back(one.name);
  return found;
}
using Names = std::vector<std::string>;
}  // namespace

TEST_CASE("select mounts: storage yes, kernel interfaces and images no") {
  CHECK(names({mount(1, "/", "ext4"), mount(2, "/proc", "proc"), mount(3, "/sys", "sysfs"),
               mount(4, "/snap/x", "squashfs"), mount(5, "/srv", "xfs"), mount(6, "/cd", "iso9660"),
               mount(7, "/dev", "devtmpfs")}) == Names{"/", "/srv"});
}

TEST_CASE("select mounts: tmpfs for files only") {
  CHECK(names({mount(1, "/tmp", "tmpfs"), mount(2, "/run", "tmpfs"), mount(3, "/dev/shm", "tmpfs"),
               mount(4, "/run/user/1000", "tmpfs"), mount(5, "/run/lock", "tmpfs"), mount(6, "/dev", "tmpfs"),
               mount(7, "/sys/fs/cgroup", "tmpfs"), mount(8, "/run/credentials/a", "tmpfs"), mount(9, "/data", "tmpfs"),
               mount(10, "/var/lib/docker/containers/1/mounts/shm", "tmpfs"), mount(11, "/developer", "tmpfs")}) ==
        Names{"/data", "/dev/shm", "/developer", "/run", "/run/lock", "/tmp"});
}

TEST_CASE("select mounts: an overlay only as the root") {
  CHECK(names({mount(1, "/", "overlay"), mount(2, "/var/lib/docker/overlay2/a/merged", "overlay")}) == Names{"/"});
}

TEST_CASE("select mounts: one per device, under its shortest path") {
  CHECK(names({mount(1, "/var/lib/bind", "ext4"), mount(1, "/srv", "ext4"), mount(1, "/mnt", "ext4"),
               mount(2, "/var", "ext4")}) == Names{"/mnt", "/var"});
}

TEST_CASE("select mounts: what a later mount hides is left out") {
  CHECK(names({mount(1, "/mnt", "ext4"), mount(2, "/mnt", "xfs")}) == Names{"/mnt"});
  CHECK(names({mount(1, "/mnt", "ext4"), mount(2, "/mnt", "proc")}).empty());
  CHECK(names({mount(1, "/mnt", "ext4"), mount(1, "/mnt/long", "ext4"), mount(2, "/mnt", "xfs")}) ==
        Names{"/mnt", "/mnt/long"});
}

TEST_CASE("select mounts: read-only, what may hang, and the bound") {
  const auto found =
      select_filesystems({mount(1, "/a", "nfs4", true), mount(2, "/b", "fuse.sshfs"), mount(3, "/c", "ext4")}, 9);
  REQUIRE(found.size() == 3);
  CHECK(found[0].read_only);
  CHECK(found[0].may_hang);
  CHECK(found[1].may_hang);
  CHECK(!found[2].may_hang);
  CHECK(!found[2].read_only);
  CHECK(names({mount(1, "/a", "ext4"), mount(2, "/b", "ext4"), mount(3, "/c", "ext4")}, 2) == Names{"/a", "/b"});
}
