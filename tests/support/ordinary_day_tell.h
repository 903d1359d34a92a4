// SPDX-License-Identifier: Apache-2.0
// What goes on at a moment of an ordinary day, and what the probes say of it.
#pragma once

#include "tests/support/ordinary_day.h"

namespace hostmedic::test {

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
  if (std::exchange(web_fails_, false))
    event(EventKind::unit_state, services_[0].id,
          {{attr::kUnitActiveState, "failed"},
           {attr::kUnitSubState, "failed"},
           {attr::kUnitResult, "signal"},
           {attr::kUnitRestartPolicy, "no"},
           {attr::kUnitInitial, "0"}});
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
