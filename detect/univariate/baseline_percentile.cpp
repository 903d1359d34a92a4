// SPDX-License-Identifier: Apache-2.0
// baseline_percentile: the level (mean of ten seconds) beyond a percentile of the past window by so many of its
// standard deviations. The plain threshold that follows a series, for who wants to say in a sentence what it does. A
// percentile below one half looks for what is too low. 1 KB.
#include <algorithm>
#include <cmath>

#include "detect/detectors.h"
#include "detect/feature/level_scale.h"
#include "detect/univariate/model.h"

namespace hostmedic::detect {

namespace {

enum Param { percentile, threshold_std, window, warmup, adopt_after };

class BaselinePercentile final : public KeptModel<BaselinePercentile> {
 public:
  static constexpr std::uint32_t kVersion = 1;

  explicit BaselinePercentile(std::span<const double> values)
      : KeptModel({values[threshold_std], values[warmup], values[adopt_after]}),
        percentile_(values[percentile]),
        window_(values[window]) {}

  bool sane() const { return until_renewal_ >= 0; }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.level_, self.spread_, self.baseline_, self.until_renewal_);
  }

 private:
  Opinion judge(const Moment& now) override {
    if (!level_.known()) return {.cannot_tell = "learning"};
    if (level_.constant()) return {.cannot_tell = "constant: nothing to learn"};
    const double deviation = (now.smooth - baseline_) / std::max(spread_.deviation(), kFloor * level_.range());
    const double score = percentile_ >= 0.5 ? deviation : -deviation;
    return {.score = std::max(0.0, score), .deviation = deviation, .expected = baseline_};
  }
  void learn(const Moment& now) override {
    level_.step(now.smooth, now.elapsed, window_);
    spread_.step(now.smooth, now.elapsed, window_);
    if (until_renewal_-- > 0) return;
    baseline_ = level_.quantile(percentile_);
    until_renewal_ = kRenew;
  }
  void adopt(const Moment& now) override {
    spread_.move_to(now.smooth, multiple_of(now.smooth, level_.median()));
    level_.move_to(now.smooth);
    baseline_ = level_.quantile(percentile_);
  }
  std::string_view reason() const override { return "beyond the baseline"; }

  static constexpr int kRenew = 32;       // readings
  static constexpr double kFloor = 0.02;  // of the range: the least deviation that is worth a look
  const double percentile_, window_;
  LevelScale level_;
  MovingVariance spread_;
  double baseline_ = 0;
  std::int32_t until_renewal_ = 0;
};

constexpr ParamSpec kParams[] = {
    {"baseline_percentile", Unit::ratio, 0.95, 0.01, 0.99, "share of the past values that are below the baseline"},
    {"threshold_std", Unit::count, 3, 0.5, 100, "fires so many standard deviations beyond the baseline"},
    {"window", Unit::seconds, 86400, 600, 90 * 86400, "how long the past counts"},
    {"warmup", Unit::seconds, 86400, 0, 30 * 86400, "learns in silence for this long"},
    {"adopt", Unit::seconds, 3600, 60, 30 * 86400, "a departure that lasts this long is the new normal"},
};

std::unique_ptr<Detector> make(std::span<const double> values) { return std::make_unique<BaselinePercentile>(values); }

}  // namespace

const DetectorInfo baseline_percentile{"baseline_percentile",
                                       "beyond a percentile of the past; score: standard deviations beyond it", kParams,
                                       make, true};

}  // namespace hostmedic::detect
