// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/numbers.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace hostmedic;

TEST_CASE("numbers: the first ones of a line, whatever stands between and behind") {
  std::array<std::uint64_t, 3> numbers{};
  REQUIRE(parse_numbers("593\t0\t2466177\n", numbers));
  CHECK(numbers == std::array<std::uint64_t, 3>{593, 0, 2466177});
  REQUIRE(parse_numbers("1 2 18446744073709551615 x\n", numbers));
  CHECK(numbers[2] == 18446744073709551615ULL);
  REQUIRE(parse_numbers("7\nx\n", std::span(numbers).first(1)));
  CHECK(numbers[0] == 7);
}

TEST_CASE("numbers: bad files are refused and touch nothing") {
  std::array<std::uint64_t, 2> numbers{5, 5};
  const auto message = [&](std::string_view text) {
    const Status status = parse_numbers(text, numbers);
    REQUIRE(!status);
    CHECK(numbers == std::array<std::uint64_t, 2>{5, 5});
    return status.error().message();
  };
  CHECK(message("") == "empty");
  CHECK(message("1 2").find("cut off") == 0);
  CHECK(message("1\n") == "line 1: number: missing");
  CHECK(message("1\n2\n") == "line 1: number: missing");
  CHECK(message("1 -2\n").find("line 1: number: '-2'") == 0);
  CHECK(message("1 18446744073709551616\n").find("line 1: number: ") == 0);
  std::array<std::uint64_t, 17> many{};
  CHECK(!parse_numbers("1\n", many));
}

TEST_CASE("key users: the fullest quota of keys and of bytes, each of its own user") {
  const auto quota = parse_key_users(
      "    0:     9 8/8 3/1000000 40/25000000\n"
      "   33:     1 1/1 150/200 9/20000 more\n"
      " 1000:     1 1/1 1/200 19000/20000\n");
  REQUIRE(quota);
  CHECK(quota->keys == 150);
  CHECK(quota->most_keys == 200);
  CHECK(quota->bytes == 19000);
  CHECK(quota->most_bytes == 20000);
  REQUIRE(parse_key_users(""));
  CHECK(parse_key_users("")->most_keys == 0);
}

TEST_CASE("key users: bad files are refused with line and item") {
  const auto message = [](std::string_view text) {
    const auto quota = parse_key_users(text);
    REQUIRE(!quota);
    return quota.error().message();
  };
  CHECK(message("0: 9 8/8 3/10 40/2").find("cut off") == 0);
  CHECK(message("0: 9 8/8\n") == "line 1: keys: not used/most");
  CHECK(message("0: 9 8/8 3/10\n") == "line 1: bytes: not used/most");
  CHECK(message("0: 9 8/8 x/10 4/2\n").find("line 1: keys: 'x'") == 0);
  CHECK(message("0: 9 8/8 3/10 4/99999999999999999999\n").find("line 1: bytes: ") == 0);
  CHECK(message("garbage\n") == "line 1: keys: not used/most");
}
