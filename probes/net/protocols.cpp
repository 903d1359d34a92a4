// SPDX-License-Identifier: Apache-2.0
// What the network stack counted from the card's backlog over connection tracking to TCP and UDP: traffic,
// retransmissions, overflows of listening sockets, resets, drops.
#include <array>
#include <memory>

#include "detect/model/names.h"
#include "probes/net/protocol_rows.h"
#include "probes/probe.h"
#include "probes/source/number_file.h"

namespace hostmedic {
namespace {

constexpr Duration kInterval = std::chrono::seconds(5);

class ProtocolProbe final : public Probe {
 public:
  explicit ProtocolProbe(int proc)
      : files_{NumberFile::of<KeyedColumns>({proc, "net/snmp", KeptFile::Shape::whole}, snmp_rows()),
               NumberFile::of<KeyedColumns>({proc, "net/netstat", KeptFile::Shape::whole}, netstat_rows()),
               NumberFile::of<KeyedLines>({proc, "net/snmp6", KeptFile::Shape::whole}, snmp6_rows()),
               NumberFile::of<KeyedHexTable>({proc, "net/softnet_stat", KeptFile::Shape::pieces}, softnet_rows(),
                                             kSoftnetHeading),
               NumberFile::of<KeyedHexTable>({proc, "net/stat/nf_conntrack", KeptFile::Shape::pieces},
                                             conntrack_rows())} {}

  Status read(MonoTime, Sink& sink) override { return read_all(files_, sink); }
  Duration interval() const override { return kInterval; }

 private:
  std::array<NumberFile, 5> files_;
};

constexpr const MetricInfo* kMetrics[] = {&metric::kTcpEvents,    &metric::kTcpSegments,    &metric::kTcpEstablished,
                                          &metric::kUdpDatagrams, &metric::kUdpEvents,      &metric::kIpPackets,
                                          &metric::kIpIo,         &metric::kIpEvents,       &metric::kIcmpMessages,
                                          &metric::kSoftnet,      &metric::kConntrackEvents};

Result<std::unique_ptr<Probe>> make(const ProbeContext& context) {
  const int proc = context.roots.proc.get();
  if (!KeptFile(proc, "net/snmp", KeptFile::Shape::whole).open())
    return make_error(ErrorCode::unsupported, "not here, because the kernel gives no protocol counters (net/snmp)");
  return std::unique_ptr<Probe>(std::make_unique<ProtocolProbe>(proc));
}

}  // namespace

extern const ProbeInfo protocols_probe;
const ProbeInfo protocols_probe{"protocols",
                                "counters of the network stack: backlog, IP, ICMP, TCP, UDP, connection tracking",
                                kInterval,
                                "",
                                "200 us per read on a 2-core VM, Linux 6.18",
                                kMetrics,
                                make};

}  // namespace hostmedic
