// SPDX-License-Identifier: Apache-2.0
// What an Engine holds. Only for engine*.cpp.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "detect/correlate/case_book.h"
#include "detect/engine.h"
#include "detect/feature/rate.h"
#include "detect/health/snapshot.h"
#include "detect/rules/compile.h"
#include "detect/rules/condition_set.h"
#include "detect/survey.h"

namespace hostmedic::detect {

// One detector on one series.
struct Watch {
  std::uint32_t rule = 0;
  bool told = false;  // the case book has heard of it and must hear when it is quiet
  std::unique_ptr<Detector> detector;
  std::optional<float> usual = {};  // what it last compared with, where that is what it learnt
};

// A series of the present stream, by its id.
struct Track {
  bool counter = false;
  Unit unit{};  // of what the detectors see
  CounterRate rate;
  Expectation expected;
  std::vector<Watch> watches;
};

// What a snapshot may only be taken over with.
std::vector<Print> prints_of(const EngineConfig& config);

struct Engine::Internals {
  Internals(EngineConfig config, std::vector<CompiledRule> compiled, ConditionSet compiled_conditions,
            std::unique_ptr<Survey> surveyed);

  bool accept(const Frame& frame);
  void restart();
  void retire(EntityId id);
  void bind(const SeriesDef& def);
  void recall(Detector& detector, const std::string& key);
  void remember(std::map<std::string, std::string>& ret_states) const;
  void save_detectors(StateWriter& writer) const;
  bool load_detectors(StateReader& reader);
  // engine_snapshot.cpp
  void save_whole(StateWriter& writer) const;
  void load_whole(StateReader& reader);
  bool learns(const Entity& entity);
  void feed(SeriesId id, const Reading& reading);
  void judge(const Track& track, Watch& watch, const SeriesDef& def, const Reading& reading);
  void hush(Watch& watch, const SeriesDef& def);
  void turn_calendar(WallTime now);
  const Expectation& expected(SeriesId id) const;
  void note(const Event& event);
  std::size_t event_index(const EventRule& rule) const {
    return rules.size() + static_cast<std::size_t>(&rule - events.data());
  }

  const std::vector<Print> prints;  // of the configuration
  const std::vector<CompiledRule> rules;
  const std::vector<EventRule> events;
  const std::size_t most_detectors;
  ConditionSet conditions;
  BehaviourWatch behaviour;
  Calendar calendar;
  CaseBook book;
  std::unique_ptr<Survey> survey;
  HostView view;
  std::vector<Track> tracks;  // by SeriesId
  LearningHolds holds;
  std::size_t detectors = 0;
  std::map<std::string, std::string> remembered;  // of detectors, by key_of(): from a checkpoint, or another stream
  std::optional<MonoTime> began, last;
  std::uint64_t sequence = 0, lost = 0, ignored = 0, refused = 0;
  Changes changes;
  Literals literals;  // that a snapshot brought along
};

}  // namespace hostmedic::detect
