// SPDX-License-Identifier: Apache-2.0
// Random but plausible frames of a small host in which everything comes to pass, from a seed: for what must hold at any
// moment of any stream.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/unit/detect/stream.h"
#include "tests/unit/detect/univariate/synthetic.h"

namespace hostmedic::test {

class RandomWorld {
 public:
  // calm: services fail only when the caller says so.
  RandomWorld(std::uint64_t seed, double period, bool calm = false) : dice_(seed), period_(period), calm_(calm) {
    begin_stream();
  }

  Frame next() {
    Frame frame = std::move(definitions_);
    definitions_ = {};
    if (chance(0.004)) {
      frame = begin_anew();
    } else if (chance(0.02)) {
      retire(frame);
    } else if (chance(0.05)) {
      define(frame);
    }
    second_ += chance(0.1) ? 0.1 * period_ : chance(0.01) ? 20 * period_ : period_;
    frame.sequence = sequence_ += chance(0.01) ? 3 : 1;
    const bool back = chance(0.005);  // an old frame that is late
    frame.mono = at_s(back ? second_ - 5 * period_ : second_);
    frame.wall = wall_from_ns(to_ns(frame.mono) + Stream::kEpochNs + (stepped_ ? 3'600'000'000'000 : 0));
    samples(frame);
    for (int n = below(3); n > 0; --n) frame.events.push_back(event(frame));
    return frame;
  }
  // One in some frames is crowded with failures, so that storms come to pass.
  // What a service, 1 to 3, says of itself; nothing while it is not known.
  void tell(Frame& frame, std::size_t service, std::string_view state) {
    if (ids_[service])
      frame.events.push_back({EventKind::unit_state,
                              *ids_[service],
                              frame.mono,
                              {{std::string(attr::kUnitActiveState), std::string(state)},
                               {std::string(attr::kUnitRestartPolicy), "no"},
                               {std::string(attr::kUnitResult), "signal"}}});
  }
  bool chance(double probability) { return dice_.uniform() < probability; }
  int below(int count) { return static_cast<int>(dice_.uniform() * count); }

 private:
  struct Course {
    SeriesId id{};
    EntityId entity{};
    bool counter = false, ratio = false, rare = false;
    double level = 0, noise = 0, climb = 0, total = 0;
    int left = 0, every = 1;
  };

  static std::vector<Entity> cast() {
    return {{EntityKind::host, ""},
            {EntityKind::service, "nginx.service"},
            {EntityKind::service, "app.service"},
            {EntityKind::service, "db.service"},
            {EntityKind::filesystem, "/srv"},
            {EntityKind::filesystem, "/var"},
            {EntityKind::block_device, "sda"},
            {EntityKind::container, "c0ffee"},
            {EntityKind::agent, "probe.host"}};
  }
  static std::vector<const MetricInfo*> metrics_of(EntityKind kind) {
    switch (kind) {
      case EntityKind::service:
        return {&metric::kServiceCpuTime, &metric::kServiceMemoryUsage, &metric::kServiceTasksUtilization,
                &metric::kServiceRestarts};
      case EntityKind::filesystem: return {&metric::kFilesystemUtilization, &metric::kFilesystemUsage};
      case EntityKind::block_device: return {&metric::kDiskIoTime, &metric::kDiskLatencyP99};
      case EntityKind::container: return {&metric::kContainerCpuTime, &metric::kContainerMemoryUtilization};
      case EntityKind::agent: return {&metric::kServiceMemoryUsage};
      default:
        return {&metric::kMemoryUtilization, &metric::kLoad5, &metric::kContextSwitches, &metric::kCpuTime,
                &metric::kSwapUtilization};
    }
  }

  void begin_stream() {
    entities_ = cast();
    ids_.clear();
    courses_.clear();
    next_entity_ = next_series_ = 0;
    for (std::size_t i = 0; i < entities_.size(); ++i) ids_.push_back(std::nullopt);
    definitions_.first = true;
    for (int i = 0; i < 7; ++i) define(definitions_);
  }
  Frame begin_anew() {
    definitions_ = {};
    begin_stream();
    sequence_ = 0;
    return std::move(definitions_);
  }
  void define(Frame& frame) {
    const std::size_t which = ids_[0] ? static_cast<std::size_t>(below(static_cast<int>(entities_.size()))) : 0;
    if (ids_[which]) return;
    const EntityId id{next_entity_++};
    ids_[which] = id;
    frame.entities.push_back({id, entities_[which]});
    for (const MetricInfo* info : metrics_of(entities_[which].kind)) {
      const int attributes = info == &metric::kCpuTime ? 2 : 1;
      for (int i = 0; i < attributes; ++i) {
        Course course{.id = SeriesId{next_series_++},
                      .entity = id,
                      .counter = info->instrument == Instrument::counter,
                      .ratio = info->unit == Unit::ratio,
                      .rare = info == &metric::kServiceRestarts};
        course.every = 1 + below(3);
        frame.series.push_back({course.id, id, std::string(info->name),
                                attributes == 1 ? ""
                                : i == 0        ? "cpu.mode=user"
                                                : "cpu.mode=system",
                                info->unit, info->instrument});
        courses_.push_back(course);
      }
    }
  }
  void retire(Frame& frame) {
    const auto which = 1 + static_cast<std::size_t>(below(static_cast<int>(entities_.size()) - 1));
    if (!ids_[which]) return;
    frame.gone.push_back(*ids_[which]);
    std::erase_if(courses_, [&](const Course& course) { return course.entity == *ids_[which]; });
    ids_[which].reset();
  }

