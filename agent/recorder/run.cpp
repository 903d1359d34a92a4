// SPDX-License-Identifier: Apache-2.0
// Of play.h: one pipeline with what it decided.
#include <algorithm>

#include "agent/net/gzip.h"
#include "agent/recorder/large_frame.h"
#include "agent/recorder/play.h"

namespace hostmedic {
namespace {

Result<std::unique_ptr<detect::Engine>> make_engine(detect::EngineConfig config, std::uint64_t host_seed) {
  config.host_seed = host_seed;
  return detect::Engine::make(std::move(config));
}

bool detects_otherwise(const AgentConfig& from, const AgentConfig& to) {
  return std::ranges::any_of(changed_keys(from, to), concerns_detection);
}

}  // namespace

Status Run::begin(const Segment& segment, const DecidingConfig& config, const DecidingConfig* other) {
  auto engine = make_engine(config.agent.engine, segment.head.host_seed);
  if (!engine) return std::move(engine).error().in("detection");
  pipeline_ = std::make_unique<Pipeline>(*std::move(engine), config.runbooks, config.policy, *this);
  hash_ = DecisionHash(segment.head.decisions);
  now_ = {segment.head.mono, segment.head.wall};
  if (Status restored = restore(segment); !restored) return restored;
  for (const auto& [id, incident] : pipeline_->incidents())
    incidents_.try_emplace(id, PlayedIncident{incident, now_.wall, true, false, {}});
  if (other == nullptr) return ok();

  std::unique_ptr<detect::Engine> another;
  if (detects_otherwise(config.agent, other->agent)) {
    auto made = make_engine(other->agent.engine, segment.head.host_seed);
    if (!made) return std::move(made).error().in("detection");
    another = *std::move(made);
  }
  const bool knows_nothing = another != nullptr;
  pipeline_->reconfigure(std::move(another), other->runbooks, other->policy);
  if (!knows_nothing) return ok();
  return define(segment);
}

// A state of another version, or of other defaults, is not to be had: it begins without, and says so.
Status Run::restore(const Segment& segment) {
  without_state_.clear();
  auto snapshot = gunzip(segment.snapshot, kMostRecord);
  if (!snapshot) return std::move(snapshot).error().in("snapshot");
  const Status restored = pipeline_->restore_snapshot(*snapshot);
  if (restored) return ok();
  without_state_ = restored.error().message();
  return define(segment);
}

// What every series is called, for a pipeline that knows of none.
Status Run::define(const Segment& segment) {
  auto text = gunzip(segment.definitions, kMostRecord);
  if (!text) return std::move(text).error().in("definitions");
  Frame definitions;
  if (Status decoded = decode_large(*text, definitions); !decoded) return std::move(decoded).error().in("definitions");
  frame(definitions);
  return ok();
}

void Run::frame(const Frame& frame) {
  now_ = {frame.mono, frame.wall};
  pipeline_->frame(frame);
}

void Run::input(const PipelineInput& input) {
  std::visit(
      [this](const auto& in) {
        if constexpr (requires { in.now; }) now_ = in.now;
      },
      input);
  if (const auto* rejected = std::get_if<RejectInput>(&input))
    if (PlayedIncident* incident = find(rejected->incident_id)) incident->rejected = true;
  if (const auto* told = std::get_if<OutcomeInput>(&input))
    for (auto& [id, incident] : incidents_)
      for (PlayedOrder& order : incident.orders)
        if (order.order.key == told->outcome.key) order.result = told->outcome.result;
  apply(*pipeline_, input);
}

PlayedIncident* Run::find(const std::string& id) {
  const auto found = incidents_.find(id);
  return found == incidents_.end() ? nullptr : &found->second;
}

void Run::heard(const DecisionNote& note) {
  ++decisions_;
  if (heard_) heard_(now_, note);
}

void Run::persist(const Incident& incident) {
  const auto [row, fresh] = incidents_.try_emplace(incident.id);
  if (fresh) row->second.first_seen = now_.wall;
  row->second.last = incident;
  heard(hash_.persist(incident));
}

void Run::submit(const Order& order) {
  incidents_[order.incident_id].orders.push_back({order, std::nullopt});
  heard(hash_.submit(order));
}

void Run::notify(const Incident& incident, const std::string& text) { heard(hash_.notify(incident, text)); }

}  // namespace hostmedic
