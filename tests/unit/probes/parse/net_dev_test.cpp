// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/net_dev.h"

#include <doctest/doctest.h>

#include <string>

using namespace hostmedic;

namespace {
const std::string kHeading =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls\n";
}

TEST_CASE("net dev: a good file, also with the value right after the colon") {
  std::vector<NetDevice> rows;
  const std::string text = kHeading +
                           "    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
                           "eth0:123456789 22 33 44 5 6 0 7 555 66 77 88 8 9 10 0 99\n";
  REQUIRE(parse_net_dev(text, rows));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].name == "lo");
  CHECK(rows[0].transmit.bytes == 9);
  CHECK(rows[1].name == "eth0");
  CHECK(rows[1].receive.bytes == 123456789);
  CHECK(rows[1].receive.packets == 22);
  CHECK(rows[1].receive.errors == 33);
  CHECK(rows[1].receive.dropped == 44);
  CHECK(rows[1].transmit.bytes == 555);
  CHECK(rows[1].transmit.packets == 66);
  CHECK(rows[1].transmit.errors == 77);
  CHECK(rows[1].transmit.dropped == 88);
  CHECK(rows[1].receive.fifo == 5);
  CHECK(rows[1].frame_errors == 6);
  CHECK(rows[1].multicast == 7);
  CHECK(rows[1].transmit.fifo == 8);
  CHECK(rows[1].collisions == 9);
  CHECK(rows[1].carrier_losses == 10);
}

TEST_CASE("net dev: no interface at all is a good file") {
  std::vector<NetDevice> rows(1);
  REQUIRE(parse_net_dev(kHeading, rows));
  CHECK(rows.empty());
}

TEST_CASE("net dev: bad files are refused with line and item") {
  std::vector<NetDevice> rows;
  const auto message = [&](std::string_view text) {
    const Status status = parse_net_dev(text, rows);
    REQUIRE(!status);
    return status.error().message();
  };
  CHECK(message("") == "empty");
  CHECK(message("eth0: 1 2 3\n") == "line 1: no heading");
  CHECK(message(kHeading + "eth0: 1 2 3").find("cut off") == 0);
  CHECK(message(kHeading + "eth0: 1 2 3 4 5 6 7 8 9 10 11\n") == "eth0: line 3: transmit drops: missing");
  CHECK(message(kHeading + "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14\n") == "eth0: line 3: carrier losses: missing");
  CHECK(message(kHeading + "eth0 1 2\n") == "line 3: interface: no colon");
  CHECK(message(kHeading + " : 1 2\n") == "line 3: interface: no name");
  CHECK(message(kHeading + "eth0: 1 2 99999999999999999999 4\n").find("eth0: line 3: receive errors: ") == 0);
  CHECK(message(kHeading + "e\x1b[31m: x\n").find("e?[31m: line 3: received bytes: 'x'") == 0);
}
