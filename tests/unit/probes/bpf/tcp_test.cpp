// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstring>

#include "detect/model/names.h"
#include "probes/bpf/tcp_record.h"
#include "probes/bpf/tcp_tally.h"
#include "tests/unit/probes/recording_sink.h"

using namespace hostmedic;
using hostmedic::test::RecordingSink;

namespace {

const MonoTime kBegin = mono_from_ns(1'000'000'000'000);

hm_tcp_record record(hm_tcp_event kind) {
  hm_tcp_record made{};
  made.at_ns = 5'000'000'000;
  made.kind = kind;
  made.pid = 42;
  made.port = 443;
  const unsigned char mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
  std::memcpy(made.address, mapped, sizeof mapped);
  std::strcpy(made.executable, "curl\x1b");
  std::strcpy(made.unit, "web.service");
  return made;
}
std::optional<bpf::TcpEvent> decode(const hm_tcp_record& made) {
  return bpf::decode_tcp_record(std::as_bytes(std::span(&made, 1)));
}
std::string text_of(const std::vector<Attribute>& attributes) {
  std::string text;
  for (const Attribute& one : attributes) text += one.key + "=" + one.value + " ";
  return text;
}
hm_tcp_counts counts(std::uint32_t opened, std::uint32_t refused) {
  hm_tcp_counts made{};
  made.opened = opened;
  made.failed[HM_TCP_REFUSED] = refused;
  made.connect.buckets[7] = opened;
  made.rtt_us = 1000ULL * opened;
  made.rtt_count = opened;
  made.activity = 2 * opened + refused;
  return made;
}

}  // namespace

TEST_CASE("addresses read as people write them") {
  std::uint8_t address[16] = {};
  CHECK(format_address(address) == "::");
  address[15] = 1;
  CHECK(bpf::remote_url(address, 80) == "tcp://[::1]:80");
  const auto mapped = record(HM_TCP_DESTINATION);
  std::memcpy(address, mapped.address, sizeof address);
  CHECK(bpf::remote_url(address, 443) == "tcp://192.0.2.1:443");
}

TEST_CASE("a new destination and a listener say who and where") {
  const auto destination = decode(record(HM_TCP_DESTINATION));
  REQUIRE(destination);
  CHECK(text_of(bpf::tcp_attributes(*destination, true)) ==
        "network.transport=tcp network.peer.address=192.0.2.1 network.peer.port=443 network.initial=1 process.pid=42 "
        "process.executable.name=curl? process.unit=web.service ");
  auto gone = record(HM_TCP_CLOSED);
  gone.pid = 0;
  gone.executable[0] = gone.unit[0] = 0;
  const auto listener = decode(gone);
  REQUIRE(listener);
  CHECK(text_of(bpf::tcp_attributes(*listener, false)) ==
        "network.transport=tcp network.local.address=192.0.2.1 network.local.port=443 network.listener.state=closed ");
}

TEST_CASE("a record that the program cannot have written is refused") {
  auto made = record(HM_TCP_LISTENING);
  CHECK(decode(made));
  CHECK_FALSE(bpf::decode_tcp_record(std::as_bytes(std::span(&made, 1)).first(sizeof made - 1)));
  CHECK_FALSE(bpf::decode_tcp_record({}));
  made.kind = 0;
  CHECK_FALSE(decode(made));
  made.kind = HM_TCP_DESTINATION + 1;
  CHECK_FALSE(decode(made));
  made = record(HM_TCP_LISTENING);
  made.port = 65536;
  CHECK_FALSE(decode(made));
  made = record(HM_TCP_LISTENING);
  made.at_ns = ~0ULL;
  CHECK_FALSE(decode(made));
  made = record(HM_TCP_LISTENING);
  std::memset(made.unit, 'x', sizeof made.unit);
  std::memset(made.executable, 'y', sizeof made.executable);
  REQUIRE(decode(made));
  CHECK(decode(made)->unit.empty());
  CHECK(decode(made)->executable == std::string(32, 'y'));
}

TEST_CASE("a tally adds up what rows gain, also when a counter goes round or the row is new") {
  RecordingSink sink;
  bpf::TcpTally tally;
  tally.define(sink.entity(EntityKind::host, ""), "role=client", true, sink);
  hm_tcp_counts before{}, now{};
  before.opened = 0xfffffffe;
  now.opened = 3;
  now.failed[HM_TCP_TIMEOUT] = 2;
  now.connect.buckets[10] = 5;
  now.rtt_us = 3000;
  now.rtt_count = 2;
  tally.add(now, &before);
  tally.sample(true, sink);
  CHECK(sink.values.at("host hostmedic.tcp.connections{role=client}") == 5);
  CHECK(sink.values.at("host hostmedic.tcp.connect.failures{error.type=timeout,role=client}") == 2);
  CHECK(sink.values.at("host hostmedic.tcp.connect.failures{error.type=refused,role=client}") == 0);
  CHECK(sink.values.at("host hostmedic.tcp.connect.latency.p50{role=client}").value() >= 1024e-6);
  CHECK(sink.values.at("host hostmedic.tcp.round_trip.time{role=client}").value() == doctest::Approx(0.0015));
  // Nothing new: counters stay, gauges are unknown.
  tally.add(now, &now);
  tally.sample(true, sink);
  CHECK(sink.values.at("host hostmedic.tcp.connections{role=client}") == 5);
  CHECK_FALSE(sink.values.at("host hostmedic.tcp.connect.latency.p50{role=client}"));
  CHECK_FALSE(sink.values.at("host hostmedic.tcp.round_trip.time{role=client}"));
  tally.sample(false, sink);
  CHECK_FALSE(sink.values.at("host hostmedic.tcp.connections{role=client}"));
}

TEST_CASE("the busiest parties are followed, with a few sides each, until they are idle") {
  RecordingSink sink;
  bpf::TcpParties parties(EntityKind::endpoint, 2, std::chrono::seconds(60), false);
  parties.add("quiet", "role=client", counts(1, 0), nullptr, kBegin, sink);
  parties.add("busy", "role=client", counts(100, 7), nullptr, kBegin, sink);
  parties.add("failing", "role=client", counts(0, 50), nullptr, kBegin, sink);
  parties.finish(true, kBegin, sink);
  CHECK(sink.values.at("endpoint:busy hostmedic.tcp.connections{role=client}") == 100);
  CHECK(sink.values.at("endpoint:failing hostmedic.tcp.connect.failures{role=client}") == 50);
  CHECK_FALSE(sink.values.contains("endpoint:quiet hostmedic.tcp.connections{role=client}"));
  CHECK(parties.left_out() == 1);

  // A side more than there is room for is left out; the sum of one that is known goes on.
  const MonoTime later = kBegin + std::chrono::seconds(30);
  const hm_tcp_counts before = counts(100, 7);
  for (int i = 0; i < 5; ++i)
    parties.add("busy", "role=client,service.name=s" + std::to_string(i), counts(1, 0), nullptr, later, sink);
  parties.add("busy", "role=client", counts(103, 7), &before, later, sink);
  parties.finish(true, later, sink);
  CHECK(sink.values.at("endpoint:busy hostmedic.tcp.connections{role=client}") == 103);
  CHECK(sink.values.contains("endpoint:busy hostmedic.tcp.connections{role=client,service.name=s2}"));
  CHECK_FALSE(sink.values.contains("endpoint:busy hostmedic.tcp.connections{role=client,service.name=s3}"));
  CHECK(parties.left_out() == 3);

  parties.finish(true, kBegin + std::chrono::seconds(61), sink);
  CHECK(sink.retired == std::vector<std::string>{"endpoint:failing"});
}
