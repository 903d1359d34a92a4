// SPDX-License-Identifier: Apache-2.0
// Routes are a fake root's; the neighbours are asked of the running kernel.
#include "../fake_root.h"
#include "../recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo gateway_probe;
}

namespace {
const std::string kHeading = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
const std::string kSeries = "network_interface:nic7 hostmedic.network.gateway.reachable{network.gateway.address=";
}  // namespace

TEST_CASE("gateway probe: one that the kernel knows nothing of is unknown, and goes with its route") {
  FakeRoot root;
  // From the range for documentation, on an interface whose number nobody has.
  root.write("proc/net/route", kHeading + "nic7\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
  root.write("sys/class/net/nic7/ifindex", "2147483000\n");
  ProbeUnderTest gateway(gateway_probe, root);
  REQUIRE(gateway.probe);
  RecordingSink sink;
  (void)gateway.probe->read(at_second(10), sink);  // a kernel may refuse the number
  REQUIRE(sink.values.count(kSeries + "192.0.2.1}") == 1);
  CHECK(!sink.values.at(kSeries + "192.0.2.1}"));
  root.write("proc/net/route", kHeading);
  REQUIRE(gateway.probe->read(at_second(20), sink));
  CHECK(sink.retired == std::vector<std::string>{"network_interface:nic7"});
}

TEST_CASE("gateway probe: says why it is not here, and what it could not read") {
  FakeRoot root;
  ProbeUnderTest absent(gateway_probe, root);
  CHECK(!absent.probe);
  CHECK(absent.error == "not here, because the kernel shows no routes");
  root.write("proc/net/route", kHeading + "nic7\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
  ProbeUnderTest gateway(gateway_probe, root);
  REQUIRE(gateway.probe);
  RecordingSink sink;
  CHECK(!gateway.probe->read(at_second(10), sink));  // the interface is not in sys
  CHECK(!sink.values.at(kSeries + "192.0.2.1}"));
  root.write("proc/net/route", "cut");
  CHECK(!gateway.probe->read(at_second(20), sink));
}
