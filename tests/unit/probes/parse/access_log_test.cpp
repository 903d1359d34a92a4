// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/access_log.h"

#include <doctest/doctest.h>

#include <string>

using namespace hostmedic;

namespace {
const std::string kHead = "192.0.2.7 - - [21/Nov/2026:10:00:00 +0000] ";
}

TEST_CASE("the common and the combined format") {
  const auto common = parse_access_line(kHead + "\"GET /a HTTP/1.1\" 200 612");
  REQUIRE(common);
  CHECK(common->status == 200);
  CHECK(common->bytes == 612);
  CHECK_FALSE(common->seconds);
  const auto combined =
      parse_access_line(kHead + "\"POST /b?c=d HTTP/2.0\" 502 157 \"-\" \"curl/8.0 (x) \\\"y\\\" 12\"\r");
  REQUIRE(combined);
  CHECK(combined->status == 502);
  CHECK_FALSE(combined->seconds);
  const auto host = parse_access_line("example.org:443 2001:db8::1 - bob " + kHead.substr(14) + "\"-\" 408 -");
  REQUIRE(host);
  CHECK(host->status == 408);
  CHECK(host->bytes == 0);
}

TEST_CASE("how long a request took, by the shape of what follows") {
  const std::string line = kHead + "\"GET /a HTTP/1.1\" 200 612 \"-\" \"agent 1.5\" ";
  const auto seconds = [&](const std::string& extra) { return parse_access_line(line + extra).value().seconds; };
  CHECK(seconds("0.123") == doctest::Approx(0.123));
  CHECK(seconds("\"-\" 0.250 0.200") == doctest::Approx(0.25));
  CHECK(seconds("rt=1.500 uct=\"0.001\"") == doctest::Approx(1.5));
  CHECK(seconds("\"0.004\"") == doctest::Approx(0.004));
  CHECK(seconds("12345") == doctest::Approx(0.012345));
  CHECK(parse_access_line(kHead + "\"GET /a HTTP/1.1\" 200 612 777").value().seconds == doctest::Approx(777e-6));
  for (const char* none : {"-", "\"12345\"", "abc", "1.2.3", "99999999999999999999", "999999.5", "1x", ".5"}) {
    CAPTURE(none);
    CHECK_FALSE(seconds(none));
  }
}

TEST_CASE("a request line of whatever bytes does not confuse the fields after it") {
  const auto parsed = parse_access_line(kHead + "\"\\x16\\x03 \\\" 200 5 [\" 400 0 \"-\" \"-\"");
  REQUIRE(parsed);
  CHECK(parsed->status == 400);
}

TEST_CASE("other lines are not taken for requests") {
  for (const std::string& line :
       {std::string(), std::string("["), kHead, kHead + "\"GET / HTTP/1.1\"", kHead + "\"GET / HTTP/1.1\" 2000 1",
        kHead + "\"GET / HTTP/1.1\" 200 x", kHead + "\"GET / HTTP/1.1\" 999 1", kHead + "\"GET / HTTP/1.1 200 1",
        kHead + "\"GET / HTTP/1.1\" 200 99999999999999999999999", kHead + "GET 200 1",
        std::string("2026/11/21 10:00:00 [error] 1#1: *1 \"GET / HTTP/1.1\" 200 5"),
        std::string("app [21/Nov/2026:10:00:00"), std::string(600, 'x') + kHead}) {
    CAPTURE(line);
    CHECK_FALSE(parse_access_line(line));
  }
}
