// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "../fake_root.h"
#include "../recording_sink.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace hostmedic {
extern const ProbeInfo protocols_probe, sockets_probe;
}

TEST_CASE("protocols probe: each file by its table; a host without IPv6 or connection tracking is no fault") {
  FakeRoot root;
  {
    ProbeUnderTest lacking(protocols_probe, root);
    CHECK(lacking.error.find("not here, because the kernel gives no protocol counters") == 0);
  }
  root.write("proc/net/snmp",
             "Ip: Forwarding ReasmFails\nIp: 2 3\nTcp: MaxConn CurrEstab RetransSegs\nTcp: -1 4 5\n"
             "Udp: NoPorts RcvbufErrors\nUdp: 6 7\nIcmp: InMsgs InDestUnreachs\nIcmp: 9 8\n");
  root.write("proc/net/netstat", "TcpExt: ListenOverflows TCPTimeouts\nTcpExt: 9 10\nIpExt: InOctets\nIpExt: 11\n");
  root.write("proc/net/softnet_stat", "0000000f 00000001 00000002\n000004b1 00000001 00000000\n");
  ProbeUnderTest protocols(protocols_probe, root);
  RecordingSink sink;
  REQUIRE(protocols.probe->read(at_second(1), sink));
  const auto value = [&](const std::string& series) { return sink.values.at("host hostmedic.network." + series); };
  CHECK(value("tcp.established") == 4);
  CHECK(value("tcp.events{event=retransmit}") == 5);
  CHECK(value("tcp.events{event=listen_overflow}") == 9);
  CHECK(value("tcp.events{event=timeout}") == 10);
  CHECK(value("udp.events{event=receive_buffer_full,network.type=ipv4}") == 7);
  CHECK(value("ip.events{event=reassembly_failed,network.type=ipv4}") == 3);
  CHECK(value("ip.io{network.io.direction=receive,network.type=ipv4}") == 11);
  CHECK(value("icmp.messages{network.io.direction=receive,network.type=ipv4,type=destination_unreachable}") == 8);
  CHECK(value("softnet.events{event=processed}") == 0x4c0);
  CHECK(value("softnet.events{event=dropped}") == 2);
  CHECK(value("softnet.events{event=time_squeeze}") == 2);
  for (const std::string& key : sink.keys) CHECK(key.find("ipv6") == key.npos);

  root.write("proc/net/snmp6", "Ip6ReasmFails                  \t12\nUdp6RcvbufErrors 13\n");  // the module came
  root.write("proc/net/stat/nf_conntrack", "entries drop early_drop\n00000005 00000001 00000000\n00000005 1 a\n");
  root.write("proc/net/netstat", "TcpExt: ListenOverflows\n");
  const Status status = protocols.probe->read(at_second(6), sink);
  REQUIRE(!status);
  CHECK(status.error().message() == "net/netstat: line 2: TcpExt:: no numbers for the heading");
  CHECK(!value("tcp.events{event=listen_overflow}"));
  CHECK(value("tcp.events{event=retransmit}") == 5);
  CHECK(value("ip.events{event=reassembly_failed,network.type=ipv6}") == 12);
  CHECK(value("conntrack.events{event=drop}") == 2);
  CHECK(value("conntrack.events{event=early_drop}") == 10);
}

TEST_CASE("sockets probe: counts, memory in bytes, and each against its limit") {
  FakeRoot root;
  {
    ProbeUnderTest lacking(sockets_probe, root);
    CHECK(lacking.error.find("not here, because the kernel does not count sockets") == 0);
  }
  root.write(
      "proc/net/sockstat",
      "sockets: used 17\nTCP: inuse 1 orphan 50 tw 3 alloc 1 mem 260\nUDP: inuse 0 mem 4\nFRAG: inuse 0 memory 9\n");
  root.write("proc/sys/net/ipv4/tcp_mem", "1\t2\t1040\n");
  root.write("proc/sys/net/ipv4/tcp_max_orphans", "200\n");
  root.write("proc/net/stat/arp_cache", "entries  table_fulls\n00000100 00000002\n00000100 00000001\n");
  root.write("proc/sys/net/ipv4/neigh/default/gc_thresh3", "1024\n");
  root.write("proc/sys/net/netfilter/nf_conntrack_count", "90\n");
  root.write("proc/sys/net/netfilter/nf_conntrack_max", "100\n");
  ProbeUnderTest sockets(sockets_probe, root);
  RecordingSink sink;
  REQUIRE(sockets.probe->read(at_second(1), sink));
  const auto value = [&](const std::string& series) { return sink.values.at("host hostmedic." + series); };
  CHECK(value("network.sockets{protocol=all,state=used}") == 17);
  CHECK(value("network.sockets{protocol=tcp,state=time_wait}") == 3);
  CHECK(value("network.socket.memory{protocol=tcp}") == 260.0 * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  CHECK(value("network.socket.memory{protocol=fragments}") == 9);
  CHECK(value("limit.utilization{resource=tcp_memory}") == 0.25);
  CHECK(value("limit.utilization{resource=tcp_orphans}") == 0.25);
  CHECK(value("limit.utilization{resource=neighbours_ipv4}") == 0.25);
  CHECK(value("limit.utilization{resource=conntrack}") == 0.9);
  CHECK(value("network.neighbour.events{event=table_full,network.type=ipv4}") == 3);
  CHECK(sink.values.count("host hostmedic.limit.usage{resource=neighbours_ipv6}") == 0);
  root.write("proc/net/sockstat", "broken\n");
  root.write("proc/sys/net/netfilter/nf_conntrack_max", "\n");
  CHECK(!sockets.probe->read(at_second(11), sink));
  CHECK(!value("limit.utilization{resource=tcp_memory}"));
  CHECK(!value("network.socket.memory{protocol=tcp}"));
  CHECK(value("limit.usage{resource=conntrack}") == 90);
  CHECK(!value("limit.utilization{resource=conntrack}"));
}
