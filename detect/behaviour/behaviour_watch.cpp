// SPDX-License-Identifier: Apache-2.0
#include "detect/behaviour/behaviour_watch.h"

#include <algorithm>

#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

// Services that do nothing are known by it, and CPU over a shorter time is noise.
constexpr Duration kLook = std::chrono::seconds(30);
constexpr Watched kDay = 86400;

bool is_start(const Event& event) {
  return event.kind == EventKind::unit_state && event.get(attr::kUnitInitial) != "1" &&
         event.get(attr::kUnitActiveState) == "activating";
}

bool is_told(EventKind kind) {
  return kind == EventKind::process_exec || kind == EventKind::behaviour || kind == EventKind::listener ||
         kind == EventKind::destination || kind == EventKind::log_template;
}

// Before the names of containers among those of units, which have no blank.
constexpr std::string_view kContainer = "container ";

}  // namespace

void take_mode(std::vector<std::pair<std::string, ModelMode>>& modes, BehaviourConfig& ret_config) {
  std::erase_if(modes, [&](const auto& mode) {
    if (mode.first != kBehaviourModel) return false;
    ret_config.mode = mode.second;
    return true;
  });
}

std::string_view BehaviourWatch::known_as(EntityKind kind, std::string_view name) {
  if (kind != EntityKind::container) return name;
  container_.assign(kContainer).append(name);
  return container_;
}

void BehaviourWatch::note(const Event& event, const HostView& view, LearningHolds& holds) {
  const bool starts = is_start(event);
  const Entity* about = view.entity(event.entity);
  if (about != nullptr && about->kind == EntityKind::container) return note_container(event, *about);
  if (about == nullptr || (!starts && !is_told(event.kind))) return;
  const bool service = about->kind == EntityKind::service;
  // What is said of a file is not what a service does.
  if (!service && about->kind != EntityKind::host) return;
  const std::string_view unit = service ? std::string_view(about->name) : event.get(attr::kProcessUnit);
  const std::string_view container = containers_.of_unit(unit);
  if (!container.empty()) {
    const std::string_view name = known_as(EntityKind::container, container);
    model_.maintenance(holds.cover({EntityKind::container, std::string(container)}));
    return model_.note(model_.service(name), name, event);
  }
  const auto index = model_.service(unit);
  model_.maintenance(holds.cover(*about));
  if (starts) {
    model_.started(index);
  } else {
    model_.note(index, service ? std::string_view(about->name) : std::string_view(), event);
  }
}

void BehaviourWatch::note_container(const Event& event, const Entity& about) {
  // Another image is another program: its ways are learnt anew.
  if (event.kind == EventKind::change && event.get(attr::kChangeType) == "image")
    return model_.forget(model_.service(known_as(about.kind, about.name)));
  if (event.kind != EventKind::container_state) return;
  containers_.note(event, about.name);
  const auto index = model_.service(known_as(about.kind, about.name));
  if (event.get(attr::kContainerEvent) == "start") model_.started(index);
}

void BehaviourWatch::look_at_services(const Frame& frame, const HostView& view, LearningHolds& holds) {
  for (std::size_t i = 0; i < cpu_.size(); ++i) {
    const Entity* entity = view.entity(EntityId{static_cast<std::uint32_t>(i)});
    CpuPoint& point = cpu_[i];
    const CpuPoint before = point;
    point = {};
    if (entity == nullptr) continue;
    const bool container = entity->kind == EntityKind::container;
    if (!container && entity->kind != EntityKind::service) continue;
    const std::string_view name = known_as(entity->kind, entity->name);
    const auto index = model_.service(name);
    const auto seconds = view.value(*entity, container ? metric::kContainerCpuTime.name : metric::kServiceCpuTime.name);
    if (!seconds) continue;
    point = {*seconds, frame.mono};
    const double elapsed = to_seconds(frame.mono - before.at);
    if (before.seconds < 0 || *seconds < before.seconds || elapsed <= 0) continue;
    model_.maintenance(holds.cover(*entity));
    model_.load(index, name, (*seconds - before.seconds) / elapsed);
  }
}

bool BehaviourWatch::too_many() const {
  return strong_.size() >= config_.most_strong_a_day && model_.watched() - strong_.front() < kDay;
}

