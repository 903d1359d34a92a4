// SPDX-License-Identifier: Apache-2.0
#include "actions/guard/busy.h"

#include <algorithm>

#include "agent/base/text.h"

namespace hostmedic::guard {
namespace {

// Not "unattended-upgr": its shutdown helper waits for ever under that name; the work itself shows as dpkg. Nor daemons
// that are always there (packagekitd, bacula-fd, puppet, rsync).
constexpr std::string_view kPackageManager[] = {"apt",
                                                "apt-get",
                                                "aptitude",
                                                "dpkg",
                                                "dpkg-deb",
                                                "dpkg-preconfigure",
                                                "dnf",
                                                "dnf5",
                                                "yum",
                                                "rpm",
                                                "zypper",
                                                "apk",
                                                "pacman",
                                                "emerge",
                                                "do-release-upgrade",
                                                "rpm-ostree",
                                                "update-initramfs",
                                                "mkinitramfs",
                                                "dracut",
                                                "grub-mkconfig"};
constexpr std::string_view kBackup[] = {"restic",        "borg",
                                        "borgmatic",     "rsnapshot",
                                        "duplicity",     "duply",
                                        "rdiff-backup",  "tarsnap",
                                        "bup",           "vzdump",
                                        "pg_dump",       "pg_dumpall",
                                        "pg_basebackup", "pgbackrest",
                                        "barman",        "mysqldump",
                                        "mariadb-dump",  "mariadb-backup",
                                        "mariabackup",   "xtrabackup",
                                        "mongodump",     "proxmox-backup-client",
                                        "xfsdump"};
constexpr std::string_view kMigration[] = {"alembic",    "flyway",        "liquibase",
                                           "dbmate",     "goose",         "migrate",
                                           "sqitch",     "gh-ost",        "pt-online-schema-change",
                                           "pg_upgrade", "mysql_upgrade", "mariadb-upgrade",
                                           "pgloader"};
constexpr std::string_view kFilesystemCheck[] = {"fsck",   "fsck.*",    "e2fsck",  "xfs_repair", "xfs_scrub",
                                                 "btrfs",  "resize2fs", "tune2fs", "e4defrag",   "xfs_fsr",
                                                 "mkfs.*", "ntfsfix",   "debugfs"};
// Threads of the kernel: "md0_resync", "md127_reshape".
constexpr std::string_view kRaidResync[] = {"md*_resync", "md*_reshape", "pvmove", "lvconvert"};
constexpr std::string_view kDatabaseMaintenance[] = {
    "vacuumdb",      "reindexdb", "clusterdb", "pg_repack",    "pg_restore",  "pg_amcheck",  "mysqlcheck",
    "mariadb-check", "myisamchk", "aria_chk",  "mongorestore", "mongoimport", "pt-archiver", "innochecksum"};
constexpr std::string_view kConfigurationRun[] = {"ansible-playbook", "ansible-pull", "salt-call",
                                                  "chef-solo",        "cf-agent",     "nixos-rebuild"};

constexpr BusyKind kKinds[] = {
    {"package-manager", "Packages, the initramfs or the boot loader are being installed.", kPackageManager},
    {"backup", "A backup or a dump is being taken.", kBackup},
    {"migration", "A database is brought to another schema or version.", kMigration},
    {"filesystem-check", "A filesystem is checked, repaired, made or resized.", kFilesystemCheck},
    {"raid-resync", "An array is rebuilt, reshaped or checked, or volumes are moved.", kRaidResync},
    {"database-maintenance", "A database is vacuumed, indexed, checked or restored.", kDatabaseMaintenance},
    {"configuration-run", "A configuration manager is changing the host.", kConfigurationRun},
};

bool fits(std::string_view glob, std::string_view process) {
  constexpr std::size_t kCut = 15;
  if (glob_match(glob, process)) return true;
  return process.size() == kCut && glob.size() > kCut && glob_match(glob.substr(0, kCut), process);
}

}  // namespace

std::span<const BusyKind> busy_kinds() { return kKinds; }

bool is_busy_kind(std::string_view name) {
  return std::ranges::any_of(kKinds, [&](const BusyKind& kind) { return kind.name == name; });
}

std::string_view busy_kind_of(std::string_view process, std::span<const std::string> more) {
  for (const BusyKind& kind : kKinds) {
    for (const std::string_view glob : kind.processes)
      if (fits(glob, process)) return kind.name;
    for (const std::string& entry : more) {
      const std::string_view text = entry;
      if (text.starts_with(kind.name) && text.substr(kind.name.size()).starts_with(":") &&
          fits(text.substr(kind.name.size() + 1), process))
        return kind.name;
    }
  }
  return {};
}

bool resyncs(std::string_view mdstat) {
  for (const std::string_view line : split(mdstat, '\n'))
    for (const std::string_view word : {"resync", "recovery", "reshape", "check"})
      if (const auto at = line.find(word);
          at != std::string_view::npos && trim(line.substr(at + word.size())).starts_with("="))
        return true;
  return false;
}

}  // namespace hostmedic::guard
