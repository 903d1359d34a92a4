// SPDX-License-Identifier: Apache-2.0
// A host that sends nonsense: what the whole engine makes of it. Nothing may crash, grow without bound, or be suspected
// for the nonsense alone; real departures are still seen afterwards.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "detect/survey.h"
#include "tests/unit/detect/scorer/scorer_world.h"
#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using namespace hostmedic::detect;
using namespace std::chrono_literals;

namespace {

constexpr int kSeries = 8;
constexpr int kLearned = 4000;  // minutes

struct Chaos {
  Chaos() {
    EngineConfig config;
    config.scoring.interval = 1min;
    config.scoring.warm_up = 2h;
    config.scoring.suspicions_per_day = 1000;  // what would be withheld is to be seen here
    engine = *Engine::make(std::move(config));
    const EntityId service = stream.entity(EntityKind::service, "shop.service");
    for (int i = 0; i < kSeries; ++i)
      series.push_back(stream.series(service, metric::kServiceMemoryUsage, "i=" + std::to_string(i)));
    for (int i = 0; i < kLearned; ++i) (void)minute();
    REQUIRE(engine->incidents().empty());
  }
  static double usual(int series, std::uint64_t minute) {
    return 1e9 + 1e6 * test::noise(static_cast<std::uint64_t>(series), minute);
  }
  template <class Value>
  const Changes& minute(Value value) {
    ++now;
    for (int i = 0; i < kSeries; ++i) stream.sample(series[static_cast<std::size_t>(i)], value(i));
    const Changes& changes = engine->step(stream.cut(60.0 * static_cast<double>(now)));
    opened += static_cast<int>(changes.opened.size());
    return changes;
  }
  const Changes& minute() {
    return minute([this](int i) { return std::optional(usual(i, now)); });
  }
  void run(int minutes) {
    for (int i = 0; i < minutes; ++i) (void)minute();
  }
  // After whatever was done to it, a real departure is found within five minutes.
  bool still_sees() {
    run(600);
    opened = 0;
    for (const auto& [id, incident] : engine->incidents()) CHECK_FALSE(incident.active);
    for (int i = 0; i < 5; ++i) (void)minute([this](int s) { return std::optional(usual(s, now) + 3e8); });
    for (const auto& [id, incident] : engine->incidents())
      if (incident.active) return true;
    return false;
  }

  test::Stream stream;
  std::unique_ptr<Engine> engine;
  std::vector<SeriesId> series;
  std::uint64_t now = 0;
  int opened = 0;
};

}  // namespace

TEST_CASE("chaos: numbers that are none, and readings that fail") {
  Chaos host;
  const double nonsense[] = {std::nan(""), HUGE_VAL, -HUGE_VAL, 1e308, -1e308, 5e-324};
  for (int i = 0; i < 60; ++i)
    (void)host.minute([&](int s) -> std::optional<double> {
      if ((i + s) % 7 == 6) return std::nullopt;
      const double value = nonsense[static_cast<std::size_t>((i + s) % 7) % 3];
      return value;
    });
  CHECK(host.opened == 0);
  CHECK(host.still_sees());
}

TEST_CASE("chaos: a block of silence, and of frames that never came") {
  Chaos host;
  for (int i = 0; i < 180; ++i) (void)host.minute([](int) -> std::optional<double> { return std::nullopt; });
  host.run(30);
  host.now += 300;
  host.stream.lose(300);
  host.run(30);
  CHECK(host.opened == 0);
  CHECK(host.engine->lost_frames() == 300);
  CHECK(host.still_sees());
}

TEST_CASE("chaos: frames that come twice or late are left out") {
  Chaos host;
  const auto before = host.engine->survey().groups().at(0).score.page;
  for (int i = 0; i < 50; ++i) {
    Frame frame = host.stream.cut(60.0 * static_cast<double>(host.now));
    frame.sequence = 5;
    frame.mono -= 1h;
    for (const SeriesId id : host.series) frame.samples.push_back({id, 9e9});
    (void)host.engine->step(frame);
  }
  CHECK(host.engine->ignored_frames() == 50);
  CHECK(host.engine->survey().groups().at(0).score.page == before);
  CHECK(host.engine->incidents().empty());
}