Event BehaviourWatch::event_of(const BehaviourFinding& finding, EntityId host, const HostView& view, MonoTime now) {
  bool strong = finding.strong;
  if (strong && too_many()) {
    strong = false;
  } else if (strong) {
    if (strong_.size() >= config_.most_strong_a_day) strong_.erase(strong_.begin());
    strong_.push_back(model_.watched());
  }
  const bool inside = finding.about.starts_with(kContainer);
  const auto container =
      inside ? view.find({EntityKind::container, finding.about.substr(kContainer.size())}) : std::nullopt;
  Event event{EventKind::behaviour, container.value_or(host), now, {}};
  const auto add = [&](std::string_view key, std::string value) {
    event.attributes.push_back({std::string(key), std::move(value)});
  };
  const bool of_host = finding.about.empty() || (inside && !container);
  const char* loud = container ? "container_novelty" : of_host ? "host_novelty" : "service_novelty";
  add(attr::kBehaviourKind, strong ? loud : "weak_novelty");
  add(attr::kBehaviourObject, finding.text);
  add(attr::kBehaviourScore, strf("%.2f", static_cast<double>(finding.score)));
  if (!inside && !of_host) add(attr::kProcessUnit, finding.about);
  return event;
}

const std::vector<Event>& BehaviourWatch::step(const Frame& frame, const HostView& view, LearningHolds& holds) {
  findings_.clear();
  if (config_.mode == ModelMode::off) return findings_;
  if (frame.first) cpu_.clear();
  model_.advance(frame.mono);
  for (const EntityDef& def : frame.entities) {
    const auto place = static_cast<std::size_t>(def.id);
    if (place >= kMostEntities) continue;
    if (place >= cpu_.size()) cpu_.resize(place + 1);
    cpu_[place] = {};
  }
  for (const Event& event : frame.events) note(event, view, holds);
  if (frame.mono >= next_look_ || frame.first) {
    next_look_ = frame.mono + kLook;
    look_at_services(frame, view, holds);
  }
  const std::vector<BehaviourFinding>& ripe = model_.ripe();
  if (ripe.empty() || config_.mode != ModelMode::serving) return findings_;
  const auto host = view.find({EntityKind::host, ""});
  if (!host) return findings_;
  for (const BehaviourFinding& finding : ripe) findings_.push_back(event_of(finding, *host, view, frame.mono));
  return findings_;
}

void BehaviourWatch::hold(const std::map<std::string, Incident>& incidents) {
  model_.release_all();
  if (config_.mode == ModelMode::off) return;
  const auto hold_one = [this](const Entity& entity) {
    if (entity.kind == EntityKind::service || entity.kind == EntityKind::container)
      model_.hold(model_.service(known_as(entity.kind, entity.name)));
  };
  for (const auto& [id, incident] : incidents) {
    if (!incident.active || incident.severity == Severity::info) continue;
    if (incident.kind == kServiceBehaviour || incident.kind == kHostBehaviour || incident.kind == kContainerBehaviour)
      continue;
    hold_one(incident.root);
    for (const Affected& affected : incident.affected) hold_one(affected.entity);
  }
}

std::size_t BehaviourWatch::relearn(std::string_view entity_pattern, const HostView& view) {
  std::size_t count = 0;
  view.each_entity([&](const Entity& entity) {
    if (entity.kind != EntityKind::service && entity.kind != EntityKind::container) return;
    if (!glob_match(entity_pattern, to_string(entity))) return;
    model_.forget(model_.service(known_as(entity.kind, entity.name)));
    ++count;
  });
  return count;
}

ModelHealth BehaviourWatch::health() const {
  const BehaviourTotals totals = model_.totals();
  ModelHealth health;
  health.name = kBehaviourModel;
  health.summary = "Services that do several things at once that they never did before";
  health.mode = config_.mode;
  health.working = !too_many();
  health.bytes = bytes_used();
  health.reason =
      strf("%zu services, %zu still learn, %zu always change; %llu observations, %llu new, %llu told", totals.services,
           totals.learning, totals.volatile_services, static_cast<unsigned long long>(totals.observations),
           static_cast<unsigned long long>(totals.news), static_cast<unsigned long long>(totals.findings));
  if (too_many())
    health.reason += strf("; more than %zu strong findings in a day, so they only support", strong_.size());
  const double days = static_cast<double>(model_.watched()) / kDay;
  if (days > 0) health.alarm_rate = static_cast<double>(totals.strong) / std::max(days, 1.0);
  return health;
}

}  // namespace hostmedic::detect
