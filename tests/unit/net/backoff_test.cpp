// SPDX-License-Identifier: Apache-2.0
#include "agent/net/backoff.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace hostmedic;
using namespace std::chrono_literals;

TEST_CASE("waits grow to the bound, are spread over the whole range, and follow the seed") {
  std::vector<Duration> largest(12, Duration(0));
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Backoff backoff(seed, 1s, 5min);
    for (std::size_t n = 0; n < largest.size(); ++n) {
      const Duration wait = backoff.next();
      CHECK(wait >= Duration(0));
      CHECK(wait <= std::min<Duration>(1s * (1 << n), 5min));
      largest[n] = std::max(largest[n], wait);
    }
  }
  CHECK(largest[0] > 900ms);
  CHECK(largest[3] > 7s);
  CHECK(largest[11] > 280s);
  Backoff a(7, 1s, 5min), b(7, 1s, 5min), c(8, 1s, 5min);
  const Duration first = a.next();
  CHECK(first == b.next());
  CHECK(first != c.next());
  a.next();
  a.reset();
  CHECK(a.failures() == 0);
  CHECK(a.next() <= 1s);
}

TEST_CASE("Retry-After is seconds or an HTTP date, and bounded") {
  const WallTime now = WallTime(std::chrono::seconds(784'111'777 - 60));  // a minute before the date below
  CHECK(parse_retry_after("120", now).value_or(-1s) == 120s);
  CHECK(parse_retry_after(" 0 ", now).value_or(-1s) == 0s);
  CHECK(parse_retry_after("99999999999", now).value_or(-1s) == 24h);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now).value_or(-1s) == 60s);
  CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now + 10min).value_or(-1s) == 0s);
  for (const char* bad : {"", "-1", "soon", "1.5", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Foo 1994 08:49:37 GMT",
                          "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 28:49:37 GMT"}) {
    CAPTURE(bad);
    CHECK(!parse_retry_after(bad, now));
  }
}
