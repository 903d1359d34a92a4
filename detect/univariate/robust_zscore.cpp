// SPDX-License-Identifier: Apache-2.0
// robust_zscore: how far the level (mean of ten seconds) is from the median of the last week, in deviations that up to
// 2% of outliers at each side cannot widen. For series with outliers of their own, which a mean and a variance would
// take for usual. 0.9 KB.
#include <cmath>

#include "detect/detectors.h"
#include "detect/feature/level_scale.h"
#include "detect/univariate/model.h"

namespace hostmedic::detect {

namespace {

enum Param { limit, memory, warmup, adopt_after };

class RobustZScore final : public KeptModel<RobustZScore> {
 public:
  static constexpr std::uint32_t kVersion = 1;

  explicit RobustZScore(std::span<const double> values)
      : KeptModel({values[limit], values[warmup], values[adopt_after]}), memory_(values[memory]) {}

  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.level_);
  }

 private:
  Opinion judge(const Moment& now) override {
    if (!level_.known()) return {.cannot_tell = "learning"};
    if (level_.constant()) return {.cannot_tell = "constant: nothing to learn"};
    const double off = now.smooth - level_.median();
    const double deviation = off / level_.spread(off > 0);
    return {.score = std::abs(deviation), .deviation = deviation, .expected = level_.median()};
  }
  void learn(const Moment& now) override { level_.step(now.smooth, now.elapsed, memory_); }
  void adopt(const Moment& now) override { level_.move_to(now.smooth); }
  std::string_view reason() const override { return "far from the median of what was seen"; }

  const double memory_;
  LevelScale level_;
};

constexpr ParamSpec kParams[] = {
    {"limit", Unit::count, 5, 1, 1000, "fires when the level is so many usual deviations from the median"},
    {"memory", Unit::seconds, 7 * 86400, 600, 90 * 86400, "how long the past counts"},
    {"warmup", Unit::seconds, 86400, 0, 30 * 86400, "learns in silence for this long; a day, so that it saw a night"},
    {"adopt", Unit::seconds, 3600, 60, 30 * 86400, "a departure that lasts this long is the new normal"},
};

std::unique_ptr<Detector> make(std::span<const double> values) { return std::make_unique<RobustZScore>(values); }

}  // namespace

const DetectorInfo robust_zscore{"robust_zscore", "far from the median, by robust deviations; score: deviations",
                                 kParams, make, true};

}  // namespace hostmedic::detect
