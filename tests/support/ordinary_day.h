// SPDX-License-Identifier: Apache-2.0
// A host of four CPUs with a slow disk on an ordinary day, as frames in the words of the real probes: web traffic with
// the curve of a day and a peak in the evening, cron every five minutes and every hour, a backup at night, rotated
// logs, containers that come and go; and, on the day that is looked at, an upgrade of packages, a clock that is set an
// hour forward and two hours of suspend. Nothing of it is a fault. The same seed gives the same frames.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "detect/model/frame.h"
#include "detect/model/names.h"

namespace hostmedic::test {

class OrdinaryDay {
 public:
  static constexpr double kDay = 86400, kHour = 3600;
  // Seconds of the day, by the plan.
  static constexpr double kBackup = 2.5 * kHour, kBackupLength = 2400;
  static constexpr double kUpgrade = 10.25 * kHour, kClockSet = 13 * kHour, kSuspend = 16 * kHour, kSleep = 2 * kHour;
  static constexpr double kPeak = 20 * kHour;

  explicit OrdinaryDay(std::uint64_t seed) : seed_(seed) { define(); }

  // The frame `step` seconds after the last; valid until the next call. Suspend makes one step longer.
  const Frame& next(double step) {
    const double before = now_;
    now_ += step;
    if (looked_at() && passes(kSuspend, before)) now_ += kSleep, resumed_ = now_;
    if (looked_at() && passes(kClockSet, before)) wall_offset_ += kHour;
    dt_ = now_ - before;
    frame_.sequence = sequence_++;
    // What was suspended did nothing meanwhile.
    worked_ = now_ == resumed_ ? step : dt_;
    frame_.mono = mono_from_ns(static_cast<std::int64_t>((kBooted + now_) * 1e9));
    frame_.wall = wall_from_ns(kBegin + static_cast<std::int64_t>((now_ + wall_offset_) * 1e9));
    work();
    tell_host();
    tell_disks();
    tell_network();
    tell_services();
    tell_containers(before);
    tell_events(before);
    std::swap(frame_, told_);
    frame_ = {};
    return told_;
  }

  double now() const { return now_; }
  // The day that is looked at is the second; the first is for learning and has no upgrade, no other clock, no suspend.
  bool looked_at() const { return now_ >= kDay; }
  double second_of_day() const { return std::fmod(now_, kDay); }
  // Something begins or ends soon, or goes on: worth each second.
  bool eventful() const {
    const double s = second_of_day();
    const auto near = [&](double at, double length) { return s > at - 30 && s < at + length + 60; };
    if (near(kBackup, 180) || near(kBackup + kBackupLength, 60) || near(0, 60)) return true;
    return looked_at() &&
           (near(kUpgrade, 420) || near(kClockSet, 60) || near(kSuspend + kSleep, 120) || near(kPeak - 2 * kHour, 120));
  }
  std::size_t series_count() const { return totals_.size(); }
  int containers_gone() const { return containers_gone_; }

 private:
  static constexpr std::int64_t kBegin = 1'795'132'800'000'000'000;  // 2026-11-20T00:00:00Z, a Friday
  static constexpr double kBooted = 9 * kDay;                        // up for so long
  static constexpr double kCpus = 4;

  struct Service {
    std::string name;
    EntityId id{};
    SeriesId cpu{}, memory{}, tasks{}, restarts{}, io_read{}, io_write{}, stall{}, info{}, errors{};
    double share = 0;    // of the CPU time of the traffic
    double bytes = 0;    // of memory
    double down = -1e9;  // when it last was restarted
  };
  struct Container {
    EntityId id{}, link{};
    SeriesId cpu{}, memory{}, tasks{}, restarts{}, io{}, up{};
    std::string name;
    double born = 0, life = 0, bytes = 0;
  };
  struct Filesystem {
    EntityId id{};
    SeriesId used{}, free{}, limit{}, ratio{}, inodes{}, read_only{};
    double size = 0, share = 0;
  };

