// SPDX-License-Identifier: Apache-2.0
#include "probes/openmetrics/published.h"

#include <doctest/doctest.h>

#include "tests/unit/probes/recording_sink.h"

using namespace hostmedic;
using hostmedic::test::RecordingSink;

TEST_CASE("published: allowed series are taken, what is not shown any more is unknown") {
  RecordingSink sink;
  const EntityId entity = sink.entity(EntityKind::endpoint, "http://e/metrics");
  Published published({"app_*", "up"});
  auto counts =
      published.show("app_pool{pool=\"a\"} 1\napp_pool{pool=\"b\"} 2\nup 1\ngo_gc 7\napp_bad{x} 1\n", entity, sink);
  CHECK(counts.taken == 3);
  CHECK(counts.malformed == 1);
  CHECK(sink.value("endpoint:http://e/metrics", "app_pool", "pool=b") == 2);
  CHECK(sink.value("endpoint:http://e/metrics", "up") == 1);
  (void)published.show("app_pool{pool=\"a\"} 5\napp_pool{pool=\"a\"} 6\n", entity, sink);
  CHECK(sink.value("endpoint:http://e/metrics", "app_pool", "pool=a") == 5);  // the first of two
  CHECK(!sink.value("endpoint:http://e/metrics", "app_pool", "pool=b"));
  published.unknown(sink);
  CHECK(!sink.value("endpoint:http://e/metrics", "app_pool", "pool=a"));
}

TEST_CASE("published: an exporter with more series than the bound has the others left out") {
  RecordingSink sink;
  const EntityId entity = sink.entity(EntityKind::endpoint, "e");
  Published published({"*"});
  std::string text;
  for (int i = 0; i < 300; ++i) text += "m" + std::to_string(i) + " 1\n";
  for (int round = 0; round < 2; ++round) {
    const auto counts = published.show(text, entity, sink);
    CHECK(counts.taken == Published::kMostSeries);
    CHECK(counts.left_out == 100);
  }
}
