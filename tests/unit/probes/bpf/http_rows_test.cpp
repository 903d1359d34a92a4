// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/http_rows.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "tests/unit/probes/recording_sink.h"

using namespace hostmedic;
using hostmedic::bpf::HttpRows;
using hostmedic::bpf::latency_quantile;
using hostmedic::test::RecordingSink;

namespace {

MonoTime at(int seconds) { return MonoTime{} + std::chrono::seconds(seconds); }

hm_http_service counts(std::string_view unit, std::uint64_t ok, std::uint64_t failed = 0) {
  hm_http_service all{};
  std::memcpy(all.unit, unit.data(), unit.size());
  all.state = HM_HTTP_OURS;
  all.requests = ok + failed;
  all.responses[2] = ok;
  all.responses[5] = failed;
  all.latency[hm_http_bucket(1'000'000)] = static_cast<__u32>(ok + failed);
  return all;
}

const std::string kBegun = "service:a.service hostmedic.http.server.request.begun{network.local.port=80}";
const std::string kGood =
    "service:a.service hostmedic.http.server.request.count{http.response.status_code=2xx,network.local.port=80}";
const std::string kBad =
    "service:a.service hostmedic.http.server.request.count{http.response.status_code=5xx,network.local.port=80}";
const std::string kMedian = "service:a.service hostmedic.http.server.request.duration.p50{network.local.port=80}";

}  // namespace

