// SPDX-License-Identifier: Apache-2.0
// seasonal: far from what this time of day and week lets expect. Additive: a slow level, a profile of the day and the
// week, and the usual size of what is left, all learned online. For series with a daily course, where a night at the
// level of noon is wrong. 1.2 KB.
#include <cmath>

#include "detect/detectors.h"
#include "detect/feature/level_scale.h"
#include "detect/feature/seasonal_profile.h"
#include "detect/univariate/model.h"

namespace hostmedic::detect {

namespace {

enum Param { limit, warmup, adopt_after };

class Seasonal final : public KeptModel<Seasonal> {
 public:
  static constexpr std::uint32_t kVersion = 1;

  explicit Seasonal(std::span<const double> values) : KeptModel({values[limit], values[warmup], values[adopt_after]}) {}

  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.level_, self.profile_, self.left_, self.plain_);
  }

 private:
  Opinion judge(const Moment& now) override {
    if (level_.seen() <= 0) return {.cannot_tell = "learning"};
    const double expected = level_.mean() + profile_.expected(now.week_second) + left_.median();
    const double off = now.smooth - expected;
    const double spread = left_.spread(off > 0);
    if (!left_.known() || spread <= 0) return {.cannot_tell = "constant: nothing to learn"};
    const double deviation = off / spread;
    Opinion opinion{.score = std::abs(deviation), .deviation = deviation, .expected = expected};
    // Nothing that it would not do at another time.
    if (std::abs(now.smooth - level_.mean()) <= kUsual * plain_.deviation()) opinion.departure = Departure::season;
    return opinion;
  }
  // A departure is no course of a day: it is taken over as a whole when it lasts, or not at all.
  void learn(const Moment& now) override {
    if (firing()) return;
    if (level_.seen() <= 0) level_.set(now.smooth);
    const double season = profile_.expected(now.week_second);
    // Until a day was foretold, what is left holds the whole course of the day.
    if (profile_.foretold() > 0) left_.step(now.smooth - level_.mean() - season, now.elapsed, kMemory);
    profile_.step(now.week_second, now.smooth - level_.mean(), now.elapsed, true);
    plain_.step(now.smooth, now.elapsed, kMemory);
    level_.step(now.smooth - season, now.elapsed, kLevelMemory);
  }
  void adopt(const Moment& now) override {
    const double factor = multiple_of(now.smooth, level_.mean() + profile_.expected(now.week_second));
    profile_.scale(factor);
    left_.scale(factor);
    level_.set(now.smooth - profile_.expected(now.week_second) - left_.median());
    plain_.move_to(level_.mean(), factor);
  }
  std::string_view reason() const override { return "far from what this time of day lets expect"; }

  static constexpr double kMemory = 7 * 86400, kLevelMemory = 3 * 86400;  // seconds
  static constexpr double kUsual = 2;                                     // standard deviations of the plain values
  MovingMean level_;
  SeasonalProfile profile_;
  LevelScale left_;
  MovingVariance plain_;
};

constexpr ParamSpec kParams[] = {
    {"limit", Unit::count, 7, 1, 1000, "fires when it is so many usual deviations from what is expected"},
    {"warmup", Unit::seconds, 3 * 86400, 0, 60 * 86400,
     "learns in silence for this long; it has to see days to know one"},
    {"adopt", Unit::seconds, 7200, 60, 30 * 86400, "a departure that lasts this long is the new normal"},
};

std::unique_ptr<Detector> make(std::span<const double> values) { return std::make_unique<Seasonal>(values); }

}  // namespace

const DetectorInfo seasonal{"seasonal", "far from what the time of day and week lets expect; score: deviations",
                            kParams, make, true};

}  // namespace hostmedic::detect
