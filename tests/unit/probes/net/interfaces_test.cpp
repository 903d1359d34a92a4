// SPDX-License-Identifier: Apache-2.0
#include "../fake_root.h"
#include "../recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo network_probe;
}

namespace {
const std::string kHeading = "Inter-|   Receive  |  Transmit\n face |bytes |bytes\n";
const std::string kNumbers = ": 1 2 3 4 0 0 0 9 5 6 7 8 0 0 10 0\n";
}  // namespace

TEST_CASE("network probe: interfaces of the host, not of containers") {
  FakeRoot root;
  std::string text = kHeading;
  for (const char* name : {"lo", "eth0", "veth1a2b3c", "docker0", "br-0123456789ab", "br-lan", "wlan0", "cali77"})
    text += name + kNumbers;
  root.write("proc/net/dev", text);
  ProbeUnderTest network(network_probe, root);
  RecordingSink sink;
  REQUIRE(network.probe->read(at_second(1), sink));
  std::vector<std::string> names;
  for (const Entity& entity : sink.entities) names.push_back(entity.name);
  CHECK(names == std::vector<std::string>{"eth0", "br-lan", "wlan0"});
  CHECK(sink.values.at("network_interface:eth0 system.network.io{network.io.direction=receive}") == 1);
  CHECK(sink.values.at("network_interface:eth0 system.network.packet.count{network.io.direction=transmit}") == 6);
  CHECK(sink.values.at("network_interface:eth0 system.network.errors{network.io.direction=receive}") == 3);
  CHECK(sink.values.at("network_interface:eth0 system.network.packet.dropped{network.io.direction=transmit}") == 8);
  constexpr auto kEvents = "network_interface:eth0 hostmedic.network.interface.events";
  CHECK(sink.values.at(std::string(kEvents) + "{event=multicast,network.io.direction=receive}") == 9);
  CHECK(sink.values.at(std::string(kEvents) + "{event=carrier,network.io.direction=transmit}") == 10);

  root.write("proc/net/dev", kHeading + "wlan0" + kNumbers);
  REQUIRE(network.probe->read(at_second(3), sink));
  CHECK(sink.retired == std::vector<std::string>{"network_interface:br-lan", "network_interface:eth0"});
  root.write("proc/net/dev", kHeading + "wlan0: 1 2\n");
  CHECK(!network.probe->read(at_second(5), sink));
  CHECK(!sink.values.at("network_interface:wlan0 system.network.io{network.io.direction=receive}"));
}

TEST_CASE("network probe: the number of interfaces is bounded and the excess is told") {
  FakeRoot root;
  std::string text = kHeading;
  for (int i = 0; i < 200; ++i) text += "eth" + std::to_string(i) + kNumbers;
  root.write("proc/net/dev", text);
  ProbeUnderTest network(network_probe, root);
  RecordingSink sink;
  const Status status = network.probe->read(at_second(1), sink);
  REQUIRE(!status);
  CHECK(status.error().code == ErrorCode::limit);
  CHECK(sink.entities.size() == 128);
  CHECK(sink.values.at("network_interface:eth127 system.network.io{network.io.direction=receive}") == 1);
}