  // What goes on now.
  struct Work {
    double traffic = 0;  // requests a second
    double user = 0, system = 0, waits = 0;
    double read = 0, write = 0, busy = 0, queue = 0;  // of the disk
    double stall_cpu = 0, stall_io = 0, stall_io_full = 0, stall_memory = 0;
    double received = 0, sent = 0;
    double log_lines = 0;
    bool backup = false, upgrade = false, web_down = false, app_down = false, link_down = false;
  };

  // --- noise: the same for a place and a time, whatever the step
  static double uniform(std::uint64_t a, std::uint64_t b) {  // -1..1
    std::uint64_t x = a * 0x9E3779B97F4A7C15ULL + b * 0xBF58476D1CE4E5B9ULL + 1;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return static_cast<double>((x ^ (x >> 31)) >> 11) / 4503599627370496.0 - 1;
  }
  double white(std::uint64_t place) const { return uniform(seed_ + place * 977, static_cast<std::uint64_t>(now_)); }
  double slow(std::uint64_t place, double period) const {
    const double at = now_ / period, whole = std::floor(at), part = at - whole;
    const auto step = static_cast<std::uint64_t>(whole);
    const double smooth = part * part * (3 - 2 * part);
    return uniform(seed_ + place * 1301, step) * (1 - smooth) + uniform(seed_ + place * 1301, step + 1) * smooth;
  }
  static double ramp(double s, double from, double to) { return std::clamp((s - from) / (to - from), 0.0, 1.0); }
  bool passes(double second, double before) const {
    const double of_day = std::fmod(before, kDay);
    return of_day < second && of_day + (now_ - before) >= second;
  }

  // --- definitions
  EntityId entity(EntityKind kind, std::string name) {
    EntityId id{entities_};
    if (free_entities_.empty())
      ++entities_;
    else
      id = free_entities_.front(), free_entities_.pop_front();
    frame_.entities.push_back({id, {kind, std::move(name)}});
    return id;
  }
  SeriesId series(EntityId of, const MetricInfo& metric, std::string attributes = "") {
    SeriesId id{static_cast<std::uint32_t>(totals_.size())};
    if (free_series_.empty())
      totals_.push_back(0);
    else
      id = free_series_.front(), free_series_.pop_front(), totals_[static_cast<std::size_t>(id)] = 0;
    frame_.series.push_back({id, of, std::string(metric.name), std::move(attributes), metric.unit, metric.instrument});
    return id;
  }
  void gauge(SeriesId id, double value) { frame_.samples.push_back({id, value}); }
  // So much a second since the last frame.
  void counter(SeriesId id, double rate) {
    double& total = totals_[static_cast<std::size_t>(id)];
    total += std::max(0.0, rate) * worked_;
    frame_.samples.push_back({id, total});
  }
  void count(SeriesId id, double rate) {  // whole numbers
    double& total = totals_[static_cast<std::size_t>(id)];
    total += std::max(0.0, rate) * worked_;
    frame_.samples.push_back({id, std::floor(total)});
  }
  void event(EventKind kind, EntityId of, std::initializer_list<std::pair<std::string_view, std::string>> attributes) {
    Event made{kind, of, frame_.mono, {}};
    for (const auto& [key, value] : attributes) made.attributes.push_back({std::string(key), value});
    frame_.events.push_back(std::move(made));
  }
  void relation(EntityId from, std::string_view type, std::string target) {
    event(EventKind::relation, from,
          {{attr::kRelationType, std::string(type)},
           {attr::kRelationTarget, std::move(target)},
           {attr::kRelationState, "present"}});
  }
  void unit_state(const Service& service, std::string_view state, std::string_view sub, bool initial = false) {
    event(EventKind::unit_state, service.id,
          {{attr::kUnitActiveState, std::string(state)},
           {attr::kUnitSubState, std::string(sub)},
           {attr::kUnitResult, "success"},
           {attr::kUnitRestarts, "0"},
           {attr::kUnitRestartPolicy, "on-failure"},
           {attr::kUnitInitial, initial ? "1" : "0"}});
  }