TEST_CASE("a quantile lies within its bucket") {
  std::array<std::uint32_t, HM_HTTP_BUCKETS> buckets{};
  CHECK_FALSE(latency_quantile(buckets, 0.5));
  for (const double ns : {500.0, 5e3, 1e6, 123e6, 7e9}) {
    buckets.fill(0);
    buckets[hm_http_bucket(static_cast<__u64>(ns))] = 10;
    CAPTURE(ns);
    const double width = std::max(ns / 4, 1024.0) * 1e-9;
    CHECK(std::abs(*latency_quantile(buckets, 0.5) - ns * 1e-9) <= width);
    CHECK(*latency_quantile(buckets, 0.99) > *latency_quantile(buckets, 0.5));
  }
  buckets.fill(0);
  buckets[hm_http_bucket(1'000'000)] = 98;
  buckets[hm_http_bucket(1'000'000'000)] = 2;
  CHECK(*latency_quantile(buckets, 0.5) < 0.0013);
  CHECK(*latency_quantile(buckets, 0.99) > 0.8);
}

TEST_CASE("counts add up, latencies are of the interval, a class begins with its first answer") {
  HttpRows rows;
  RecordingSink sink;
  rows.take(80, counts("a.service", 10), at(1), sink);
  rows.sample(sink);
  CHECK(sink.values.at(kGood) == 10.0);
  CHECK(sink.values.at(kBegun) == 10.0);
  CHECK_FALSE(sink.values.contains(kBad));
  CHECK(sink.values.at(kMedian).value() == doctest::Approx(0.001).epsilon(0.15));

  rows.take(80, counts("a.service", 5, 2), at(2), sink);  // one unit, two control groups
  rows.take(80, counts("a.service", 1), at(2), sink);
  rows.sample(sink);
  CHECK(sink.values.at(kGood) == 16.0);
  CHECK(sink.values.at(kBad) == 2.0);
  CHECK(sink.values.at(kBegun) == 18.0);

  rows.sample(sink);
  CHECK(sink.values.at(kGood) == 16.0);
  CHECK_FALSE(sink.values.at(kMedian));  // nobody asked: not known, not zero
}

TEST_CASE("what has no unit is the host's, what is not ours is nobody's, what never answers is no server") {
  HttpRows rows;
  RecordingSink sink;
  rows.take(8080, counts("session-3.scope", 3), at(1), sink);
  rows.take(8081, counts("bad\x01name.service", 1), at(1), sink);
  hm_http_service foreign = counts("b.service", 3);
  foreign.state = HM_HTTP_FOREIGN;
  rows.take(80, foreign, at(1), sink);
  hm_http_service mute = counts("c.service", 0);
  mute.requests = 7;
  rows.take(80, mute, at(1), sink);
  rows.sample(sink);
  CHECK(sink.values.at("host hostmedic.http.server.request.begun{network.local.port=8080}") == 3.0);
  CHECK(sink.values.at("host hostmedic.http.server.request.begun{network.local.port=8081}") == 1.0);
  CHECK(sink.entities.size() == 1);
  const std::string id(64, 'a');
  rows.take(80, counts("docker-" + id + ".scope", 2), at(1), sink);
  rows.sample(sink);
  CHECK(sink.values.at("container:" + id + " hostmedic.http.server.request.begun{network.local.port=80}") == 2.0);
}

TEST_CASE("a program with a new port for each run does not add series for ever") {
  HttpRows rows;
  RecordingSink sink;
  for (std::uint32_t port = 40'000; port < 42'000; ++port) {
    rows.take(port, counts("", 1), at(1), sink);
    rows.sample(sink);
  }
  CHECK(rows.size() == HttpRows::kMostPorts + 1);
  CHECK(sink.values.at("host hostmedic.http.server.request.begun{network.local.port=other}") == 2000.0 - 16);
  CHECK(rows.held_back() == 0);
}

TEST_CASE("when all rows are taken one that was idle for long gives way, else the heads are counted as held back") {
  HttpRows rows;
  RecordingSink sink;
  for (std::size_t i = 0; i < HttpRows::kMostRows; ++i) {
    rows.take(80, counts("u" + std::to_string(i) + ".service", 1), at(static_cast<int>(i)), sink);
  }
  rows.sample(sink);
  rows.take(80, counts("late.service", 4), at(200), sink);
  CHECK(rows.size() == HttpRows::kMostRows);
  CHECK(rows.held_back() == 4);
  CHECK(sink.retired.empty());
  rows.take(80, counts("late.service", 4), at(2000), sink);
  CHECK(rows.size() == HttpRows::kMostRows);
  CHECK(rows.held_back() == 4);
  REQUIRE(sink.retired.size() == 1);
  CHECK(sink.retired[0] == "service:u0.service");
}

TEST_CASE("a port is encrypted after many handshakes without any request in clear, until looked at again") {
  HttpRows rows;
  RecordingSink sink;
  std::vector<std::uint16_t> ports;
  hm_http_service tls{};
  tls.state = HM_HTTP_OURS;
  tls.hellos = HttpRows::kManyHellos - 1;
  rows.take(443, tls, at(1), sink);
  rows.take(80, counts("a.service", 1), at(1), sink);
  rows.take(80, tls, at(1), sink);
  rows.list_encrypted(ports);
  CHECK(ports.empty());
  tls.hellos = 1;
  rows.take(443, tls, at(2), sink);
  rows.take(80, tls, at(2), sink);
  rows.list_encrypted(ports);
  CHECK(ports == std::vector<std::uint16_t>{443});
  rows.look_again();
  rows.list_encrypted(ports);
  CHECK(ports.empty());
  rows.sample(sink);
  CHECK_FALSE(sink.values.contains("host hostmedic.http.server.request.begun{network.local.port=443}"));
}

TEST_CASE("http rows: errors that begin are told, and not that they go on") {
  HttpRows rows;
  RecordingSink sink;
  const auto begin_with = [&](std::uint64_t ok, std::uint64_t failed) {
    rows.take(80, counts("shop.service", ok, failed), at(1), sink);
    rows.sample(sink);
    return rows.errors_begin();
  };
  CHECK_FALSE(begin_with(5, 0));
  CHECK(begin_with(3, 2));
  CHECK_FALSE(begin_with(0, 5));
  CHECK_FALSE(begin_with(5, 0));
  CHECK(begin_with(4, 1));
}
