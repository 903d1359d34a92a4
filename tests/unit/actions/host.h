// SPDX-License-Identifier: Apache-2.0
// Builders for the tests of actions/: a host view made of frames, and incidents.
#pragma once

#include <string>
#include <vector>

#include "detect/model/host_view.h"
#include "detect/model/incident.h"
#include "detect/model/names.h"

namespace hostmedic::test {

inline const WallTime kEpoch = wall_from_ns(1'790'000'000'000'000'000);
inline const Entity kNginx{EntityKind::service, "nginx.service"};
inline const Entity kVar{EntityKind::filesystem, "/var"};

// Entity 1: nginx.service; 2: the filesystem /var with its utilization as series 1.
class TestHost {
 public:
  TestHost() {
    frame_.first = true;
    frame_.entities = {{EntityId{1}, kNginx}, {EntityId{2}, kVar}};
    frame_.series = {{SeriesId{1}, EntityId{2}, "system.filesystem.utilization", "", Unit::ratio, Instrument::gauge}};
    advance(Duration{});
  }
  void unit(const std::string& active_state, const std::string& sub_state = "") {
    frame_.events.push_back(
        {EventKind::unit_state,
         EntityId{1},
         mono_,
         {{std::string(attr::kUnitActiveState), active_state}, {std::string(attr::kUnitSubState), sub_state}}});
    advance(Duration{});
  }
  void utilization(std::optional<double> ratio) {
    frame_.samples.push_back({SeriesId{1}, ratio});
    advance(Duration{});
  }
  void growth(const std::string& path, const std::string& rate, const std::string& share,
              std::vector<Attribute> more = {}) {
    more.push_back({std::string(attr::kFilePath), path});
    more.push_back({std::string(attr::kFileRoot), "/var/log"});
    more.push_back({std::string(attr::kFileGrowth), rate});
    more.push_back({std::string(attr::kFileGrowthShare), share});
    more.push_back({std::string(attr::kFileSize), "1073741824"});
    frame_.events.push_back({EventKind::file_growth, EntityId{2}, mono_, std::move(more)});
    advance(Duration{});
  }
  void advance(Duration by) {
    mono_ += by;
    frame_.mono = mono_;
    frame_.wall = wall();
    view_.apply(frame_);
    frame_.clear();
    ++frame_.sequence;
  }
  const HostView& view() const { return view_; }
  MonoTime mono() const { return mono_; }
  WallTime wall() const { return kEpoch + mono_.time_since_epoch(); }

 private:
  MonoTime mono_ = mono_from_ns(1'000'000'000'000);
  Frame frame_;
  HostView view_;
};

inline Incident incident_on(const Entity& root, const std::string& kind, const TestHost& host) {
  Incident incident;
  incident.id = "00000000000000a1";
  incident.root = root;
  incident.kind = kind;
  incident.severity = Severity::error;
  incident.confidence = 0.99;
  incident.signals = 1;
  incident.proof = true;
  incident.opened_at = host.wall();
  incident.opened_mono = host.mono();
  incident.fault_at = host.wall() - std::chrono::milliseconds(400);
  incident.summary = to_string(root) + " is in trouble";
  Anomaly anomaly;
  anomaly.entity = root;
  anomaly.rule = "test";
  anomaly.signal = kind;
  incident.anomalies.push_back(anomaly);
  add_timeline(incident, host.wall(), TimelineKind::opened, incident.summary);
  add_timeline(incident, host.wall(), TimelineKind::diagnosed, "nothing else explains it");
  return incident;
}

}  // namespace hostmedic::test
