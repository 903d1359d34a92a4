// SPDX-License-Identifier: Apache-2.0
// The parts of a model's life: breaker, drift, trial, log of thresholds.
#include <doctest/doctest.h>

#include <random>

#include "detect/health/breaker.h"
#include "detect/health/drift.h"
#include "detect/health/threshold_log.h"
#include "detect/health/trial.h"

using namespace hostmedic;
using namespace hostmedic::detect;
using namespace std::chrono_literals;

namespace {
MonoTime at(Duration since_boot) { return MonoTime(since_boot); }

void fill(Drift& drift, int readings, double scale, unsigned seed) {
  std::mt19937 random(seed);
  for (int i = 0; i < readings; ++i) drift.add(scale * static_cast<double>(random() % 1000 + 1) / 100);
}
}  // namespace

TEST_CASE("a model that fails is out at once, rests longer each time, and is forgiven after a sound hour") {
  Breaker breaker;
  CHECK(breaker.allows(at(0s)));
  breaker.fail(at(1min), "the score is not a number");
  CHECK_FALSE(breaker.allows(at(1min)));
  CHECK_FALSE(breaker.allows(at(10min)));
  CHECK(breaker.allows(at(11min)));
  CHECK(breaker.reason() == "the score is not a number");

  breaker.close(at(11min));
  breaker.fail(at(12min), "again");
  CHECK_FALSE(breaker.allows(at(31min)));
  CHECK(breaker.allows(at(32min)));
  for (int i = 0; i < 20; ++i) breaker.fail(at(1h), "still");
  CHECK(breaker.rests_until() == at(25h));  // never longer than a day

  breaker.close(at(25h));
  breaker.fail(at(26h), "after a sound hour");
  CHECK(breaker.rests_until() == at(26h + 10min));
  CHECK(breaker.times() == 23);
}

TEST_CASE("one slow step is the machine's fault, three in a row are the model's") {
  Breaker breaker;
  breaker.cost(at(1s), 5ms, 1ms);
  breaker.cost(at(2s), 5ms, 1ms);
  breaker.cost(at(3s), 500us, 1ms);
  breaker.cost(at(4s), 5ms, 1ms);
  breaker.cost(at(5s), 5ms, 1ms);
  CHECK_FALSE(breaker.is_out());
  breaker.cost(at(6s), 5ms, 1ms);
  CHECK(breaker.is_out());
  CHECK(breaker.reason().find("budget") != std::string::npos);
}

TEST_CASE("drift: the same population is stable, another is not, and the past is needed to tell") {
  Drift drift(500, 50'000);
  fill(drift, 600, 1, 1);
  CHECK_FALSE(drift.known());
  fill(drift, 20'000, 1, 2);
  REQUIRE(drift.known());
  CHECK(drift.psi() < kStable);
  CHECK(drift.ks() < 0.1);
  fill(drift, 1500, 8, 3);
  CHECK(drift.psi() > kDrifted);
  CHECK(drift.ks() > 0.3);
  // What stays becomes the past.
  fill(drift, 300'000, 8, 4);
  CHECK(drift.psi() < kStable);
}

TEST_CASE("drift survives a checkpoint bit by bit, and refuses another's bytes") {
  Drift drift(100, 1000), same(100, 1000);
  fill(drift, 5000, 1, 7);
  StateWriter writer;
  drift.save(writer);
  StateReader reader(writer.bytes());
  REQUIRE(same.load(reader));
  drift.add(3);
  same.add(3);
  CHECK(drift.psi() == same.psi());
  StateReader cut(std::string_view(writer.bytes()).substr(8));
  CHECK_FALSE(same.load(cut));
}

TEST_CASE("any number falls into a bin") {
  for (const double value : {0.0, -1.0, 1e-300, 0.0625, 1.0, 1e300, std::nan(""), HUGE_VAL})
    CHECK(FadingHistogram::bin(value) < FadingHistogram::kBins);
  CHECK(FadingHistogram::bin(std::nan("")) == 0);
  CHECK(FadingHistogram::bin(1e300) == FadingHistogram::kBins - 1);
}

TEST_CASE("a challenger is promoted by better evidence only, by one stage at a time") {
  Trial trial;
  for (int i = 0; i < 9; ++i) trial.proved(false, true);
  for (int i = 0; i < 30; ++i) trial.day();
  CHECK_FALSE(trial.decide());  // nine incidents are few
  trial.proved(false, true);
  CHECK(trial.decide());
  CHECK(trial.stage() == Stage::canary);
  CHECK_FALSE(trial.decide());  // the canary has its own evidence to gather
  int served = 0;
  for (std::uint64_t group = 0; group < 1000; ++group) served += trial.serves(group) ? 1 : 0;
  CHECK(served == 100);

  for (int i = 0; i < 10; ++i) trial.proved(i % 2 == 0, true), trial.day();
  CHECK(trial.decide());
  CHECK(trial.stage() == Stage::serving);
  CHECK(trial.serves(7));
}

TEST_CASE("more false alarms keep a challenger in the shadow, and put a served one back") {
  Trial trial;
  for (int i = 0; i < 20; ++i) trial.proved(false, true), trial.day(), trial.wrong(false, true);
  CHECK_FALSE(trial.decide());
  CHECK(trial.stage() == Stage::shadow);

  Trial served;
  for (int stage = 0; stage < 2; ++stage) {
    for (int i = 0; i < 10; ++i) served.proved(false, true), served.day();
    REQUIRE(served.decide());
  }
  REQUIRE(served.stage() == Stage::serving);
  for (int i = 0; i < 10; ++i) served.proved(true, false), served.day();
  CHECK(served.decide());
  CHECK(served.stage() == Stage::shadow);
}

TEST_CASE("the log of thresholds keeps the newest") {
  ThresholdLog log;
  for (int i = 0; i < 1500; ++i) log.add({wall_from_ns(i), "x", 1, 2, ""});
  CHECK(log.changes().size() == ThresholdLog::kMost);
  CHECK(log.changes().back().at == wall_from_ns(1499));
  CHECK(log.dropped() == 500);
}
