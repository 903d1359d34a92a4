// SPDX-License-Identifier: Apache-2.0
// change_point: the level changed and stays changed, even by little. Two tests on the means of ten seconds, in usual
// deviations from the mean of the last hour: CUSUM at both sides for a shift of some deviations (known in a minute or
// two), Page-Hinkley at both sides, against its own slow mean, for a shift of about one (known in some ten minutes).
// After an hour the new level is what is compared with. A series that wanders by itself raises both sums again and
// again: what they usually reach is learned, and counts. 1.5 KB.
#include <algorithm>
#include <array>
#include <cmath>

#include "detect/detectors.h"
#include "detect/univariate/block_residual.h"

namespace hostmedic::detect {

namespace {

enum Param { limit, cusum, page_hinkley, warmup, adopt_after };

// A sum that grows while the input is beyond the slack, and never falls below zero; its limit is raised by what it
// reached before. It holds twice its limit at most, so that it comes down soon.
struct OneSided {
  double sum = 0, steps = 0, inputs = 0;  // since it last was zero
  double peak = 0, usual = 0;             // of the present excursion; of those before, fading

  double limit(double least) const { return std::max(least, kBeyond * usual); }
  double score(double least) const { return sum / limit(least); }
  void step(double z, double slack, double least, double elapsed, bool settling) {
    usual -= usual * fade_share(elapsed, kMemory);
    sum = std::clamp(sum + z - slack, 0.0, settling ? kMostSum : 2 * limit(least));
    peak = std::max(peak, sum);
    if (sum > 0) {
      ++steps;
      inputs += z;
      return;
    }
    // What raised an alarm counts for no more than the limit that it passed.
    usual = std::max(usual, settling ? peak : std::min(peak, limit(least)));
    steps = inputs = peak = 0;
  }
  void reset() { sum = steps = inputs = peak = 0; }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.sum, self.steps, self.inputs, self.peak, self.usual);
  }

 private:
  static constexpr double kBeyond = 2;
  static constexpr double kMemory = 14 * 86400;  // seconds
  static constexpr double kMostSum = 1e6;
};

class ChangePoint final : public KeptModel<ChangePoint> {
 public:
  static constexpr std::uint32_t kVersion = 1;

  explicit ChangePoint(std::span<const double> values)
      : KeptModel({values[limit], values[warmup], values[adopt_after]}),
        cusum_limit_(values[cusum]),
        page_limit_(values[page_hinkley]) {}

  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.residual_, self.cusum_, self.page_, self.mean_, self.deviation_);
  }

 private:
  Opinion judge(const Moment& now) override {
    const bool known = residual_.known(), constant = residual_.constant();
    const double expected = residual_.expected();
    const auto z = residual_.step(now);
    if (settling()) {
      reset();
    } else if (z) {
      take(*z, now.age < habits().warmup);
    }
    if (!known) return {.cannot_tell = "learning"};
    if (constant) return {.cannot_tell = "constant: nothing to learn"};
    Opinion opinion{.score = score(), .deviation = deviation_, .expected = expected};
    if (opinion.score > habits().limit) opinion.departure = kind();
    return opinion;
  }

  void take(double z, bool settling) {
    deviation_ = std::clamp(z, -kMostInput, kMostInput);  // one wild block is no change of level
    cusum_[0].step(deviation_, kSlack, cusum_limit_, kBlock, settling);
    cusum_[1].step(-deviation_, kSlack, cusum_limit_, kBlock, settling);
    const double off = deviation_ - mean_.mean();
    page_[0].step(off, kPageSlack, page_limit_, kBlock, settling);
    page_[1].step(-off, kPageSlack, page_limit_, kBlock, settling);
    if (!firing()) mean_.step(deviation_, kBlock, kPageMemory);
  }
  double score() const {
    return std::max({cusum_[0].score(cusum_limit_), cusum_[1].score(cusum_limit_), page_[0].score(page_limit_),
                     page_[1].score(page_limit_)});
  }
  // A drift's last step is twice its mean, that of a jump is the mean.
  Departure kind() const {
    const OneSided& longest = std::max(cusum_[0].sum, cusum_[1].sum) > 0
                                  ? (cusum_[0].sum > cusum_[1].sum ? cusum_[0] : cusum_[1])
                                  : (page_[0].sum > page_[1].sum ? page_[0] : page_[1]);
    if (longest.steps < 1) return Departure::level_shift;
    const double mean = longest.inputs / longest.steps;
    return longest.steps >= 6 && std::abs(deviation_) > 1.6 * mean ? Departure::trend : Departure::level_shift;
  }
  void learn(const Moment&) override { residual_.learn(firing()); }
  void adopt(const Moment& now) override {
    residual_.move_to(now.smooth);
    reset();
  }
  void reset() {
    for (OneSided* side : {&cusum_[0], &cusum_[1], &page_[0], &page_[1]}) side->reset();
    mean_ = {};
  }
  std::string_view reason() const override { return "the level has changed"; }

  static constexpr double kBlock = 10;         // seconds
  static constexpr double kSlack = 1;          // deviations a block that CUSUM forgives: a daily course has less
  static constexpr double kPageSlack = 0.25;   // and Page-Hinkley
  static constexpr double kPageMemory = 1800;  // seconds of the mean that it is against
  static constexpr double kMostInput = 8;      // deviations
  const double cusum_limit_, page_limit_;
  BlockResidual residual_{kBlock};
  std::array<OneSided, 2> cusum_{}, page_{};  // above, below
  MovingMean mean_;
  double deviation_ = 0;
};

constexpr ParamSpec kParams[] = {
    {"limit", Unit::count, 1, 0.1, 100, "multiplies both limits below"},
    {"cusum", Unit::count, 12, 1, 1000, "sum of the deviations beyond 1 a block of ten seconds"},
    {"page_hinkley", Unit::count, 30, 1, 1000, "the same against a slow mean, beyond 0.25"},
    {"warmup", Unit::seconds, 3 * 86400, 0, 30 * 86400, "learns in silence for this long"},
    {"adopt", Unit::seconds, 3600, 60, 30 * 86400, "a change that lasts this long is the new normal"},
};

std::unique_ptr<Detector> make(std::span<const double> values) { return std::make_unique<ChangePoint>(values); }

}  // namespace

const DetectorInfo change_point{
    "change_point", "the level changed and stays; score: 1 at the limit of CUSUM or Page-Hinkley", kParams, make, true};

}  // namespace hostmedic::detect
