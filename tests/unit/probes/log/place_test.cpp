// SPDX-License-Identifier: Apache-2.0
#include "probes/log/place.h"

#include <doctest/doctest.h>

using namespace hostmedic;
using hostmedic::log::local_filesystem_of;

namespace {

const std::vector<Mount> kMounts = {{8, 1, "/", "/", "ext4", "/dev/sda1", false},
                                    {0, 5, "/", "/proc", "proc", "proc", false},
                                    {8, 2, "/", "/var", "xfs", "/dev/sda2", false},
                                    {8, 2, "/log", "/srv/log", "xfs", "/dev/sda2", false},
                                    {0, 40, "/", "/mnt/nfs", "nfs4", "server:/", false},
                                    {0, 41, "/", "/mnt/sshfs", "fuse.sshfs", "host:", false},
                                    {8, 3, "/", "/var/log/deep", "ext4", "/dev/sda3", false}};

}  // namespace

TEST_CASE("a directory lies on the deepest mount that holds it, under its filesystem's shortest name") {
  CHECK(local_filesystem_of("/opt/log", kMounts) == "/");
  CHECK(local_filesystem_of("/var/log", kMounts) == "/var");
  CHECK(local_filesystem_of("/variable/log", kMounts) == "/");
  CHECK(local_filesystem_of("/srv/log", kMounts) == "/var");  // a second mount of the same device
  CHECK(local_filesystem_of("/srv/log/x", kMounts) == "/var");
  CHECK(local_filesystem_of("/var/log/deep/a", kMounts) == "/var/log/deep");
}

TEST_CASE("what can hang or holds no files is left out") {
  CHECK(local_filesystem_of("/mnt/nfs/log", kMounts) == std::nullopt);
  CHECK(local_filesystem_of("/mnt/sshfs", kMounts) == std::nullopt);
  CHECK(local_filesystem_of("/proc/log", kMounts) == std::nullopt);
  CHECK(local_filesystem_of("/var/log", {}) == std::nullopt);
}
