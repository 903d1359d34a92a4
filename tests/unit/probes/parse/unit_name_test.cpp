// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/unit_name.h"

#include <doctest/doctest.h>

#include <string>

using namespace hostmedic;

TEST_CASE("names that systemd would use, and others") {
  CHECK(is_unit_name("srv-data.mount"));
  CHECK_FALSE(is_unit_name(""));
  CHECK_FALSE(is_unit_name("\x1b[31m.mount"));
  CHECK_FALSE(is_unit_name(std::string(256, 'a')));
  CHECK(is_unit_name("backup.timer", ".timer"));
  CHECK_FALSE(is_unit_name("backup.service", ".timer"));

  CHECK(is_followed_service("nginx.service"));
  CHECK(is_followed_service("getty@tty1.service"));
  CHECK(is_followed_service("dev-disk\\x2d1.service"));
  CHECK_FALSE(is_followed_service(".service"));
  CHECK_FALSE(is_followed_service("nginx.socket"));
  CHECK_FALSE(is_followed_service("a b.service"));
  CHECK_FALSE(is_followed_service("a/b.service"));
  CHECK_FALSE(is_followed_service("\x1b[31m.service"));
  CHECK_FALSE(is_followed_service(std::string(250, 'a') + ".service"));
}

TEST_CASE("a unit in which an order is carried out is no service of the host") {
  CHECK_FALSE(is_followed_service("hostmedic-order-0123456789abcdef01234567.service"));
  CHECK(is_order_unit("hostmedic-order-0123456789abcdef01234567.service"));
  CHECK(is_followed_service("hostmedic.service"));
  CHECK(is_followed_service("hostmedic-probe.service"));
}
