// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/package_log.h"

#include <doctest/doctest.h>

using namespace hostmedic;

TEST_CASE("dpkg says what is installed, upgraded, downgraded and removed") {
  struct Case {
    const char* line;
    PackageAction action;
    const char *name, *version, *previous;
  };
  const Case cases[] = {
      {"2026-11-21 14:02:33 install hm-demo:all <none> 1.0", PackageAction::installed, "hm-demo", "1.0", ""},
      {"2026-11-21 14:02:33 install hm-demo:all 0.9 1.0", PackageAction::installed, "hm-demo", "1.0", ""},
      {"2026-11-21 14:02:33 upgrade hm-demo:all 1.0 2.0", PackageAction::upgraded, "hm-demo", "2.0", "1.0"},
      {"2026-11-21 14:02:33 upgrade libc6:amd64 2.36-9+deb12u14 2.36-9+deb12u7", PackageAction::downgraded, "libc6",
       "2.36-9+deb12u7", "2.36-9+deb12u14"},
      {"2026-11-21 14:02:33 upgrade tzdata:all 2024a 2024a", PackageAction::installed, "tzdata", "2024a", "2024a"},
      {"2026-11-21 14:02:33 remove rsync:amd64 3.5.0+ds1-0 <none>", PackageAction::removed, "rsync", "", "3.5.0+ds1-0"},
      {"2026-11-21 14:02:33 remove old 1:2~rc1 <none>", PackageAction::removed, "old", "", "1:2~rc1"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.line);
    const auto change = parse_dpkg_log_line(one.line);
    REQUIRE(change);
    CHECK(change->action == one.action);
    CHECK(change->name == one.name);
    CHECK(change->version == one.version);
    CHECK(change->previous == one.previous);
    CHECK(change->at == LogTime{2026, 11, 21, 14, 2, 33, std::nullopt});
  }
}

TEST_CASE("all else that dpkg logs, and what is cut or spoilt, says nothing") {
  for (const char* line : {
           "",
           "2026-11-21",
           "2026-11-21 14:02:33",
           "2026-11-21 14:02:33 startup archives unpack",
           "2026-11-21 14:02:33 status installed rsync:amd64 3.5.0",
           "2026-11-21 14:02:33 configure rsync:amd64 3.5 <none>",
           "2026-11-21 14:02:33 purge rsync:amd64 3.5 <none>",
           "2026-11-21 14:02:33 conffile /etc/a install",
           "2026-11-21 14:02:33 upgrade rsync:amd64 3.5",
           "2026-11-21 14:02:33 upgrade rsync:amd64 <none> 3.5",
           "2026-11-21 14:02:33 install rsync:amd64 <none> <none>",
           "2026-11-21 14:02:33 install rsync:amd64 <none> 1 2",
           "2026-13-21 14:02:33 install a <none> 1",
           "2026-11-21 24:02:33 install a <none> 1",
           "2026-11-21T14:02:33 install a <none> 1",
           "2026-11-21 14:02:3x install a <none> 1",
           "2026-11-21 14:02:33 install ../../etc <none> 1",
           "2026-11-21 14:02:33 install -rf <none> 1",
           "2026-11-21 14:02:33 install :amd64 <none> 1",
           "2026-11-21 14:02:33 install a <none> 1\x01",
       }) {
    CAPTURE(line);
    CHECK_FALSE(parse_dpkg_log_line(line));
  }
  CHECK_FALSE(parse_dpkg_log_line("2026-11-21 14:02:33 install " + std::string(300, 'a') + " <none> 1"));
}

TEST_CASE("dnf says the same in its words, with the time zone") {
  const auto upgrade =
      parse_dnf_log_line("2026-02-14T09:30:12+0530 SUBDEBUG Upgrade: openssl-libs-1:3.2.2-6.el9.x86_64");
  REQUIRE(upgrade);
  CHECK(*upgrade == PackageChange{PackageAction::upgraded, "openssl-libs", "1:3.2.2-6.el9", "",
                                  LogTime{2026, 2, 14, 9, 30, 12, 5 * 3600 + 30 * 60}});
  const auto erase = parse_dnf_log_line("2026-02-14T09:30:12Z SUBDEBUG Erase: vim-2:9.1-1.el9.noarch");
  REQUIRE(erase);
  CHECK(erase->action == PackageAction::removed);
  CHECK(erase->version.empty());
  CHECK(erase->previous == "2:9.1-1.el9");
  CHECK(parse_dnf_log_line("2026-02-14T09:30:12-0100 SUBDEBUG Installed: a-1-1.x")->at.utc_offset_seconds == -3600);
  CHECK(parse_dnf_log_line("2026-02-14T09:30:12Z SUBDEBUG Downgrade: a-1-1.x")->action == PackageAction::downgraded);
  for (const char* line : {
           "",
           "2026-02-14T09:30:12+0000 INFO --- logging initialized ---",
           "2026-02-14T09:30:12+0000 SUBDEBUG Upgraded: a-1-1.x86_64",
           "2026-02-14T09:30:12+0000 SUBDEBUG Upgrade:",
           "2026-02-14T09:30:12+0000 SUBDEBUG Upgrade: nodashes.x86_64",
           "2026-02-14T09:30:12+0000 SUBDEBUG Upgrade: a-1",
           "2026-02-14T09:30:12+0000 SUBDEBUG Upgrade: -1-1.x86_64",
           "2026-02-14T09:30:12 SUBDEBUG Upgrade: a-1-1.x",
           "2026-02-14T09:30:12+2500 SUBDEBUG Upgrade: a-1-1.x",
           "2026-02-14T09:30:12+0000 SUBDEBUG Upgrade: a-1-1.x b",
       }) {
    CAPTURE(line);
    CHECK_FALSE(parse_dnf_log_line(line));
  }
}

TEST_CASE("versions are in Debian's order") {
  // Each is below the next.
  const char* const rising[] = {"0~~",     "0~",    "0",      "0.1",    "1.0~rc1-1", "1.0-1",      "1.0-1+b1",
                                "1.0-1.1", "1.0-2", "1.0-10", "1.0a-1", "1.0b-1",    "1.0+dfsg-1", "1.2-1",
                                "1.10-1",  "2024a", "2024b",  "1:0.1",  "1:0.1-deb", "2:0"};
  for (std::size_t i = 0; i < std::size(rising); ++i) {
    CHECK(compare_debian_versions(rising[i], rising[i]) == 0);
    for (std::size_t j = i + 1; j < std::size(rising); ++j) {
      CAPTURE(rising[i]);
      CAPTURE(rising[j]);
      CHECK(compare_debian_versions(rising[i], rising[j]) < 0);
      CHECK(compare_debian_versions(rising[j], rising[i]) > 0);
    }
  }
  CHECK(compare_debian_versions("1.0", "1.00") == 0);
  CHECK(compare_debian_versions("0:1.0", "1.0") == 0);
  CHECK(compare_debian_versions("1.0-0", "1.0") == 0);
  CHECK(compare_debian_versions("99999999999999999999999", "100000000000000000000000") < 0);
}
