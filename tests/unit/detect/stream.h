// SPDX-License-Identifier: Apache-2.0
// A stream of frames for tests: hands out ids, collects samples and events, cuts frames at given seconds.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "detect/detectors.h"
#include "detect/engine.h"
#include "detect/model/frame.h"
#include "detect/model/names.h"

namespace hostmedic::test {

inline MonoTime at_s(double seconds) { return mono_from_ns(static_cast<std::int64_t>(seconds * 1e9 + 0.5)); }

class Stream {
 public:
  // Wall time of mono 0.
  static constexpr std::int64_t kEpochNs = 1'790'000'000'000'000'000;

  Stream() { next_.first = true; }

  EntityId entity(EntityKind kind, std::string name) {
    const EntityId id{entities_++};
    next_.entities.push_back({id, {kind, std::move(name)}});
    return id;
  }
  SeriesId series(EntityId entity, const MetricInfo& metric, std::string attributes = "") {
    const SeriesId id{series_++};
    next_.series.push_back(
        {id, entity, std::string(metric.name), std::move(attributes), metric.unit, metric.instrument});
    return id;
  }
  Stream& gone(EntityId id) {
    next_.gone.push_back(id);
    return *this;
  }
  Stream& sample(SeriesId id, std::optional<double> value) {
    next_.samples.push_back({id, value});
    return *this;
  }
  Stream& event(EventKind kind, EntityId entity,
                std::initializer_list<std::pair<std::string_view, std::string_view>> attributes,
                std::optional<double> seconds = std::nullopt) {
    Event event{kind, entity, seconds ? at_s(*seconds) : MonoTime::max(), {}};
    for (const auto& [key, value] : attributes) event.attributes.push_back({std::string(key), std::string(value)});
    next_.events.push_back(std::move(event));
    return *this;
  }
  // The frame at this second. Valid until the next cut.
  const Frame& cut(double seconds) {
    frame_ = std::move(next_);
    frame_.sequence = sequence_++;
    frame_.mono = at_s(seconds);
    frame_.wall = wall_from_ns(kEpochNs + to_ns(frame_.mono));
    for (Event& event : frame_.events) event.at = std::min(event.at, frame_.mono);
    next_ = {};
    return frame_;
  }
  void lose(std::uint64_t frames) { sequence_ += frames; }
  // The sender starts again: new ids, a first frame.
  void restart() {
    next_ = {};
    next_.first = true;
    entities_ = series_ = 0;
    sequence_ = 0;
  }

 private:
  Frame next_, frame_;
  std::uint64_t sequence_ = 0;
  std::uint32_t entities_ = 0, series_ = 0;
};

inline std::unique_ptr<detect::Engine> engine_of(detect::EngineConfig config = detect::default_engine_config()) {
  config.host_seed = 42;
  return *detect::Engine::make(std::move(config));
}

// The only incident; null if there is none or more than one.
inline const Incident* only(const detect::Engine& engine) {
  return engine.incidents().size() == 1 ? &engine.incidents().begin()->second : nullptr;
}

// A detector with parameters by name, the rest at their defaults.
inline std::unique_ptr<detect::Detector> detector_of(
    const detect::DetectorInfo& info, std::initializer_list<std::pair<std::string_view, double>> params = {}) {
  std::vector<double> values;
  for (const detect::ParamSpec& spec : info.params) {
    values.push_back(spec.fallback);
    for (const auto& [name, value] : params)
      if (spec.name == name) values.back() = value;
  }
  return info.make(values);
}

// Everything an incident says, for comparing two runs.
inline std::string dump(const Incident& incident) {
  std::string text = incident.id + " " + incident.fingerprint + " " + incident.kind + " " + to_string(incident.root) +
                     " r" + std::to_string(incident.revision) + " c" + std::to_string(incident.confidence) + " s" +
                     std::to_string(incident.signals) + (incident.active ? " active" : " inactive") + "\n" +
                     incident.summary + "\n" + incident.diagnosis + "\n";
  for (const Anomaly& anomaly : incident.anomalies)
    text += anomaly.rule + " " + anomaly.signal + " " + anomaly.evidence + (anomaly.firing ? " firing\n" : "\n");
  for (const TimelineEntry& entry : incident.timeline)
    text += format_utc(entry.at) + " " + std::string(to_string(entry.kind)) + " " + entry.text + "\n";
  for (const Entity& cause : incident.causes) text += "cause " + to_string(cause) + "\n";
  return text;
}

}  // namespace hostmedic::test
