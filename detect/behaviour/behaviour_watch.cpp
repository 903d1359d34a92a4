// SPDX-License-Identifier: Apache-2.0
#include "detect/behaviour/behaviour_watch.h"

#include <algorithm>

#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

// Services that do nothing are known by it, and CPU over a shorter time is noise.
constexpr Duration kLook = std::chrono::seconds(30);

bool is_start(const Event& event) {
  return event.kind == EventKind::unit_state && event.get(attr::kUnitInitial) != "1" &&
         event.get(attr::kUnitActiveState) == "activating";
}

bool is_told(EventKind kind) {
  return kind == EventKind::process_exec || kind == EventKind::behaviour || kind == EventKind::listener ||
         kind == EventKind::destination || kind == EventKind::log_template;
}

}  // namespace

void BehaviourWatch::note(const Event& event, const HostView& view) {
  const bool starts = is_start(event);
  if (!starts && !is_told(event.kind)) return;
  const Entity* about = view.entity(event.entity);
  if (about == nullptr) return;
  const bool service = about->kind == EntityKind::service;
  // What is said of a file or a container is not what a service does.
  if (!service && about->kind != EntityKind::host) return;
  const auto index = model_.service(service ? std::string_view(about->name) : event.get(attr::kProcessUnit));
  if (starts) {
    model_.started(index);
  } else {
    model_.note(index, event.entity, event);
  }
}

void BehaviourWatch::look_at_services(const Frame& frame, const HostView& view) {
  for (std::size_t i = 0; i < kMostEntities && i < cpu_.size(); ++i) {
    const EntityId id{static_cast<std::uint32_t>(i)};
    const Entity* entity = view.entity(id);
    CpuPoint& point = cpu_[i];
    if (entity == nullptr || entity->kind != EntityKind::service) {
      point = {};
      continue;
    }
    const auto index = model_.service(entity->name);
    const auto seconds = view.value(*entity, metric::kServiceCpuTime.name);
    if (!seconds) {
      point = {};
      continue;
    }
    const double elapsed = to_seconds(frame.mono - point.at);
    if (point.seconds >= 0 && *seconds >= point.seconds && elapsed > 0)
      model_.load(index, id, (*seconds - point.seconds) / elapsed);
    point = {*seconds, frame.mono};
  }
}

const std::vector<Event>& BehaviourWatch::step(const Frame& frame, const HostView& view) {
  findings_.clear();
  if (mode_ == ModelMode::off) return findings_;
  if (frame.first) {
    model_.forget_entities();
    cpu_.clear();
  }
  model_.advance(frame.mono);
  for (const EntityDef& def : frame.entities) {
    const auto place = static_cast<std::size_t>(def.id);
    if (place >= kMostEntities) continue;
    if (place >= cpu_.size()) cpu_.resize(place + 1);
    cpu_[place] = {};
  }
  for (const Event& event : frame.events) note(event, view);
  if (frame.mono >= next_look_ || frame.first) {
    next_look_ = frame.mono + kLook;
    look_at_services(frame, view);
  }
  for (const BehaviourFinding& finding : model_.ripe()) {
    if (mode_ != ModelMode::serving) continue;
    Event& event = findings_.emplace_back(Event{EventKind::behaviour, finding.about, frame.mono, {}});
    event.attributes.push_back({std::string(attr::kBehaviourKind), finding.strong ? "novelty" : "novelty_weak"});
    event.attributes.push_back({std::string(attr::kBehaviourObject), finding.text});
    event.attributes.push_back({std::string(attr::kBehaviourScore), strf("%.2f", static_cast<double>(finding.score))});
  }
  return findings_;
}

void BehaviourWatch::hold(const std::map<std::string, Incident>& incidents) {
  model_.release_all();
  for (const auto& [id, incident] : incidents) {
    if (!incident.active || incident.kind == kServiceBehaviour || incident.kind == kHostBehaviour) continue;
    if (incident.root.kind == EntityKind::service) model_.hold(model_.service(incident.root.name));
    for (const Entity& affected : incident.affected)
      if (affected.kind == EntityKind::service) model_.hold(model_.service(affected.name));
  }
}

}  // namespace hostmedic::detect
