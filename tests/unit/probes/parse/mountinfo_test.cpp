// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/mountinfo.h"

#include <doctest/doctest.h>

using namespace hostmedic;

TEST_CASE("mountinfo: a good file") {
  const auto mounts = parse_mountinfo(
      "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n"
      "30 22 0:27 / /mnt/with\\040blank\\134 rw - tmpfs tmp\\011fs rw,size=4k\n"
      "31 22 8:17 /sub /ro ro,nosuid shared:2 master:3 propagate_from:4 unbindable - xfs /dev/sdb1 rw\n"
      "32 22 8:33 / /broken rw - ext4 /dev/sdc1 ro\n");
  REQUIRE(mounts);
  REQUIRE(mounts->size() == 4);
  const auto& list = *mounts;
  CHECK(list[0].major == 254);
  CHECK(list[0].minor == 0);
  CHECK(list[0].mount_point == "/");
  CHECK(list[0].type == "ext4");
  CHECK(list[0].source == "/dev/vda1");
  CHECK(!list[0].read_only);
  CHECK(list[1].mount_point == "/mnt/with blank\\");
  CHECK(list[1].source == "tmp\tfs");
  CHECK(list[2].root == "/sub");
  CHECK(list[2].read_only);  // the mount
  CHECK(list[3].read_only);  // the filesystem
}

TEST_CASE("mountinfo: missing super options and an empty source are no error") {
  const auto mounts = parse_mountinfo("1 2 0:3 / /x rw - tmpfs  \n");
  REQUIRE(mounts);
  CHECK(mounts->at(0).source.empty());
  CHECK(!mounts->at(0).read_only);
}

TEST_CASE("mountinfo: bad files are refused with line and item") {
  const auto message = [](std::string_view text) {
    const auto mounts = parse_mountinfo(text);
    REQUIRE(!mounts);
    return mounts.error().message();
  };
  CHECK(message("") == "empty");
  CHECK(message("22 1 254:0 / / rw - ext4").find("cut off") == 0);
  CHECK(message("22\n") == "line 1: parent id: missing");
  CHECK(message("x 1 254:0 / / rw - ext4 d rw\n").find("line 1: mount id: 'x'") == 0);
  CHECK(message("22 1 254 / / rw - ext4 d rw\n") == "line 1: device: not major:minor");
  CHECK(message("22 1 99999999999:0 / / rw - ext4 d rw\n") == "line 1: device: not major:minor");
  CHECK(message("22 1 254:0 / rel rw - ext4 d rw\n") == "line 1: mount point: not an absolute path");
  CHECK(message("22 1 254:0 / / rw shared:1 ext4 d rw\n") == "line 1: separator: missing");
  CHECK(message("22 1 254:0 / / rw -\n") == "line 1: filesystem type: missing");
}
