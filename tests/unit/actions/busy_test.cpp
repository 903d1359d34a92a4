// SPDX-License-Identifier: Apache-2.0
#include "actions/guard/busy.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace hostmedic::guard;

TEST_CASE("work is told by the name of its process, also where the kernel cut it") {
  const std::pair<const char*, const char*> kExpected[] = {
      {"restic", "backup"},
      {"pg_dump", "backup"},
      {"proxmox-backup-", "backup"},
      {"apt-get", "package-manager"},
      {"dpkg", "package-manager"},
      {"do-release-upg", ""},
      {"do-release-upgr", "package-manager"},
      {"update-initramf", "package-manager"},
      {"fsck.ext4", "filesystem-check"},
      {"e2fsck", "filesystem-check"},
      {"md127_resync", "raid-resync"},
      {"md0_raid1", ""},
      {"vacuumdb", "database-maintenance"},
      {"pt-online-schem", "migration"},
      {"ansible-playboo", "configuration-run"},
      {"nginx", ""},
      {"", ""},
      {"unattended-upgr", ""},  // waits for ever under that name
      {"resticx", ""},
  };
  for (const auto& [process, kind] : kExpected) {
    CAPTURE(process);
    CHECK(busy_kind_of(process) == kind);
  }
}

TEST_CASE("the policy may name more processes of a kind") {
  const std::vector<std::string> more{"backup:nightly-*", "migration:very-long-name-of-a-tool"};
  CHECK(busy_kind_of("nightly-dump.sh", more) == "backup");
  CHECK(busy_kind_of("very-long-name-", more) == "migration");
  CHECK(busy_kind_of("nightly", more).empty());
}

TEST_CASE("every kind is described and has names; unknown ones are none") {
  for (const BusyKind& kind : busy_kinds()) {
    CAPTURE(kind.name);
    CHECK_FALSE(kind.doc.empty());
    CHECK_FALSE(kind.processes.empty());
    CHECK(is_busy_kind(kind.name));
  }
  CHECK_FALSE(is_busy_kind("siesta"));
  CHECK_FALSE(is_busy_kind(""));
}

TEST_CASE("an array at work in mdstat") {
  CHECK_FALSE(resyncs(""));
  CHECK_FALSE(
      resyncs("Personalities : [raid1]\nmd0 : active raid1 sdb1[1] sda1[0]\n      1000 blocks [2/2] [UU]\n"
              "unused devices: <none>\n"));
  CHECK(resyncs(
      "md0 : active raid1 sdb1[1] sda1[0]\n      [==>....]  recovery = 12.6% (1/8) finish=3min speed=1K/sec\n"));
  CHECK(resyncs("      \tresync=DELAYED\n"));
  CHECK(resyncs("      [=>...]  check =  5.0% (1/20)\n"));
}
