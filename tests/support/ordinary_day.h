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

  // The web server dies, and its unit is not restarted: no ordinary life.
  void fail_web() { web_fails_ = true; }

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
  bool web_fails_ = false;
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

}  // namespace hostmedic::test

#include "tests/support/ordinary_day_define.h"  // IWYU pragma: export
#include "tests/support/ordinary_day_tell.h"    // IWYU pragma: export