  void define();
  void define_host();
  void define_services();
  void work();
  void tell_host();
  void tell_disks();
  void tell_network();
  void tell_services();
  void tell_containers(double before);
  void tell_events(double before);
  void restart(Service& service, double seconds, double before);
  void begin_container();
  void end_container(Container& container);
  void filesystem(Filesystem& of);

  const std::uint64_t seed_;
  double now_ = 0, dt_ = 1, worked_ = 1, wall_offset_ = 0, resumed_ = -1e9;
  std::uint64_t sequence_ = 0;
  std::uint32_t entities_ = 0;
  std::vector<double> totals_;  // of counters, by series
  std::deque<EntityId> free_entities_;
  std::deque<SeriesId> free_series_;
  Frame frame_, told_;
  Work work_;

  EntityId host_{}, disk_{}, eth_{};
  std::array<SeriesId, 7> cpu_{};
  std::array<SeriesId, 6> stall_{};
  std::array<SeriesId, 3> load_{};
  std::array<double, 3> load_now_{0.5, 0.5, 0.5};
  SeriesId cpus_{}, running_{}, blocked_{}, created_{}, switches_{}, busiest_{}, run_queue_{}, uptime_{};
  SeriesId memory_limit_{}, available_{}, memory_used_{}, memory_cached_{}, memory_free_{}, memory_ratio_{};
  SeriesId page_in_{}, page_out_{}, swap_in_{}, swap_out_{}, oom_{}, alloc_stall_{};
  SeriesId files_{}, pids_{}, conntrack_{}, entropy_{}, kernel_lines_{}, clock_steps_{}, clock_sync_{}, clock_offset_{};
  SeriesId tcp_in_{}, tcp_out_{}, retransmit_{}, reset_{}, overflow_{}, established_{}, udp_full_{}, syn_{};
  SeriesId disk_read_{}, disk_write_{}, reads_{}, writes_{}, read_time_{}, write_time_{}, disk_busy_{}, pending_{},
      queue_time_{}, p50_read_{}, p99_read_{}, p99_write_{}, requests_{};
  SeriesId net_in_{}, net_out_{}, packets_in_{}, packets_out_{}, errors_in_{}, dropped_in_{}, link_up_{}, speed_{},
      carrier_{}, gateway_{};
  SeriesId http_ok_{}, http_redirect_{}, http_missing_{}, http_failed_{}, p50_{}, p99_{}, connections_{}, connects_{},
      refused_{}, accept_queue_{};
  Filesystem root_, var_, srv_;
  std::vector<Service> services_;
  std::vector<Container> containers_;
  int containers_begun_ = 0, containers_gone_ = 0;
};

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

inline void OrdinaryDay::work() {
  Work w;
  const double s = second_of_day();
  const double peak = 1 + 2 * std::min(ramp(s, kPeak - 2 * kHour, kPeak - 1.5 * kHour),
                                       1 - ramp(s, kPeak + kHour, kPeak + 1.5 * kHour));
  const double curve = 0.25 + 0.75 * (0.5 - 0.5 * std::cos(2 * M_PI * (s - 4 * kHour) / kDay));
  w.traffic = 60 * curve * peak * (1 + 0.08 * slow(1, 300) + 0.06 * white(2));
  w.link_down = now_ - resumed_ < 4;
  const auto restarting = [&](const Service& of, double seconds) {
    return now_ - of.down >= 0 && now_ - of.down < seconds;
  };
  w.web_down = restarting(services_[0], 2);
  w.app_down = restarting(services_[1], 3);
  if (w.link_down || w.web_down) w.traffic = 0;
  w.user = 0.02 + 0.0022 * w.traffic;
  w.system = 0.01 + 0.0007 * w.traffic;
  w.read = 0.3e6 * (1 + slow(3, 60)) + 2e3 * w.traffic;
  w.write = 0.8e6 * (1 + 0.5 * slow(4, 30)) + 12e3 * w.traffic;
  w.busy = 0.02 + 0.0006 * w.traffic + 0.02 * (1 + white(5)) / 2;
  w.queue = 0.1;
  w.waits = 0.4 * w.busy / kCpus;
  w.stall_cpu = 0.01 + 0.0003 * w.traffic;
  w.stall_io = 0.02, w.stall_io_full = 0.012;
  w.received = 1200 * w.traffic + 4e3, w.sent = 22e3 * w.traffic + 4e3;
  w.log_lines = 0.3 + 1.05 * w.traffic;
  const auto burst = [&](double user, double read, double busy) {
    w.user += user, w.read += read;
    w.busy = std::min(1.0, w.busy + busy);
    w.stall_cpu += 0.3 * user, w.stall_io += 0.5 * busy, w.stall_io_full += 0.3 * busy, w.waits += 0.5 * busy / kCpus;
  };
  if (std::fmod(s, 300) < 12) burst(0.2, 4e6, 0.15);
  if (std::fmod(s - 17 * 60 + kDay, kHour) < 90) burst(0.24, 25e6, 0.45);
  if (now_ - resumed_ < 45) burst(0.4, 60e6, 0.7);  // all that should have run meanwhile
  if (looked_at() && s >= kUpgrade && s < kUpgrade + 300) {
    w.upgrade = true;
    const double at = s - kUpgrade;
    if (at < 60) w.received += 18e6;
    burst(0.3 + 0.1 * white(6), 12e6, at < 60 ? 0.2 : 0.75);
    w.write += at < 60 ? 18e6 : 55e6 * (1 + 0.3 * white(7));
    w.queue += at < 60 ? 1 : 5 + 3 * white(8);
  }
  if (s >= kBackup && s < kBackup + kBackupLength) {
    w.backup = true;
    burst(0.12, 0, 0);
    w.read += 85e6 * (1 + 0.1 * slow(9, 20)), w.write += 20e6 * (1 + 0.3 * slow(10, 20));
    w.busy = 0.985 + 0.015 * slow(11, 10);
    w.waits = 0.3 + 0.1 * slow(12, 60);
    w.queue = 5 + 4 * slow(13, 15);
    w.stall_io = 0.72 + 0.1 * slow(14, 60), w.stall_io_full = 0.5 + 0.12 * slow(15, 60);
  }
  work_ = w;
}

inline void OrdinaryDay::tell_host() {
  const Work& w = work_;
  const double user = std::clamp(w.user * (1 + 0.05 * white(20)), 0.0, 0.9);
  const double system = std::clamp(w.system * (1 + 0.05 * white(21)), 0.0, 0.3);
  const double waits = std::clamp(w.waits * (1 + 0.1 * white(22)), 0.0, std::max(0.0, 0.95 - user - system));
  const double interrupt = 0.002, steal = 0.003 * (1 + white(23));
  const std::array<double, 7> modes{user,  0,         system, 1 - user - system - waits - interrupt - steal,
                                    waits, interrupt, steal};
  for (std::size_t i = 0; i < cpu_.size(); ++i) counter(cpu_[i], modes[i]);
  const std::array<double, 6> stalls{w.stall_cpu, 0, w.stall_memory, 0, w.stall_io, w.stall_io_full};
  for (std::size_t i = 0; i < stall_.size(); ++i) counter(stall_[i], std::min(1.0, stalls[i]));
  const double runs = kCpus * (user + system + waits) * (1 + 0.1 * white(24));
  constexpr std::array<double, 3> kMinutes{1, 5, 15};
  for (std::size_t i = 0; i < load_.size(); ++i) {
    load_now_[i] += (runs - load_now_[i]) * (1 - std::exp(-worked_ / (60 * kMinutes[i])));
    gauge(load_[i], std::round(load_now_[i] * 100) / 100);
  }
  gauge(cpus_, kCpus);
  gauge(running_, 1 + std::floor(kCpus * (user + system)));
  gauge(blocked_, std::floor(kCpus * waits * 2));
  count(created_, 4 + (std::fmod(now_, 300) < 12 ? 60 : 0) + (w.upgrade ? 120 : 0));
  count(switches_, 900 + 40 * w.traffic + w.read / 40e3);
  gauge(busiest_, std::clamp(1.6 * (user + system) + 0.05, 0.0, 1.0));
  counter(run_queue_, 0.02 + 0.5 * w.stall_cpu);
  gauge(uptime_, kBooted + now_);

  constexpr double kMemory = 16e9;
  const double used = kMemory * (0.36 + 0.0004 * w.traffic + 0.01 * slow(25, 900) + (w.upgrade ? 0.03 : 0));
  const double cached = kMemory * (w.backup ? 0.55 : 0.48) + kMemory * 0.02 * slow(26, 1800);
  gauge(memory_limit_, kMemory);
  gauge(available_, kMemory - used);
  gauge(memory_used_, used);
  gauge(memory_cached_, cached);
  gauge(memory_free_, kMemory - used - cached);
  gauge(memory_ratio_, used / kMemory);
  counter(page_in_, w.read);
  counter(page_out_, w.write);
  for (const SeriesId id : {swap_in_, swap_out_, oom_, alloc_stall_}) count(id, 0);
  gauge(files_, 0.004 + 1e-6 * w.traffic);
  gauge(pids_, 0.01 + (w.upgrade ? 0.002 : 0));
  gauge(conntrack_, 0.01 + 0.0004 * w.traffic);
  count(kernel_lines_, now_ - resumed_ < 5 ? 80 : 0.01);
  gauge(clock_sync_, now_ - resumed_ < 90 ? 0 : 1);
  gauge(clock_offset_, now_ - resumed_ < 60 ? 0.02 : 2e-5 * white(27));
}

inline void OrdinaryDay::filesystem(Filesystem& of) {
  const double used = std::round(of.size * of.share / 4096) * 4096;
  gauge(of.used, used);
  gauge(of.free, of.size - used);
  gauge(of.limit, of.size);
  gauge(of.ratio, used / of.size);
  gauge(of.inodes, 0.2 + 0.1 * of.share);
  gauge(of.read_only, 0);
}

inline void OrdinaryDay::tell_disks() {
  const Work& w = work_;
  const double reads = w.read / 90e3, writes = w.write / 60e3 + 6;
  const double latency = 0.0006 + 0.012 * w.busy * w.busy + 0.002 * w.queue;
  counter(disk_read_, w.read), counter(disk_write_, w.write);
  count(reads_, reads), count(writes_, writes);
  counter(read_time_, reads * latency), counter(write_time_, writes * 2 * latency);
  counter(disk_busy_, std::clamp(w.busy, 0.0, 1.0));
  gauge(pending_, std::floor(w.queue + 0.5 + 0.5 * white(30)));
  counter(queue_time_, w.queue);
  gauge(p50_read_, latency), gauge(p99_read_, 6 * latency), gauge(p99_write_, 12 * latency);
  count(requests_, reads);

  const double s = second_of_day();
  root_.share += w.upgrade ? worked_ * 0.004 / 240 : 0;
  var_.share += worked_ * (w.log_lines * 210) / var_.size;
  if (w.backup) srv_.share += 0.04 * worked_ / kBackupLength;
  if (s >= kBackup + kBackupLength && s < kBackup + kBackupLength + 30) srv_.share -= 0.039 * worked_ / 30;
  for (Filesystem* of : {&root_, &var_, &srv_}) filesystem(*of);
}

inline void OrdinaryDay::tell_network() {
  const Work& w = work_;
  const double in = w.received * (1 + 0.1 * white(40)), out = w.sent * (1 + 0.1 * white(41));
  counter(net_in_, in), counter(net_out_, out);
  count(packets_in_, in / 700 + 3), count(packets_out_, out / 1100 + 3);
  count(errors_in_, 0);
  count(dropped_in_, 0.02);
  gauge(link_up_, w.link_down ? 0 : 1);
  gauge(speed_, w.link_down ? 0 : 125e6);
  count(carrier_, now_ == resumed_ ? 2 / worked_ : 0);
  gauge(gateway_, now_ - resumed_ < 6 ? 0 : 1);
  count(tcp_in_, in / 700), count(tcp_out_, out / 1100);
  count(retransmit_, 0.001 * out / 1100 + (now_ - resumed_ < 8 ? 20 : 0));
  count(reset_, 0.2 + (now_ - resumed_ < 8 ? 30 : 0));
  count(overflow_, 0);
  gauge(established_, std::floor(20 + 0.8 * w.traffic));
  count(udp_full_, 0);
}

inline void OrdinaryDay::tell_services() {
  const Work& w = work_;
  for (std::size_t i = 0; i < services_.size(); ++i) {
    Service& service = services_[i];
    const bool down = now_ - service.down >= 0 && now_ - service.down < 2;
    double use = kCpus * service.share * (w.user + w.system) * (1 + 0.1 * white(50 + i));
    if (service.name == "cron.service" && (w.backup || std::fmod(second_of_day(), 300) < 12)) use += 0.5;
    if (down) totals_[static_cast<std::size_t>(service.cpu)] = 0;  // its control group is made anew
    counter(service.cpu, down ? 0 : use);
    gauge(service.memory,
          down ? 4e6 : service.bytes * (1 + 0.02 * slow(60 + i, 600)) + 1e5 * w.traffic * service.share);
    gauge(service.tasks, down ? 1 : std::floor(4 + 40 * service.share));
    count(service.restarts, 0);
    counter(service.io_read, w.read * service.share * 0.5), counter(service.io_write, w.write * service.share * 0.5);
    counter(service.stall, std::min(1.0, w.stall_io * (service.share > 0.1 ? 0.4 : 0.02)));
    count(service.info, i < 3 ? 0.2 + 0.3 * w.traffic * service.share : 0.02);
    count(service.errors, i == 1 ? 0.002 * w.traffic + (w.app_down ? 5 : 0) : i == 0 && w.app_down ? 20 : 0.001);
  }
  const double failed = w.app_down ? 1 : 0.0008;
  count(http_ok_, w.traffic * (0.93 - failed)), count(http_redirect_, w.traffic * 0.04 * (1 - failed));
  count(http_missing_, w.traffic * 0.03 * (1 - failed)), count(http_failed_, w.traffic * failed);
  const double slower = 1 + 0.004 * w.traffic + 2 * w.stall_io;
  if (w.traffic > 0) gauge(p50_, 0.012 * slower), gauge(p99_, 0.09 * slower * (1 + 0.3 * std::abs(white(70))));
  gauge(connections_, std::floor(8 + 0.6 * w.traffic));
  count(connects_, 0.5 * w.traffic);
  count(refused_, w.app_down ? w.traffic : 0);
  gauge(accept_queue_, 0.01 * std::abs(white(71)));
}

inline void OrdinaryDay::begin_container() {
  using namespace metric;
  Container made;
  char text[16];
  std::snprintf(text, sizeof text, "%012x", 0x5eed00 + containers_begun_ * 7919);
  made.name = text;
  made.id = entity(EntityKind::container, made.name);
  made.link = entity(EntityKind::network_interface, "veth" + made.name.substr(5));
  made.cpu = series(made.id, kContainerCpuTime);
  made.memory = series(made.id, kContainerMemoryUsage);
  made.tasks = series(made.id, kContainerTasks);
  made.restarts = series(made.id, kContainerRestarts);
  made.io = series(made.link, kNetworkIo, "network.io.direction=receive");
  made.up = series(made.link, kLinkUp);
  made.born = now_;
  made.life = 1200 + 600 * uniform(seed_ + 80, static_cast<std::uint64_t>(containers_begun_));
  made.bytes = 60e6 * (1 + 0.5 * uniform(seed_ + 81, static_cast<std::uint64_t>(containers_begun_)));
  relation(made.id, "runs_in", "service:docker.service");
  for (const char* what : {"create", "start"})
    event(EventKind::container_state, made.id,
          {{attr::kContainerId, made.name},
           {attr::kContainerName, "job-" + std::to_string(containers_begun_)},
           {attr::kContainerImage, "job:1"},
           {attr::kContainerRuntime, "docker"},
           {attr::kContainerEvent, what},
           {attr::kContainerState, what == std::string_view("start") ? "running" : "created"}});
  ++containers_begun_;
  containers_.push_back(std::move(made));
}

inline void OrdinaryDay::end_container(Container& container) {
  event(EventKind::container_state, container.id,
        {{attr::kContainerId, container.name},
         {attr::kContainerEvent, "die"},
         {attr::kContainerState, "exited"},
         {attr::kContainerExitCode, "0"}});
  container.life = -1;  // told as gone in the next frame
}

inline void OrdinaryDay::tell_containers(double before) {
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    Container& each = containers_[i];
    if (each.life >= 0) continue;
    for (const EntityId id : {each.id, each.link}) frame_.gone.push_back(id), free_entities_.push_back(id);
    for (const SeriesId id : {each.cpu, each.memory, each.tasks, each.restarts, each.io, each.up})
      free_series_.push_back(id);
    ++containers_gone_;
    containers_.erase(containers_.begin() + static_cast<std::ptrdiff_t>(i--));
  }
  constexpr double kEvery = 400;
  if (before == 0 || std::floor(now_ / kEvery) != std::floor(before / kEvery)) begin_container();
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    Container& each = containers_[i];
    const double age = now_ - each.born;
    counter(each.cpu, age < 20 ? 0.6 : 0.15 * (1 + white(90 + i)));
    gauge(each.memory, each.bytes * (0.4 + 0.6 * ramp(age, 0, 60)));
    gauge(each.tasks, 6);
    count(each.restarts, 0);
    counter(each.io, 2e3);
    gauge(each.up, each.life - age < 2 ? 0 : 1);
    if (age >= each.life) end_container(each);
  }
}

