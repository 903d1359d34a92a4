// SPDX-License-Identifier: Apache-2.0
// Input: a snapshot of a small engine, without its checksum. Whatever it holds, it is refused and nothing is changed,
// or the engine goes on from it for some frames without going astray.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "detect/health/snapshot.h"
#include "tests/unit/detect/snapshot_world.h"

using namespace hostmedic;

namespace {

detect::EngineConfig small() {
  detect::EngineConfig config;
  for (const char* name : {"above_for", "rate_above", "exhaustion", "zscore", "bocpd", "tail", "change_point"}) {
    detect::Rule rule;
    rule.id = name;
    rule.metric = metric::kMemoryUtilization.name;
    rule.detector = name;
    rule.incident_kind = "test";
    config.rules.push_back(std::move(rule));
  }
  detect::ConditionRule condition;
  condition.id = "condition";
  condition.when = "rate(hostmedic.service.cpu.time, 1m) > 20% and system.memory.utilization@host > 50% for 2s";
  condition.incident_kind = "test";
  config.condition_rules.push_back(std::move(condition));
  config.event_rules = detect::default_engine_config().event_rules;
  config.scoring.warm_up = std::chrono::seconds(20);
  config.scoring.modes = {{"gru_forecaster", detect::ModelMode::off}, {"behaviour", detect::ModelMode::serving}};
  return config;
}

// Of two entities only, so that a run is short.
Frame next(test::RandomWorld& world) {
  Frame frame = world.next();
  std::erase_if(frame.series, [](const SeriesDef& def) { return def.entity > EntityId{1}; });
  return frame;
}

struct Subject {
  std::unique_ptr<detect::Engine> engine = *detect::Engine::make(small());
  std::vector<Frame> after;
  std::string good;

  Subject() {
    test::RandomWorld world(3, 1);
    for (int i = 0; i < 150; ++i) (void)engine->step(next(world));
    good = *engine->snapshot();
    for (int i = 0; i < 4; ++i) after.push_back(next(world));
  }
};
Subject& subject() {
  static Subject one;
  return one;
}

std::string sealed(std::string bytes) {
  detect::StateWriter writer;
  writer.put(detect::hash_of(bytes));
  return bytes + writer.bytes();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Subject& one = subject();
  if (!one.engine->restore_snapshot(sealed(std::string(reinterpret_cast<const char*>(data), size)))) return 0;
  for (const Frame& frame : one.after) (void)one.engine->step(frame);
  if (!one.engine->restore_snapshot(one.good)) std::abort();
  return 0;
}

std::vector<std::string> hm_fuzz_seeds() {
  const std::string& good = subject().good;
  return {good.substr(0, good.size() - sizeof(std::uint64_t))};
}
