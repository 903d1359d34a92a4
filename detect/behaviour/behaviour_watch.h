// SPDX-License-Identifier: Apache-2.0
// Brings frames to the behaviour model and its findings to the event rules: a finding is an event of the kind behaviour
// with behaviour.kind "novelty" or "novelty_weak", about the service, so that rules decide what becomes of it. Used by
// the engine only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "detect/behaviour/behaviour_model.h"
#include "detect/model/frame.h"
#include "detect/model/host_view.h"
#include "detect/model/incident.h"
#include "detect/scorer.h"

namespace hostmedic::detect {

struct BehaviourConfig {
  ModelMode mode = ModelMode::serving;
  BehaviourSettings settings;
};

// The incident kinds that come from behaviour alone. They hold no learning: what goes on for hours after somebody was
// told becomes usual.
inline constexpr std::string_view kServiceBehaviour = "service.behaviour";
inline constexpr std::string_view kHostBehaviour = "host.behaviour";

class BehaviourWatch {
 public:
  explicit BehaviourWatch(const BehaviourConfig& config) : mode_(config.mode), model_(config.settings) {}

  // The frame is in the view already. What is to be noted like events of the frame; empty unless serving. Valid until
  // the next call.
  const std::vector<Event>& step(const Frame& frame, const HostView& view);
  // After the incidents changed: nothing of a service with an open one is learned.
  void hold(const std::map<std::string, Incident>& incidents);

  BehaviourModel& model() { return model_; }
  const BehaviourModel& model() const { return model_; }
  ModelMode mode() const { return mode_; }
  std::size_t bytes_used() const { return model_.bytes_used() + cpu_.capacity() * sizeof(CpuPoint); }

 private:
  struct CpuPoint {
    double seconds = -1;  // of the counter; negative: not known
    MonoTime at;
  };
  void note(const Event& event, const HostView& view);
  void look_at_services(const Frame& frame, const HostView& view);

  const ModelMode mode_;
  BehaviourModel model_;
  std::vector<CpuPoint> cpu_;  // by EntityId
  MonoTime next_look_;
  std::vector<Event> findings_;
};

}  // namespace hostmedic::detect
