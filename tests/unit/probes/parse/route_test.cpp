// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/route.h"

#include <doctest/doctest.h>

using namespace hostmedic;

namespace {
const std::string kHeading = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
}

TEST_CASE("routes: the gateways of default routes, IPv4") {
  const auto gateways = parse_gateways_v4(kHeading + "eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n" +
                                          "eth0\t0000000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n" +
                                          "eth0\t00000000\t0100000A\t0003\t0\t0\t200\t00000000\t0\t0\t0\n" +
                                          "ppp0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n" +
                                          "eth1\t00000000\tFE01A8C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n" +
                                          "tun0\t00000000\t0100000B\t0003\t0\t0\t0\t00000080\t0\t0\t0\n");
  REQUIRE(gateways);
  REQUIRE(gateways->size() == 1);
  CHECK(gateways->front() == Gateway{"eth0", std::string("\x0a\x00\x00\x01", 4)});
  CHECK(parse_gateways_v4(kHeading)->empty());
}

TEST_CASE("routes: the gateways of default routes, IPv6") {
  const std::string zero(32, '0'), gateway = "fe80000000000000000000000000abcd";
  const auto gateways =
      parse_gateways_v6(zero + " 00 " + zero + " 00 " + gateway + " 00000400 00000001 00000000 00000003     eth0\n" +
                        "fe80" + zero.substr(4) + " 40 " + zero + " 00 " + zero + " 100 1 0 00000001     eth0\n" +
                        zero + " 00 " + zero + " 00 " + zero + " ffffffff 00000001 00000000 00200200       lo\n");
  REQUIRE(gateways);
  REQUIRE(gateways->size() == 1);
  CHECK(gateways->front().interface == "eth0");
  CHECK(gateways->front().address.size() == 16);
  CHECK(gateways->front().address.substr(14) == "\xab\xcd");
}

TEST_CASE("routes: damaged tables") {
  CHECK(!parse_gateways_v4(""));
  CHECK(!parse_gateways_v4(kHeading + "eth0\t00000000"));
  CHECK(parse_gateways_v4(kHeading + "eth0\t00000000\tzz\t0003\n\n\t\n")->empty());
  CHECK(!parse_gateways_v6("cut"));
  CHECK(parse_gateways_v6("x y z\n")->empty());
  std::string many = kHeading;
  for (int i = 0; i < 100; ++i) many += "e" + std::to_string(i) + "\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n";
  CHECK(parse_gateways_v4(many)->size() == kMostGateways);
}
