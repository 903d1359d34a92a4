// SPDX-License-Identifier: Apache-2.0
// The entities and series of an ordinary day.
#pragma once

#include "tests/support/ordinary_day.h"

namespace hostmedic::test {

inline void OrdinaryDay::define_host() {
  using namespace metric;
  host_ = entity(EntityKind::host, "");
  constexpr std::array<const char*, 7> kModes{"user", "nice", "system", "idle", "iowait", "interrupt", "steal"};
  for (std::size_t i = 0; i < kModes.size(); ++i)
    cpu_[i] = series(host_, kCpuTime, std::string("cpu.mode=") + kModes[i]);
  constexpr std::array<const char*, 6> kStalls{"kind=some,resource=cpu",    "kind=full,resource=cpu",
                                               "kind=some,resource=memory", "kind=full,resource=memory",
                                               "kind=some,resource=io",     "kind=full,resource=io"};
  for (std::size_t i = 0; i < kStalls.size(); ++i) stall_[i] = series(host_, kPressureStall, kStalls[i]);
  load_ = {series(host_, kLoad1), series(host_, kLoad5), series(host_, kLoad15)};
  cpus_ = series(host_, kCpuCount);
  running_ = series(host_, kProcessesRunning, "process.state=running");
  blocked_ = series(host_, kProcessesRunning, "process.state=blocked");
  created_ = series(host_, kProcessesCreated);
  switches_ = series(host_, kContextSwitches);
  busiest_ = series(host_, kCpuBusiest, "cpu.mode=busy");
  run_queue_ = series(host_, kRunQueueTime);
  uptime_ = series(host_, kUptime);
  memory_limit_ = series(host_, kMemoryLimit);
  available_ = series(host_, kMemoryAvailable);
  memory_used_ = series(host_, kMemoryUsage, "system.memory.state=used");
  memory_cached_ = series(host_, kMemoryUsage, "system.memory.state=cached");
  memory_free_ = series(host_, kMemoryUsage, "system.memory.state=free");
  memory_ratio_ = series(host_, kMemoryUtilization);
  page_in_ = series(host_, kPagedIo, "direction=in");
  page_out_ = series(host_, kPagedIo, "direction=out");
  swap_in_ = series(host_, kPagingOperations, "system.paging.direction=in");
  swap_out_ = series(host_, kPagingOperations, "system.paging.direction=out");
  oom_ = series(host_, kMemoryEvents, "event=oom_kill");
  alloc_stall_ = series(host_, kMemoryEvents, "event=allocation_stall");
  files_ = series(host_, kLimitUtilization, "resource=file_handles");
  pids_ = series(host_, kLimitUtilization, "resource=pids");
  conntrack_ = series(host_, kLimitUtilization, "resource=conntrack");
  kernel_lines_ = series(host_, kKernelLogLines);
  clock_steps_ = series(host_, kClockSteps);
  clock_sync_ = series(host_, kClockSynchronized);
  clock_offset_ = series(host_, kClockOffset);
  tcp_in_ = series(host_, kTcpSegments, "network.io.direction=receive");
  tcp_out_ = series(host_, kTcpSegments, "network.io.direction=transmit");
  retransmit_ = series(host_, kTcpEvents, "event=retransmit");
  reset_ = series(host_, kTcpEvents, "event=reset_sent");
  overflow_ = series(host_, kTcpEvents, "event=listen_overflow");
  established_ = series(host_, kTcpEstablished);
  udp_full_ = series(host_, kUdpEvents, "event=receive_buffer_full,network.type=ipv4");
}

inline void OrdinaryDay::define_services() {
  using namespace metric;
  const auto add = [&](std::string name, double share, double bytes) {
    Service made;
    made.name = name;
    made.id = entity(EntityKind::service, std::move(name));
    made.cpu = series(made.id, kServiceCpuTime);
    made.memory = series(made.id, kServiceMemoryUsage);
    made.tasks = series(made.id, kServiceTasks);
    made.restarts = series(made.id, kServiceRestarts);
    made.io_read = series(made.id, kServiceIo, "disk.io.direction=read");
    made.io_write = series(made.id, kServiceIo, "disk.io.direction=write");
    made.stall = series(made.id, kServicePressureStall, "kind=some,resource=io");
    made.info = series(made.id, kLogRecords, "log.severity=INFO");
    made.errors = series(made.id, kLogRecords, "log.severity=ERROR");
    made.share = share;
    made.bytes = bytes;
    services_.push_back(std::move(made));
  };
  add("nginx.service", 0.15, 90e6);
  add("app.service", 0.5, 900e6);
  add("db.service", 0.3, 2.4e9);
  add("ssh.service", 0.001, 12e6);
  add("cron.service", 0.002, 20e6);
  add("docker.service", 0.02, 120e6);
  const EntityId web = services_[0].id;
  const auto requests = [&](const char* code) {
    return series(web, kHttpRequests, std::string("http.response.status_code=") + code + ",network.local.port=80");
  };
  http_ok_ = requests("2xx"), http_redirect_ = requests("3xx"), http_missing_ = requests("4xx"),
  http_failed_ = requests("5xx");
  p50_ = series(web, kHttpDurationP50, "network.local.port=80");
  p99_ = series(web, kHttpDurationP99, "network.local.port=80");
  connections_ = series(web, kServiceSockets, "network.connection.state=established");
  connects_ = series(web, kTcpConnections, "role=client");
  refused_ = series(web, kTcpConnectFailures, "error.type=refused");
  accept_queue_ = series(host_, kAcceptQueueUtilization, "server.port=80");
  for (Service& service : services_) unit_state(service, "active", "running", true);
  relation(services_[0].id, "connects_to", "service:app.service");
  relation(services_[1].id, "connects_to", "service:db.service");
  relation(services_[1].id, "wants", "service:db.service");
  for (const std::size_t i : {0U, 1U}) relation(services_[i].id, "writes_to", "filesystem:/var");
  relation(services_[2].id, "writes_to", "filesystem:/srv");
  relation(services_[0].id, "owned_by", "package:nginx");
  relation(services_[3].id, "owned_by", "package:openssh-server");
}

inline void OrdinaryDay::define() {
  using namespace metric;
  frame_.first = true;
  define_host();
  disk_ = entity(EntityKind::block_device, "sda");
  disk_read_ = series(disk_, kDiskIo, "disk.io.direction=read");
  disk_write_ = series(disk_, kDiskIo, "disk.io.direction=write");
  reads_ = series(disk_, kDiskOperations, "disk.io.direction=read");
  writes_ = series(disk_, kDiskOperations, "disk.io.direction=write");
  read_time_ = series(disk_, kDiskOperationTime, "disk.io.direction=read");
  write_time_ = series(disk_, kDiskOperationTime, "disk.io.direction=write");
  disk_busy_ = series(disk_, kDiskIoTime);
  pending_ = series(disk_, kDiskPending);
  queue_time_ = series(disk_, kDiskQueueTime);
  p50_read_ = series(disk_, kDiskLatencyP50, "disk.io.direction=read");
  p99_read_ = series(disk_, kDiskLatencyP99, "disk.io.direction=read");
  p99_write_ = series(disk_, kDiskLatencyP99, "disk.io.direction=write");
  requests_ = series(disk_, kDiskRequests, "disk.io.direction=read");
  const auto mount = [&](const char* path, double size, double share) {
    Filesystem made;
    made.id = entity(EntityKind::filesystem, path);
    made.used = series(made.id, kFilesystemUsage, "system.filesystem.state=used");
    made.free = series(made.id, kFilesystemUsage, "system.filesystem.state=free");
    made.limit = series(made.id, kFilesystemLimit);
    made.ratio = series(made.id, kFilesystemUtilization);
    made.inodes = series(made.id, kFilesystemInodesUtilization);
    made.read_only = series(made.id, kFilesystemReadOnly);
    made.size = size;
    made.share = share;
    relation(made.id, "stored_on", "block_device:sda");
    return made;
  };
  root_ = mount("/", 20e9, 0.46);
  var_ = mount("/var", 60e9, 0.55);
  srv_ = mount("/srv", 900e9, 0.62);
  eth_ = entity(EntityKind::network_interface, "eth0");
  net_in_ = series(eth_, kNetworkIo, "network.io.direction=receive");
  net_out_ = series(eth_, kNetworkIo, "network.io.direction=transmit");
  packets_in_ = series(eth_, kNetworkPackets, "network.io.direction=receive");
  packets_out_ = series(eth_, kNetworkPackets, "network.io.direction=transmit");
  errors_in_ = series(eth_, kNetworkErrors, "network.io.direction=receive");
  dropped_in_ = series(eth_, kNetworkDropped, "network.io.direction=receive");
  link_up_ = series(eth_, kLinkUp);
  speed_ = series(eth_, kLinkSpeed);
  carrier_ = series(eth_, kCarrierChanges);
  gateway_ = series(eth_, kGatewayReachable, "network.gateway.address=192.0.2.1");
  define_services();
}

}  // namespace hostmedic::test
