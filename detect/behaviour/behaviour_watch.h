// SPDX-License-Identifier: Apache-2.0
// Brings frames to the behaviour model and its findings to the event rules: a finding is an event of the kind behaviour
// about the host, with behaviour.kind service_novelty or weak_novelty and process.unit, or host_novelty; of a container
// it is about the container, container_novelty. So rules decide what becomes of it. Used by the engine only.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "detect/behaviour/behaviour_model.h"
#include "detect/behaviour/container_names.h"
#include "detect/learning_hold.h"
#include "detect/model/frame.h"
#include "detect/model/host_view.h"
#include "detect/model/incident.h"
#include "detect/scorer.h"

namespace hostmedic::detect {

// Its name among the models.
inline constexpr std::string_view kBehaviourModel = "behaviour";

struct BehaviourConfig {
  ModelMode mode = ModelMode::shadow;  // until its thresholds have been measured on hosts at work
  BehaviourSettings settings;
  // So many strong findings in a day of watching are too many to be true: from then on they are weak, until it is less.
  std::size_t most_strong_a_day = 6;
};
// Takes the mode of the behaviour model out of those of all models, if it is there.
void take_mode(std::vector<std::pair<std::string, ModelMode>>& modes, BehaviourConfig& ret_config);

// The incident kinds that come from behaviour alone. They hold no learning: what goes on for hours after somebody was
// told becomes usual.
inline constexpr std::string_view kServiceBehaviour = "service.behaviour";
inline constexpr std::string_view kHostBehaviour = "host.behaviour";
inline constexpr std::string_view kContainerBehaviour = "container.behaviour";

class BehaviourWatch {
 public:
  explicit BehaviourWatch(const BehaviourConfig& config) : config_(config), model_(config.settings) {}

  // The frame is in the view already. What is to be noted like events of the frame; empty unless serving. Valid until
  // the next call.
  const std::vector<Event>& step(const Frame& frame, const HostView& view, LearningHolds& holds);
  // After the incidents changed: nothing of a service with an open one is learned.
  void hold(const std::map<std::string, Incident>& incidents);
  // What was learnt of these services is learnt anew. How many.
  std::size_t relearn(std::string_view entity_pattern, const HostView& view);

  const BehaviourModel& model() const { return model_; }
  ModelHealth health() const;
  std::size_t bytes_used() const { return model_.bytes_used() + cpu_.capacity() * sizeof(CpuPoint); }
  void save(StateWriter& writer) const { model_.save(writer); }
  bool load(StateReader& reader) { return model_.load_state(reader); }
  // For a snapshot.
  bool sane() const { return cpu_.size() <= kMostEntities && strong_.size() <= config_.most_strong_a_day; }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.model_, self.containers_, self.cpu_, self.next_look_, self.strong_);
  }

 private:
  struct CpuPoint {
    double seconds = -1;  // of the counter; negative: not known
    MonoTime at;
    template <class Self>
    static auto whole(Self& self) {
      return std::tie(self.seconds, self.at);
    }
  };
  void note(const Event& event, const HostView& view, LearningHolds& holds);
  // What the model knows it by; valid until the next call.
  std::string_view known_as(EntityKind kind, std::string_view name);
  void note_container(const Event& event, const Entity& about);
  void look_at_services(const Frame& frame, const HostView& view, LearningHolds& holds);

  bool too_many() const;
  Event event_of(const BehaviourFinding& finding, EntityId host, const HostView& view, MonoTime now);

  const BehaviourConfig config_;
  BehaviourModel model_;
  ContainerNames containers_;
  std::vector<CpuPoint> cpu_;  // by EntityId
  MonoTime next_look_;
  std::vector<Watched> strong_;  // when the last strong findings came, at most most_strong_a_day
  std::vector<Event> findings_;
  std::string container_;  // room for known_as()
};

}  // namespace hostmedic::detect
