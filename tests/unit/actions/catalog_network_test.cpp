// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "actions/catalog/catalog.h"
#include "actions/catalog/network/address.h"
#include "tests/unit/actions/host.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

Plan made(const ActionInfo& action, const Incident& incident, std::vector<Attribute> params = {}) {
  TestHost host;
  auto plan = action.plan(incident, host.view(), params);
  CAPTURE((plan ? "" : plan.error().message()));
  REQUIRE(plan.has_value());
  const Status valid = action.validate(*plan);
  CAPTURE((valid ? "" : valid.error().message()));
  CHECK(valid.has_value());
  return *plan;
}
Entity endpoint(const std::string& name) { return {EntityKind::endpoint, name}; }

bool valid_target(const ActionInfo& action, Plan plan, const std::string& name) {
  plan.target.name = name;
  return action.validate(plan).has_value();
}
bool valid_with(const ActionInfo& action, Plan plan, const std::string& key, const std::string& value) {
  for (Attribute& parameter : plan.parameters)
    if (parameter.key == key) parameter.value = value;
  plan.lasts = Duration{};
  return action.validate(plan).has_value();
}

}  // namespace

TEST_CASE("an address is one address, never a name") {
  CHECK(to_string(*parse_net_address("192.0.2.1")) == "192.0.2.1");
  CHECK(to_string(*parse_net_address("2001:DB8::0:1")) == "2001:db8::1");
  CHECK(to_string(*parse_net_address("::ffff:192.0.2.1")) == "192.0.2.1");
  for (const char* bad : {"", "example.org", "192.0.2", "192.0.2.256", "1.2.3.4 ", "fe80::1%eth0", "1.2.3.4;", "0x7f.1",
                          "1.2.3.4\n", "::1::2", "@x"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_net_address(bad).has_value());
  }
}

