// SPDX-License-Identifier: Apache-2.0
// What detectors remember over a restart.
#include <doctest/doctest.h>

#include <string>

#include "tests/unit/detect/univariate/synthetic.h"

using namespace hostmedic;
using namespace hostmedic::test;
using detect::Finding;
using detect::State;

namespace {

std::unique_ptr<detect::Detector> made(const detect::DetectorInfo& info) { return detector_of(info); }

bool same(const Finding& one, const Finding& other) {
  return one.state == other.state && one.score == other.score && one.probability == other.probability &&
         one.expected == other.expected && one.direction == other.direction && one.reason == other.reason &&
         one.since == other.since && one.departure == other.departure;
}

std::string kept(const detect::Detector& detector) {
  detect::StateWriter writer;
  detector.save(writer);
  return writer.take();
}

bool taken_over(detect::Detector& detector, std::string_view bytes) {
  detect::StateReader reader(bytes);
  return detector.load(reader);
}

}  // namespace

TEST_CASE("restored, a detector goes on bit by bit as if nothing had happened, also in the middle of an alarm") {
  for (const detect::DetectorInfo* info : detect::all_detectors())
    for (const double cut : {3.5 * kDay, 4 * kDay + 600}) {
      CAPTURE(info->name);
      CAPTURE(cut);
      const auto first = made(*info), second = made(*info);
      Healthy healthy(31);
      const auto value = [&](double t) { return healthy.at(t) + (t > 4 * kDay ? 300 : 0); };
      (void)run(*first, 0, cut, 10, value);
      const std::string bytes = kept(*first);
      if (bytes.empty()) continue;  // learns nothing
      REQUIRE(taken_over(*second, bytes));
      CHECK(kept(*second) == bytes);
      bool identical = true;
      for (int i = 1; i < 10000; ++i) {
        const double t = cut + 10 * i;
        const detect::Reading reading{at_s(1 + t), value(t)};
        identical = identical && same(first->step(reading), second->step(reading));
      }
      CHECK(identical);
      CHECK(kept(*first) == kept(*second));
    }
}

TEST_CASE("bytes that are cut, of another version, or garbage change nothing") {
  for (const detect::DetectorInfo* info : detect::all_detectors()) {
    CAPTURE(info->name);
    const auto learned = made(*info);
    Healthy healthy(32);
    (void)run(*learned, 0, 2 * kDay, 10, [&](double t) { return healthy.at(t); });
    const std::string bytes = kept(*learned);
    if (bytes.empty()) continue;
    const std::string before = kept(*made(*info));
    Dice dice(33);
    for (int i = 0; i < 200; ++i) {
      std::string bad = bytes;
      if (i % 2 == 0) {
        bad.resize(static_cast<std::size_t>(dice.uniform() * static_cast<double>(bytes.size())));
      } else {
        bad[static_cast<std::size_t>(dice.uniform() * 4)] ^= 1;  // the version
      }
      const auto fresh = made(*info);
      CHECK_FALSE(taken_over(*fresh, bad));
      CHECK(kept(*fresh) == before);
    }
    // Wrong in the middle it may be believed, but not fall.
    for (int i = 0; i < 200; ++i) {
      std::string bad = bytes;
      for (int k = 0; k < 8; ++k)
        bad[4 + static_cast<std::size_t>(dice.uniform() * static_cast<double>(bytes.size() - 4))] =
            static_cast<char>(256 * dice.uniform());
      const auto fresh = made(*info);
      (void)taken_over(*fresh, bad);
      for (int k = 0; k < 20; ++k) (void)fresh->step({at_s(2 * kDay + 10 * k), 100.0});
    }
  }
}

TEST_CASE("after a restart of the host, whose clock begins anew, what was learned holds") {
  for (const detect::DetectorInfo* info : {&detect::zscore, &detect::robust_zscore, &detect::baseline_percentile,
                                           &detect::seasonal, &detect::change_point, &detect::bocpd, &detect::tail}) {
    CAPTURE(info->name);
    const auto before = made(*info), after = made(*info);
    Healthy healthy(34);
    (void)run(*before, 0, 7 * kDay, 10, [&](double t) { return healthy.at(t); });
    REQUIRE(taken_over(*after, kept(*before)));
    // Off for six hours; the wall clock goes on.
    const double offset = 7 * kDay + 6 * kHour;
    int quiet = 0, firing = 0;
    for (int i = 0; i < 4320; ++i) {
      const double t = offset + 10 * i;
      const WallTime wall = wall_from_ns((4 * 86400 + static_cast<std::int64_t>(t)) * 1'000'000'000);
      const Finding finding = after->step({at_s(5 + 10 * i), healthy.at(t), wall});
      quiet += finding.state == State::quiet ? 1 : 0;
      firing += finding.state == State::firing ? 1 : 0;
    }
    CHECK(firing == 0);
    CHECK(quiet == 4320);
  }
}