  void samples(Frame& frame) {
    ++tick_;
    for (Course& course : courses_) {
      if (course.left-- <= 0) {
        course.left = 5 + below(80);
        course.level = chance(0.2) ? course.level : chance(0.2) ? 0 : 1.05 * dice_.uniform();
        if (course.rare && !chance(0.03)) course.level = course.climb = course.noise = 0;
        if (!course.ratio) course.level *= chance(0.1) ? 1e9 : 100;
        course.noise = chance(0.3) || course.rare ? 0 : 0.05 * dice_.uniform() * (std::abs(course.level) + 0.01);
        course.climb = chance(0.6) || course.rare ? 0 : 0.02 * dice_.uniform() * (std::abs(course.level) + 0.1);
      }
      if (tick_ % course.every != 0) continue;
      course.level += course.climb;
      if (course.ratio) course.level = std::min(course.level, 1.0);
      const double value = course.level + course.noise * dice_.normal();
      course.total = chance(0.003) ? 0 : course.total + std::abs(value) * period_;
      Sample sample{course.id, course.counter ? course.total : value};
      if (chance(0.01)) sample.value.reset();
      if (chance(0.001)) sample.value = chance(0.5) ? std::nan("") : 1e29;
      frame.samples.push_back(sample);
    }
  }

  Event event(const Frame& frame) {
    constexpr EventKind kKinds[] = {EventKind::unit_state,   EventKind::unit_state,     EventKind::file_growth,
                                    EventKind::process_exec, EventKind::destination,    EventKind::listener,
                                    EventKind::behaviour,    EventKind::log_template,   EventKind::process_exit,
                                    EventKind::oom_kill,     EventKind::kernel_message, EventKind::clock_step,
                                    EventKind::probe_state,  EventKind::change,         EventKind::relation};
    constexpr std::string_view kStates[] = {"failed", "active", "inactive", "activating"};
    Event event{kKinds[below(static_cast<int>(std::size(kKinds)))], some_entity(), frame.mono, {}};
    const bool failure = event.kind == EventKind::unit_state || event.kind == EventKind::process_exit ||
                         event.kind == EventKind::oom_kill;
    if (failure && (calm_ || chance(0.6))) event.kind = EventKind::process_exec;  // units stay as they are
    if (event.kind == EventKind::clock_step) stepped_ = !stepped_;
    const auto say = [&](std::string_view key, std::string value) {
      event.attributes.push_back({std::string(key), std::move(value)});
    };
    const std::string number = std::to_string(below(30));
    say(attr::kUnitActiveState, std::string(kStates[below(4)]));
    say(attr::kUnitInitial, chance(0.1) ? "1" : "0");
    if (chance(0.05)) say(attr::kUnitRestarts, number);
    say(attr::kUnitResult, "signal");
    say(attr::kProcessUnit, entities_[1 + static_cast<std::size_t>(below(3))].name);
    say(attr::kProcessPath, "/opt/tool-" + number + "x");
    say(attr::kProcessName, "tool");
    say(attr::kProcessParentName, chance(0.5) ? "sh" : "systemd");
    say(attr::kProcessUser, std::to_string(below(4)));
    say(attr::kProcessExitSignal, "11");
    say(attr::kWriterUnit, "app.service");
    say(attr::kFilePath, "/srv/" + number);
    say(attr::kFileGrowth, std::to_string(1000 * below(1000)));
    say(attr::kFileGrowthShare, "0.7");
    say(attr::kNetworkPeerAddress, chance(0.5) ? "127.0.0.1" : "203.0.113." + number);
    say(attr::kNetworkPeerPort, number);
    say(attr::kNetworkLocalPort, number);
    say(attr::kNetworkLocalAddress, "0.0.0.0");
    say(attr::kListenerState, "listening");
    say(attr::kBehaviourKind, "run_from_temporary");
    constexpr std::string_view kRelations[] = {"requires", "after", "stored_on", "uses"};
    say(attr::kRelationType, std::string(kRelations[below(4)]));
    say(attr::kRelationTarget, to_string(entities_[static_cast<std::size_t>(below(7))]));
    say(attr::kRelationState, chance(0.2) ? "gone" : "present");
    say(attr::kChangeType, chance(0.5) ? "package" : "configuration");
    say(attr::kChangeAction, "upgraded");
    say(attr::kChangeName, "tool-" + number);
    say(attr::kLogTemplateId, number);
    say(attr::kLogSample, "line " + number);
    say(attr::kProbeName, "host");
    return event;
  }
  EntityId some_entity() {
    const auto& id = ids_[static_cast<std::size_t>(below(static_cast<int>(ids_.size())))];
    return id.value_or(EntityId{77});  // nobody knows that one
  }

  Dice dice_;
  double period_, second_ = 100;
  bool calm_;
  std::vector<Entity> entities_;
  std::vector<std::optional<EntityId>> ids_;
  std::vector<Course> courses_;
  std::uint32_t next_entity_ = 0, next_series_ = 0;
  std::uint64_t sequence_ = 0;
  int tick_ = 0;
  bool stepped_ = false;
  Frame definitions_;
};

}  // namespace hostmedic::test
