// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/kmsg.h"

#include <doctest/doctest.h>

using namespace hostmedic;

TEST_CASE("kmsg: head, text and what follows it") {
  const auto record = parse_kmsg("4,339,5140900,-;e1000e: eth0; NIC\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:19.0\n");
  REQUIRE(record);
  CHECK(record->facility == 0);
  CHECK(record->level == 4);
  CHECK(record->sequence == 339);
  CHECK(record->time_us == 5140900);
  CHECK(record->text == "e1000e: eth0; NIC");
  const auto user = parse_kmsg("30,340,5140901,-,caller=T1,more=x;systemd[1]: Hello");
  REQUIRE(user);
  CHECK(user->facility == 3);
  CHECK(user->level == 6);
  CHECK(user->text == "systemd[1]: Hello");
  CHECK(parse_kmsg("6,1,2,-;")->text.empty());
  CHECK(parse_kmsg("6,1,2;x")->text == "x");
}

TEST_CASE("kmsg: what is no record") {
  for (const char* text : {"", ";", "6", "6,1,2,-", "6,1;x", "x,1,2,-;x", "6,,2,-;x", "6,1,-2,-;x", "99999999,1,2,-;x",
                           "6,99999999999999999999,1,-;x"}) {
    CAPTURE(text);
    CHECK(!parse_kmsg(text));
  }
}
