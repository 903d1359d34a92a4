// SPDX-License-Identifier: Apache-2.0
#include "detect/rules/defaults.h"

namespace hostmedic::detect {

namespace {

constexpr DefaultCondition kLinks[] = {
    {"network-drops",
     "delta(system.network.packet.dropped, 10m) / delta(system.network.packet.count, 10m) > 2% clear below 1% and "
     "delta(system.network.packet.count, 10m) > 10000",
     "network.dropping", Severity::warning, 0.6,
     "one packet of fifty; unknown protocols on a quiet link are dropped too, so ten thousand must have come"},
    {"network-fifo", "delta(hostmedic.network.interface.events{event=fifo}, 10m) > 100", "network.dropping",
     Severity::warning, 0.6, "the card's own buffer overflowed: the host came too late"},
    {"network-carrier-errors", "delta(hostmedic.network.interface.events{event=carrier}, 10m) > 10", "network.errors",
     Severity::warning, 0.7, "the carrier was lost while sending: cable or plug"},
    {"network-flapping", "delta(hostmedic.network.carrier.changes, 10m) > 5", "network.flapping", Severity::error, 0.9,
     "a restart of a switch is two changes; three times up and down are a fault"},
    {"network-link-down", "hw.network.up == 0 and max(hw.network.up, 1h) > 0 for 30s", "network.link_down",
     Severity::error, 0.8,
     "it had a carrier within the hour. A port that nobody uses never had one, and after an hour it is the new state"},
    {"network-link-slow",
     "2 * hw.network.bandwidth.limit < max(hw.network.bandwidth.limit, 1d) and hw.network.up == 1 for 1m",
     "network.link_slow", Severity::warning, 0.8,
     "it agreed on less than half of the speed that it had within a day: a bad pair in the cable"},
    {"network-saturated", "system.network.io / hw.network.bandwidth.limit > 90% clear below 80% for 10m",
     "network.saturated", Severity::warning, 0.5, "a copy may fill the link; ten minutes delay everything else"},
    {"network-gateway-lost",
     "any(hostmedic.network.gateway.reachable == 0 and max(hostmedic.network.gateway.reachable, 1d) > 0 for 30s)",
     "network.gateway_unreachable", Severity::error, 0.85,
     "it answered ARP or neighbour solicitation within a day: the way out is gone. Gateways that never answered are "
     "configured and not there, which is usual for IPv6"},
};

constexpr DefaultCondition kTcp[] = {
    {"tcp-retransmits",
     "delta(hostmedic.network.tcp.events{event=retransmit}, 5m) / "
     "delta(hostmedic.network.tcp.segments{network.io.direction=transmit}, 5m) > 5% clear below 2% and "
     "delta(hostmedic.network.tcp.segments{network.io.direction=transmit}, 5m) > 3000",
     "network.losing", Severity::warning, 0.6,
     "throughput halves at some percent of loss; good paths lose less than one in a thousand"},
    {"tcp-listen-overflows", "delta(hostmedic.network.tcp.events{event=listen_overflow}, 1m) > 1",
     "network.accept_queue_full", Severity::warning, 0.8,
     "a program does not accept its connections in time: clients see delays of seconds"},
    {"tcp-accept-queue", "any(hostmedic.socket.accept_queue.utilization > 90% clear below 50% for 10s)",
     "service.not_accepting", Severity::error, 0.8,
     "the queue of a listener is full and stays so: the program hangs or has too few workers"},
    {"tcp-syn-flood", "delta(hostmedic.network.tcp.events{event=syn_cookie_sent}, 1m) > 100", "network.syn_flood",
     Severity::warning, 0.7, "more begin a connection than the queue holds; a hundred a minute are not a burst"},
    {"tcp-syn-queue", "delta(hostmedic.network.tcp.events{event=request_queue_full_drop}, 1m) > 10",
     "network.syn_flood", Severity::warning, 0.7, "requests for connections are dropped, without cookies to help"},
    {"tcp-memory-pressure", "delta(hostmedic.network.tcp.events{event=memory_pressure}, 10m) > 0", "network.tcp_memory",
     Severity::warning, 0.7, "TCP shrinks its windows because its memory limit is near"},
    {"tcp-memory-aborts", "delta(hostmedic.network.tcp.events{event=abort_on_memory}, 10m) > 0", "network.tcp_memory",
     Severity::error, 0.8, "connections are cut for want of TCP memory or for orphans"},
    {"tcp-no-ports", "delta(sum(hostmedic.tcp.connect.failures{error.type=no_local_port}), 1m) > 0",
     "network.ports_exhausted", Severity::error, 0.95,
     "no local port was left for a new connection; one such failure is proof enough", "host"},
    {"tcp-time-wait", "hostmedic.limit.utilization{resource=tcp_time_wait} > 90% margin 10% for 10s",
     "network.ports_exhausted", Severity::warning, 0.6, "beyond it the kernel ends connections before their time"},
    {"tcp-orphans", "hostmedic.limit.utilization{resource=tcp_orphans} > 50% clear below 25% for 10s",
     "network.tcp_memory", Severity::warning, 0.7,
     "connections that no program owns; from half of the limit on the kernel counts them double and resets them"},
};

// What this host asks, by the connections that it makes there.
constexpr DefaultCondition kUpstreams[] = {
    {"upstream-losing",
     "(sum(hostmedic.tcp.retransmits{role=client*}) > 0.4/s for 5s clear after 20s) and "
     "delta(sum(hostmedic.tcp.retransmits{role=client*}), 10s) > 8 and "
     "any(max(hostmedic.tcp.connect.latency.p99, 10s) > 500ms)",
     "upstream.losing", Severity::error, 0.85,
     "in each of three readings segments are sent again, and opening takes half a second: packets are lost or late, "
     "also the first ones. A route that changes is over in two readings, and a long copy opens its connection once",
     "endpoint:*"},
};

constexpr DefaultCondition kOther[] = {
    {"udp-receive-full", "delta(sum(hostmedic.network.udp.events{event=receive_buffer_full}), 1m) > 100",
     "network.udp_dropping", Severity::warning, 0.6,
     "a program reads its datagrams too late; a few in a burst are what UDP is for"},
    {"udp-send-full", "delta(sum(hostmedic.network.udp.events{event=send_buffer_full}), 1m) > 100",
     "network.udp_dropping", Severity::warning, 0.6, "datagrams do not get out of the host"},
    {"conntrack-nearly-full", "hostmedic.limit.utilization{resource=conntrack} > 85% clear below 75% for 10s",
     "network.conntrack_full", Severity::warning, 0.8, "beyond the limit every new connection is dropped"},
    {"conntrack-drops", "delta(sum(hostmedic.network.conntrack.events{event=drop}), 1m) > 0", "network.conntrack_full",
     Severity::error, 0.9, "new connections are dropped because the table is full"},
    {"neighbours-full",
     "delta(sum(hostmedic.network.neighbour.events{event=table_full}), 5m) > 0 or "
     "hostmedic.limit.utilization{resource=neighbours_*} > 90% clear below 80% for 10s",
     "network.neighbours_full", Severity::error, 0.85, "hosts on the own link cannot be reached any more"},
    {"softnet-drops", "delta(sum(hostmedic.network.softnet.events{event=dropped}), 1m) > 10", "network.backlog_full",
     Severity::warning, 0.7, "packets came faster than the CPU takes them from the backlog"},
    {"softnet-squeezed", "rate(sum(hostmedic.network.softnet.events{event=time_squeeze}), 1m) > 200/s",
     "network.backlog_full", Severity::info, 0.4,
     "the budget of a round was too small; usual under load, so it only supports", "*", false},
};

}  // namespace

void add_network(EngineConfig& ret_config) {
  add(kLinks, ret_config);
  add(kTcp, ret_config);
  add(kUpstreams, ret_config);
  add(kOther, ret_config);
}

}  // namespace hostmedic::detect
