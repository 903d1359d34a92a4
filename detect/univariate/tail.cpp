// SPDX-License-Identifier: Apache-2.0
// tail: beyond what extremes of this series are, for a chosen risk. Peaks over threshold (SPOT and DSPOT; Siffer and
// others, KDD 2017, written from the publication): what exceeds the 98th percentile of the distance to a slow mean
// follows a generalized Pareto distribution, whose two parameters are fitted by moments to the last 64 peaks. Readings
// that follow each other beyond it are one peak. 1.3 KB.
#include <algorithm>
#include <array>
#include <cmath>

#include "detect/detectors.h"
#include "detect/feature/level_scale.h"
#include "detect/univariate/model.h"

namespace hostmedic::detect {

namespace {

enum Param { risk, side, drift, warmup, adopt_after };

class Tail final : public KeptModel<Tail> {
 public:
  static constexpr std::uint32_t kVersion = 1;

  explicit Tail(std::span<const double> values)
      : KeptModel({1, values[warmup], values[adopt_after]}),
        risk_(values[risk]),
        sign_(values[side] >= 0 ? 1 : -1),
        drift_(values[drift]) {}

  bool sane() const { return head_ < kPeaks && count_ <= kPeaks && readings_ >= 0 && excursions_ >= 0; }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.centre_, self.body_, self.peaks_, self.head_, self.count_, self.threshold_, self.extreme_,
                    self.readings_, self.excursions_, self.peak_, self.inside_, self.until_renewal_);
  }

 private:
  Opinion judge(const Moment& now) override {
    if (!body_.known() || centre_.seen() <= 0) return {.cannot_tell = "learning"};
    if (body_.constant()) return {.cannot_tell = "constant: nothing to learn"};
    if (count_ < kFewPeaks) return {.cannot_tell = "learning: too few peaks yet"};
    const double off = sign_ * (now.x - centre_.mean());
    const double reach = extreme_ - body_.median();
    Opinion opinion{.score = reach > 0 ? std::max(0.0, (off - body_.median()) / reach) : 0,
                    .deviation = sign_ * (off - body_.median()) / body_.spread(off > 0),
                    .expected = centre_.mean() + sign_ * extreme_};
    return opinion;
  }

  void learn(const Moment& now) override {
    if (centre_.seen() <= 0) centre_.set(now.x);
    const double off = sign_ * (now.x - centre_.mean());
    body_.step(off, now.elapsed, kMemory);
    centre_.step(now.x, now.elapsed, drift_);
    readings_ = std::min(readings_ * kKeep + 1, kMostReadings);
    excursions_ *= kKeep;
    excursion(off);
    if (until_renewal_-- > 0) return;
    until_renewal_ = kRenew;
    if (!body_.known()) return;
    threshold_ = body_.quantile(kBody);
    fit();
  }

  // An excursion ends with the first reading below the threshold; what is beyond the extreme is no peak to learn from.
  void excursion(double off) {
    if (off > threshold_ && body_.known() && threshold_ > body_.median()) {
      peak_ = inside_ ? std::max(peak_, off) : off;
      inside_ = true;
    } else if (inside_) {
      inside_ = false;
      excursions_ += 1;
      if (count_ >= kFewPeaks && peak_ > extreme_) peak_ = extreme_;  // counted as large, but not as that large
      peaks_[head_] = static_cast<float>(peak_);
      head_ = static_cast<std::uint8_t>((head_ + 1) % kPeaks);
      if (count_ < kPeaks) ++count_;
      fit();
    }
  }

  // The value that the next reading exceeds with probability risk.
  void fit() {
    if (count_ < kFewPeaks || readings_ <= 0) return;
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const double excess = std::max(0.0, peaks_[i] - threshold_);
      sum += excess;
      squares += excess * excess;
    }
    const double mean = sum / count_, variance = std::max(squares / count_ - mean * mean, 0.0);
    if (mean <= 0) return;
    const double ratio = variance > 0 ? mean * mean / variance : kMostRatio;
    const double shape = std::clamp(0.5 * (1 - ratio), kLeastShape, kMostShape);
    const double scale = mean * (1 - shape);
    const double rate = std::max(excursions_, 1.0) / readings_;
    const double odds = std::max(rate / risk_, 1.0);
    const double beyond =
        std::abs(shape) < 1e-3 ? scale * std::log(odds) : scale / shape * (std::exp(shape * std::log(odds)) - 1);
    extreme_ = threshold_ + std::max(beyond, kFloor * body_.range());
  }

  void adopt(const Moment& now) override {
    const double factor = multiple_of(now.smooth, centre_.mean());
    centre_.set(now.smooth);
    body_.scale(factor);
    threshold_ *= factor;
    extreme_ *= factor;
    for (float& peak : peaks_) peak = static_cast<float>(peak * factor);
    inside_ = false;
  }
  std::string_view reason() const override { return "beyond the extremes of what was seen"; }

  static constexpr std::size_t kPeaks = 64, kFewPeaks = 16;
  static constexpr double kBody = 0.98;
  static constexpr double kMemory = 7 * 86400;  // seconds
  static constexpr double kKeep = 1 - 1e-6;     // of the counts, per reading: a million are remembered
  static constexpr double kMostReadings = 1e6;
  // Moments exist below 1/2; that a tail ends somewhere, as below 0, is not believed of 64 peaks.
  static constexpr double kLeastShape = 0, kMostShape = 0.35;
  static constexpr double kMostRatio = 100;
  static constexpr double kFloor = 0.05;  // of the range
  static constexpr int kRenew = 256;      // readings
  const double risk_, sign_, drift_;
  MovingMean centre_;
  LevelScale body_;  // distances to the centre, turned so that the extremes are above
  std::array<float, kPeaks> peaks_{};
  std::uint8_t head_ = 0, count_ = 0;
  double threshold_ = 0, extreme_ = 0, readings_ = 0, excursions_ = 0, peak_ = 0;
  bool inside_ = false;
  std::int32_t until_renewal_ = 32;
};

constexpr ParamSpec kParams[] = {
    {"risk", Unit::ratio, 1e-7, 1e-12, 0.01, "probability that a usual reading is beyond the extreme"},
    {"side", Unit::count, 1, -1, 1, "1: extremes above; -1: below"},
    {"drift", Unit::seconds, 900, 60, 30 * 86400, "memory of the slow mean that extremes are taken from"},
    {"warmup", Unit::seconds, 86400, 0, 30 * 86400, "learns in silence for this long"},
    {"adopt", Unit::seconds, 3600, 60, 30 * 86400, "a departure that lasts this long is the new normal"},
};

std::unique_ptr<Detector> make(std::span<const double> values) { return std::make_unique<Tail>(values); }

}  // namespace

const DetectorInfo tail{"tail", "beyond the extremes for a chosen risk; score: distance / that of the extreme", kParams,
                        make, true};

}  // namespace hostmedic::detect