inline void OrdinaryDay::restart(Service& service, double at, double before) {
  if (passes(at, before)) {
    service.down = now_;
    unit_state(service, "deactivating", "stop-sigterm");
    event(EventKind::process_exit, service.id,
          {{attr::kProcessUnit, service.name},
           {attr::kProcessName, service.name.substr(0, service.name.find('.'))},
           {attr::kProcessPid, "4711"},
           {attr::kProcessExitSignal, "15"}});
  }
  if (passes(at + 1, before)) unit_state(service, "inactive", "dead"), unit_state(service, "activating", "start");
  if (passes(at + 2, before)) unit_state(service, "active", "running");
}

inline void OrdinaryDay::tell_events(double before) {
  if (passes(0, before) || (now_ >= kDay && before < kDay)) {  // logs are rotated
    var_.share -= 0.012;
    root_.share -= 0.0005;
  }
  // What is known of dependencies is told again now and then.
  if (std::floor(now_ / kHour) != std::floor(before / kHour)) {
    relation(services_[0].id, "connects_to", "service:app.service");
    relation(services_[1].id, "connects_to", "service:db.service");
  }
  count(clock_steps_, looked_at() && (passes(kClockSet, before) || now_ == resumed_) ? 1 / worked_ : 0);
  if (!looked_at()) return;
  if (passes(kClockSet, before)) event(EventKind::clock_step, host_, {{attr::kClockStep, "3600.000000"}});
  if (now_ == resumed_) event(EventKind::clock_step, host_, {{attr::kClockStep, "0.310000"}});
  constexpr std::array<const char*, 10> kPackages{"nginx", "openssh-server", "libssl3", "tzdata",  "curl",
                                                  "vim",   "base-files",     "libc6",   "systemd", "docker.io"};
  for (std::size_t i = 0; i < kPackages.size(); ++i) {
    if (!passes(kUpgrade + 100 + 15 * static_cast<double>(i), before)) continue;
    const EntityId package = entity(EntityKind::package, kPackages[i]);
    event(EventKind::change, package,
          {{attr::kChangeType, "package"},
           {attr::kChangeAction, "upgraded"},
           {attr::kChangeName, kPackages[i]},
           {attr::kChangeVersion, "2.1-1"},
           {attr::kChangePreviousVersion, "2.0-3"}});
  }
  restart(services_[0], kUpgrade + 105, before);
  restart(services_[1], kUpgrade + 190, before);
  restart(services_[3], kUpgrade + 120, before);
  restart(services_[5], kUpgrade + 245, before);
}

}  // namespace hostmedic::test
