// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/latency.h"

#include <doctest/doctest.h>

#include "probes/bpf/followed_few.h"

using namespace hostmedic;
using bpf::Latencies;

TEST_CASE("the percentile of a histogram lies in the bucket that holds it") {
  hm_latency row{};
  Latencies none;
  none.add(row, nullptr);
  CHECK_FALSE(none.quantile(0.5));
  row.buckets[4] = 98;  // 16 to 32 us
  row.buckets[13] = 2;  // 8.2 to 16.4 ms
  Latencies all;
  all.add(row, nullptr);
  CHECK(all.count() == 100);
  CHECK(all.quantile(0.5).value() >= 16e-6);
  CHECK(all.quantile(0.5).value() <= 32e-6);
  CHECK(all.quantile(0.98).value() == doctest::Approx(32e-6));
  CHECK(all.quantile(0.99).value() >= 8192e-6);
  CHECK(all.quantile(1.0).value() == doctest::Approx(16384e-6));
  CHECK(all.quantile(0).value() <= 32e-6);
}

TEST_CASE("only what came since the reading before counts, and narrow counters go round") {
  hm_latency before{}, now{};
  before.buckets[0] = 1000;
  now.buckets[0] = 1000;
  before.buckets[2] = 0xffffffff;
  now.buckets[2] = 2;
  Latencies interval;
  interval.add(now, &before);
  CHECK(interval.count() == 3);
  CHECK(interval.quantile(0.5).value() > 4e-6);
}

TEST_CASE("the last bucket takes what is longer") {
  hm_latency row{};
  row.buckets[HM_LATENCY_BUCKETS - 1] = 5;
  Latencies slow;
  slow.add(row, nullptr);
  CHECK(slow.quantile(0.99).value() > 134);
}

TEST_CASE("few names are followed, and an idle one makes room") {
  bpf::FollowedFew<int> few(2, std::chrono::seconds(10));
  const MonoTime begin = mono_from_ns(1'000'000'000'000);
  const auto after = [&](int s) { return begin + std::chrono::seconds(s); };
  REQUIRE(few.follow("a", begin) != nullptr);
  *few.find("a", begin) = 1;
  REQUIRE(few.follow("b", begin) != nullptr);
  CHECK(few.follow("c", begin) == nullptr);
  CHECK(few.find("c", begin) == nullptr);
  CHECK(few.find("b", after(5)) != nullptr);
  int dropped = 0;
  few.expire(after(10), [&](const int& known) { dropped = known; });
  CHECK(dropped == 1);
  CHECK(few.find("a", after(10)) == nullptr);
  CHECK(few.find("b", after(10)) != nullptr);
  CHECK(few.follow("c", after(10)) != nullptr);
}