TEST_CASE("chaos: the wall clock jumps by years, both ways") {
  Chaos host;
  for (const int hours : {24 * 365 * 5, -24 * 365 * 9, 3, -1}) {
    for (int i = 0; i < 30; ++i) {
      ++host.now;
      for (int s = 0; s < kSeries; ++s)
        host.stream.sample(host.series[static_cast<std::size_t>(s)], Chaos::usual(s, host.now));
      Frame frame = host.stream.cut(60.0 * static_cast<double>(host.now));
      frame.wall += std::chrono::hours(hours);
      host.opened += static_cast<int>(host.engine->step(frame).opened.size());
    }
  }
  CHECK(host.opened == 0);
  CHECK(host.still_sees());
}

TEST_CASE("chaos: a series in another unit is one suspicion, and the new normal within three days") {
  Chaos host;
  const auto in_kilo = [&](int s) {
    return std::optional(s == 0 ? Chaos::usual(s, host.now) / 1000 : Chaos::usual(s, host.now));
  };
  int active_minutes = 0;
  for (int i = 0; i < 3 * 1440; ++i) (void)host.minute(in_kilo);
  CHECK(host.opened <= 1);
  for (int i = 0; i < 1440; ++i) {
    (void)host.minute(in_kilo);
    for (const auto& [id, incident] : host.engine->incidents()) active_minutes += incident.active ? 1 : 0;
  }
  CHECK(active_minutes == 0);
  CHECK(host.opened <= 1);
}

TEST_CASE("chaos: a legitimate shift of everything is one suspicion, and the new normal within three days") {
  Chaos host;
  const auto shifted = [&](int s) { return std::optional(Chaos::usual(s, host.now) * 1.5); };
  for (int i = 0; i < 3 * 1440; ++i) (void)host.minute(shifted);
  CHECK(host.opened == 1);
  for (const auto& [id, incident] : host.engine->incidents()) CHECK_FALSE(incident.active);
  (void)host.minute(shifted);
  CHECK(host.opened == 1);
}

TEST_CASE("chaos: 10,000 series appear and vanish, again and again, in bounded memory") {
  EngineConfig config;
  config.scoring.interval = 1min;
  auto engine = *Engine::make(std::move(config));
  test::Stream stream;
  std::size_t most = 0;
  for (int round = 0; round < 6; ++round) {
    std::vector<EntityId> entities;
    std::vector<SeriesId> series;
    if (round > 0) stream.restart();
    for (int i = 0; i < 1000; ++i) {
      entities.push_back(stream.entity(EntityKind::service, std::to_string(round) + "-" + std::to_string(i)));
      for (int j = 0; j < 10; ++j)
        series.push_back(stream.series(entities.back(), metric::kServiceTasks, "j=" + std::to_string(j)));
    }
    for (int minute = 0; minute < 12; ++minute) {
      for (std::size_t i = 0; i < series.size(); ++i) stream.sample(series[i], static_cast<double>(i % 97));
      Frame frame = stream.cut(60.0 * (round * 12 + minute + 1));
      (void)engine->step(frame);
    }
    if (round == 2) most = engine->bytes_used();
  }
  CHECK(engine->survey().scorer().series_count() <= 20'000);
  CHECK(engine->bytes_used() <= most + most / 4);
  CHECK(engine->incidents().empty());
}

TEST_CASE("chaos: an adversary who ramps slowly is found on the way") {
  Chaos host;
  // Twice the usual deviation an hour, for two days: in the end 90 times beyond what is usual.
  int found_after = -1;
  for (int i = 0; i < 2 * 1440 && found_after < 0; ++i) {
    (void)host.minute([&](int s) {
      return std::optional(Chaos::usual(s, host.now) + (s == 0 ? 1.2e6 * static_cast<double>(i) / 60 : 0));
    });
    if (host.opened > 0) found_after = i;
  }
  MESSAGE("a ramp of two deviations an hour is suspected after " << found_after << " minutes");
  CHECK(found_after > 0);
}

TEST_CASE("chaos: an adversary who stays just below the threshold does not move it out of reach") {
  Chaos host;
  for (int i = 0; i < 3000; ++i)
    (void)host.minute(
        [&](int s) { return std::optional(Chaos::usual(s, host.now) + (s == 0 && i % 30 == 0 ? 4e6 : 0)); });
  CHECK(host.still_sees());
}
