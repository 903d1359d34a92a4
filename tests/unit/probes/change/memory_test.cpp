// SPDX-License-Identifier: Apache-2.0
#include "probes/change/memory.h"

#include <doctest/doctest.h>

using namespace hostmedic;
using namespace hostmedic::change;

TEST_CASE("what is remembered is read as it was written") {
  Memory memory{"0f3a-11", "6.1.0-13-amd64", wall_from_ns(1'795'227'600'123'456'789), {}};
  memory.logs = {{"/var/log/dpkg.log", 65025, 1234567, 98765}, {"/var/log/dnf.rpm.log", 1, 2, 0}};
  const auto again = parse_memory(to_text(memory));
  REQUIRE(again);
  CHECK(*again == memory);
  const Memory least{"", "", wall_from_ns(0), {}};
  CHECK(*parse_memory(to_text(least)) == least);
}

TEST_CASE("a memory that was cut or spoilt is refused, so that nothing is told by it") {
  const std::string good = to_text({"b", "k", wall_from_ns(7), {{"/var/log/dpkg.log", 1, 2, 3}}});
  REQUIRE(parse_memory(good));
  for (std::size_t cut = 0; cut < good.size(); ++cut) CHECK_FALSE(parse_memory(good.substr(0, cut)));
  for (const char* text :
       {"end\n", "seen x\nend\n", "seen 1\nseen 2\nend\n", "seen 1 2\nend\n", "boot a\nboot b\nseen 1\nend\n",
        "seen 1\nlog var/log 1 2 3\nend\n", "seen 1\nlog /a 1 2\nend\n", "seen 1\nwhat 1\nend\n", "seen 1\n\nend\n",
        "seen 99999999999999999999999\nend\n", "boot\nseen 1\nend\n"})
    CHECK_MESSAGE(!parse_memory(text), text);
}
