// SPDX-License-Identifier: Apache-2.0
// The whole state of an engine as bytes, and back.
#include "detect/calendar/calendar_state.h"
#include "detect/engine_state.h"
#include "detect/health/detector_state.h"

namespace hostmedic::detect {

template <>
inline constexpr auto kLast<ModelMode> = ModelMode::serving;

template <>
struct Members<Rule> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.id, self.enabled, self.metric, self.attributes, self.entity, self.detector, self.params,
                    self.incident_kind, self.severity, self.weight, self.proof, self.opens, self.why);
  }
};
template <>
struct Members<EventRule> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.id, self.enabled, self.kind, self.key, self.value, self.at_least, self.clear_values,
                    self.entity, self.unit_key, self.incident_kind, self.severity, self.probability, self.proof,
                    self.opens, self.expires, self.open_after, self.at_once_key, self.at_once_value,
                    self.withdraw_values, self.quiet_after, self.why);
  }
};
template <>
struct Members<ConditionRule> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.id, self.enabled, self.when, self.entity, self.incident_kind, self.severity, self.probability,
                    self.proof, self.opens, self.why);
  }
};
template <>
struct Members<BehaviourSettings> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.learning, self.strong, self.weak);
  }
};
template <>
struct Members<BehaviourConfig> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.mode, self.settings, self.most_strong_a_day);
  }
};

namespace {

// A new version with every change of what is kept, or of how a frame is judged.
constexpr SnapshotKind kKind{"engine", "HMES", 1};

}  // namespace

std::vector<Print> prints_of(const EngineConfig& config) {
  static_assert(kMembers<EngineConfig> == 11 && kMembers<ScorerConfig> == 6, "a member is not looked at");
  const ScorerConfig& scoring = config.scoring;  // without its stopwatch, which decides nothing by itself
  return {
      {"rules", print_of(config.rules)},
      {"rules about events", print_of(config.event_rules)},
      {"conditions", print_of(config.condition_rules, config.stage)},
      {"settings of detection", print_of(config.quiet_after, config.post_change, config.most_detectors)},
      {"calendar", print_of(config.expected)},
      {"models", print_of(scoring.interval, scoring.modes, scoring.suspicions_per_day, scoring.warm_up, scoring.seed)},
      {"behaviour", print_of(config.behaviour)},
      {"host", print_of(config.host_seed)}};
}

void Engine::Internals::save_whole(StateWriter& writer) const {
  put_whole(writer, view);
  conditions.save_whole(writer);
  put_whole(writer, behaviour);
  put_whole(writer, calendar);
  book.save(writer);
  survey->save_whole(writer);
  writer.put(static_cast<std::uint32_t>(tracks.size()));
  for (const Track& track : tracks) {
    static_assert(kMembers<Track> == 5 && kMembers<Watch> == 4, "a member is not kept");
    put_whole(writer, track.counter);
    put_whole(writer, track.unit);
    put_whole(writer, track.rate);
    put_whole(writer, track.expected);
    writer.put(static_cast<std::uint32_t>(track.watches.size()));
    for (const Watch& watch : track.watches) {
      writer.put(watch.rule);
      writer.put(watch.told);
      put_whole(writer, watch.usual);
      watch.detector->save_whole(writer);
    }
  }
  put_whole(writer, holds);
  put_whole(writer, remembered);
  put_whole(writer, began);
  put_whole(writer, last);
  for (const std::uint64_t number : {sequence, lost, ignored, refused}) writer.put(number);
}

void Engine::Internals::load_whole(StateReader& reader) {
  get_whole(reader, view);
  conditions.load_whole(reader);
  get_whole(reader, behaviour);
  get_whole(reader, calendar);
  book.load(reader);
  survey->load_whole(reader);
  tracks.clear();
  detectors = 0;
  for (std::uint32_t left = reader.get_count(kMostSeries); left > 0 && reader.good(); --left) {
    Track& track = tracks.emplace_back();
    get_whole(reader, track.counter);
    get_whole(reader, track.unit);
    get_whole(reader, track.rate);
    get_whole(reader, track.expected);
    for (std::uint32_t n = reader.get_count(static_cast<std::uint32_t>(rules.size())); n > 0 && reader.good(); --n) {
      const auto rule = reader.get<std::uint32_t>();
      const bool told = reader.get<bool>();
      if (rule >= rules.size()) return reader.fail();
      track.watches.push_back({rule, told, rules[rule].detector->make(rules[rule].values), {}});
      get_whole(reader, track.watches.back().usual);
      track.watches.back().detector->load_whole(reader);
      ++detectors;
    }
  }
  get_whole(reader, holds);
  get_whole(reader, remembered);
  get_whole(reader, began);
  get_whole(reader, last);
  for (std::uint64_t* number : {&sequence, &lost, &ignored, &refused}) *number = reader.get<std::uint64_t>();
}

Result<std::string> Engine::snapshot() const {
  StateWriter writer;
  internals_->save_whole(writer);
  return seal_snapshot(kKind, internals_->prints, writer.bytes());
}

Status Engine::restore_snapshot(std::string_view snapshot) {
  Internals& in = *internals_;
  const auto payload = open_snapshot(kKind, in.prints, snapshot);
  if (!payload) return payload.error();
  StateWriter before;
  in.save_whole(before);
  StateReader reader = StateReader::exact(*payload, in.literals);
  in.load_whole(reader);
  if (reader.good() && reader.at_end()) return ok();
  StateReader back = StateReader::exact(before.bytes(), in.literals);
  in.load_whole(back);
  return make_error(ErrorCode::malformed, "the snapshot of the engine holds what cannot be");
}

std::uint64_t Engine::breaker_trips() const { return internals_->survey->scorer().breaker_trips(); }

}  // namespace hostmedic::detect
