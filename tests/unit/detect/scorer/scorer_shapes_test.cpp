// SPDX-License-Identifier: Apache-2.0
// Onsets as the scorer tells them, out of the shape memories of its series.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "detect/scorer.h"

using namespace hostmedic;
using detect::GroupSlot;
using detect::ModelMode;
using detect::Scorer;
using detect::ScorerConfig;
using detect::Slot;

namespace {

struct Watched {
  std::unique_ptr<Scorer> scorer;
  GroupSlot group{};
  std::vector<Slot> slots;
  Duration now{};

  explicit Watched(int series, ModelMode shape = ModelMode::serving) {
    scorer = *Scorer::make({.interval = std::chrono::minutes(5), .modes = {{"shape", shape}}});
    group = scorer->add_group();
    for (int i = 0; i < series; ++i) slots.push_back(*scorer->add(group, Unit::count, Instrument::gauge));
  }
  float step(double value) {
    now += std::chrono::minutes(5);
    for (const Slot slot : slots) scorer->set(slot, value);
    scorer->step(MonoTime(now), WallTime(now));
    return scorer->group(group).onset;
  }
  float most(int steps, double (*value)(int)) {
    float most = 0;
    for (int i = 0; i < steps; ++i) most = std::max(most, step(value(i)));
    return most;
  }
};

double wave(int i) { return i % 12 < 8 ? 10 : 90; }
double stuck(int) { return 50; }

}  // namespace

TEST_CASE("scorer: the onset of a form never seen, once") {
  Watched watched(1);
  watched.most(2000, wave);
  CHECK(watched.most(500, wave) < 0.1F);
  CHECK(watched.most(32, stuck) > 0.5F);
  CHECK(watched.most(300, stuck) < 0.5F);
}

TEST_CASE("scorer: shapes switched off or in the shadow tell no onsets") {
  for (const ModelMode mode : {ModelMode::off, ModelMode::shadow}) {
    Watched watched(1, mode);
    watched.most(2000, wave);
    CHECK(watched.most(32, stuck) == 0);
  }
}

TEST_CASE("scorer: what shapes were seen outlives a restart; a state cut short does not") {
  Watched before(1);
  before.most(2000, wave);
  detect::StateWriter writer;
  before.scorer->save(before.slots[0], writer);
  const std::string state = writer.take();

  Watched after(1);
  detect::StateReader reader(state);
  REQUIRE(after.scorer->load(after.slots[0], reader));
  CHECK(reader.at_end());
  CHECK(after.most(200, wave) < 0.1F);
  CHECK(after.most(32, stuck) > 0.5F);

  detect::StateReader part(std::string_view(state).substr(0, state.size() - 1));
  CHECK_FALSE(after.scorer->load(after.slots[0], part));
}

TEST_CASE("scorer: shape memories are bounded in number, and go on to whoever comes when one leaves") {
  Watched few(1), many(300);
  const auto bytes = [](const Watched& watched) {
    const std::vector<detect::ModelHealth> health = watched.scorer->health();
    return std::ranges::find(health, "shape", &detect::ModelHealth::name)->bytes;
  };
  CHECK(bytes(few) < 4096);
  CHECK(bytes(many) <= 256 * 1024);
  for (const Slot slot : many.slots) many.scorer->remove(slot);
  many.slots = {*many.scorer->add(many.group, Unit::count, Instrument::gauge)};
  many.most(2000, wave);
  CHECK(many.most(32, stuck) > 0.5F);
}

TEST_CASE("scorer: the always-on path takes at most 256 bytes a series, counters and groups among them") {
  constexpr int kGroups = 30, kEach = 100;
  auto scorer = *Scorer::make({.modes = {{"pca_residual", ModelMode::off}, {"gru_forecaster", ModelMode::off}}});
  const std::size_t empty = scorer->bytes_used();
  for (int group = 0; group < kGroups; ++group) {
    const GroupSlot of = scorer->add_group();
    for (int i = 0; i < kEach; ++i)
      REQUIRE(scorer->add(of, Unit::count, i % 2 == 0 ? Instrument::gauge : Instrument::counter));
  }
  CHECK(empty < 4096);
  CHECK(scorer->bytes_used() <= std::size_t{kGroups} * kEach * 256);
}