TEST_CASE("a peer with or without a port, as a URL or plain") {
  for (const char* text : {"192.0.2.1:80", "tcp://192.0.2.1:80", "http://192.0.2.1:80/a/b"}) {
    CAPTURE(text);
    CHECK(parse_peer(text)->port == 80);
  }
  CHECK(parse_peer("[2001:db8::1]:443")->port == 443);
  CHECK(parse_peer("2001:db8::1")->port == 0);
  for (const char* bad : {"192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "[192.0.2.1]:80", "[2001:db8::1", "[::1]x",
                          "tcp://", "http://example.org/", "192.0.2.0/24", "192.0.2.1:80:90", "tcp://u@192.0.2.1:1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_peer(bad).has_value());
  }
}

TEST_CASE("an allow-list of addresses, networks and ports") {
  const auto places = parse_allowed("192.0.2.77/24, 192.0.2.1:80,[2001:db8::1]:443 ,2001:db8:ffff::/33");
  REQUIRE(places.has_value());
  CHECK(to_string(places->at(0)) == "192.0.2.0/24");
  CHECK(places->at(1).port == 80);
  CHECK(to_string(places->at(3)) == "2001:db8:8000::/33");
  CHECK(contains(places->at(0), *parse_net_address("192.0.2.200")));
  CHECK_FALSE(contains(places->at(0), *parse_net_address("192.0.3.1")));
  CHECK_FALSE(contains(places->at(0), *parse_net_address("2001:db8::1")));
  CHECK(parse_allowed("none")->empty());
  CHECK(parse_allowed("")->empty());
  std::string many = "192.0.2.1";
  for (std::size_t i = 0; i < kMostAllowed; ++i) many += ",192.0.2.1";
  for (const std::string& bad : {std::string(","), std::string("0.0.0.0/0"), std::string("::/0"),
                                 std::string("192.0.2.0/33"), std::string("192.0.2.1 accept"), many}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_allowed(bad).has_value());
  }
}

TEST_CASE("peer.block takes one peer's address, for a time") {
  TestHost host;
  const Plan plan = made(kPeerBlock, incident_on(endpoint("tcp://203.0.113.5:40000"), "test", host), {{"for", "90s"}});
  CHECK(plan.lasts == std::chrono::seconds(90));
  CHECK(plan.command == "nft add element inet hostmedic blocked4 '{ 203.0.113.5 timeout 90s }'");
  Incident caused = incident_on(kNginx, "service.not_accepting", host);
  CHECK_FALSE(kPeerBlock.plan(caused, host.view(), {}).has_value());
  caused.causes = {endpoint("http://example.org/"), endpoint("tcp://[2001:db8::7]:1")};
  CHECK(made(kPeerBlock, caused).target == caused.causes[1]);
  for (const char* bad :
       {"127.0.0.1", "127.9.9.9", "::1", "::", "0.0.0.0", "224.0.0.1", "255.255.255.255", "169.254.1.1", "fe80::1",
        "ff02::1", "::ffff:127.0.0.1", "203.0.113.0/24", "example.org", ""}) {
    CAPTURE(bad);
    CHECK_FALSE(valid_target(kPeerBlock, plan, bad));
  }
  CHECK_FALSE(valid_with(kPeerBlock, plan, "for", "0s"));
  CHECK_FALSE(valid_with(kPeerBlock, plan, "for", "8d"));
}

TEST_CASE("circuit.open takes an upstream with a port") {
  TestHost host;
  const Plan plan = made(kCircuitOpen, incident_on(endpoint("tcp://192.0.2.9:5432"), "test", host));
  CHECK(plan.lasts == std::chrono::minutes(10));
  CHECK(valid_target(kCircuitOpen, plan, "127.0.0.1:9000"));
  for (const char* bad : {"192.0.2.9", "0.0.0.0:1", "224.0.0.1:80", "db.example.org:5432"}) {
    CAPTURE(bad);
    CHECK_FALSE(valid_target(kCircuitOpen, plan, bad));
  }
  CHECK_FALSE(valid_with(kCircuitOpen, plan, "half_open", "601"));
  CHECK_FALSE(valid_with(kCircuitOpen, plan, "half_open", "6 accept"));
}

TEST_CASE("host.segment always ends within an hour") {
  TestHost host;
  const Plan plan = made(kHostSegment, incident_on({EntityKind::host, ""}, "host.behaviour", host));
  CHECK(plan.target == Entity{EntityKind::host, ""});
  CHECK_FALSE(valid_with(kHostSegment, plan, "for", "0s"));
  CHECK_FALSE(valid_with(kHostSegment, plan, "for", "61m"));
  CHECK_FALSE(valid_with(kHostSegment, plan, "allow", "any"));
}

TEST_CASE("connections.drop says whose and which") {
  TestHost host;
  const Plan plan = made(kConnectionsDrop, incident_on(kNginx, "service.leaking_connections", host));
  CHECK(plan.get("state") == "close_wait");
  CHECK_FALSE(valid_with(kConnectionsDrop, plan, "state", "established"));  // of no port
  CHECK_FALSE(valid_with(kConnectionsDrop, plan, "state", "listen"));
  CHECK_FALSE(valid_with(kConnectionsDrop, plan, "most", "0"));
  CHECK_FALSE(valid_with(kConnectionsDrop, plan, "most", "1001"));
  CHECK_FALSE(valid_with(kConnectionsDrop, plan, "idle", "0s"));
  CHECK_FALSE(valid_with(kConnectionsDrop, plan, "remote_port", "65536"));
  CHECK(valid_with(kConnectionsDrop, plan, "remote_port", "5432"));
}

TEST_CASE("container.isolate names what stays allowed") {
  TestHost host;
  const Plan plan = made(kContainerIsolate, incident_on({EntityKind::container, "web"}, "service.behaviour", host),
                         {{"allow", "192.0.2.1:443"}, {"for", "0s"}});
  CHECK(plan.lasts == Duration{});
  CHECK_FALSE(valid_with(kContainerIsolate, plan, "allow", "0.0.0.0/0"));
  CHECK_FALSE(valid_with(kContainerIsolate, plan, "allow", "192.0.2.1; flush ruleset"));
}
