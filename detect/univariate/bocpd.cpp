// SPDX-License-Identifier: Apache-2.0
// bocpd: Bayesian online change-point detection (Adams and MacKay 2007) on the means of minutes, with a bounded number
// of hypotheses about when the present run began; each has a normal-gamma posterior of its mean and variance. It fires
// when the run almost surely began within the last hour and its mean is far from what was before. 2.8 KB.
#include <algorithm>
#include <array>
#include <cmath>

#include "detect/detectors.h"
#include "detect/feature/level_scale.h"
#include "detect/univariate/model.h"

namespace hostmedic::detect {

namespace {

enum Param { limit, shift, run, warmup, adopt_after };

// One hypothesis: the present run is `length` blocks old.
struct Run {
  double weight = 0;  // its probability
  double mean = 0, kappa = 0, alpha = 0, beta = 0;
  double gamma = 0;  // Gamma(alpha + 1/2) / Gamma(alpha)
  std::int32_t length = 0;

  bool sane() const { return weight >= 0 && kappa >= 0 && alpha >= 0 && beta >= 0 && length >= 0; }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.weight, self.mean, self.kappa, self.alpha, self.beta, self.gamma, self.length);
  }
};

// In deviations of the whole series: a run's mean is anywhere in a few of them, its own noise is smaller than one.
constexpr double kKappa = 0.05, kAlpha = 1, kBeta = 0.1;
constexpr double kGammaOfAlpha = 0.88622692545275801;  // Gamma(3/2) / Gamma(1)
constexpr double kPi = 3.14159265358979324;
constexpr std::int32_t kMostLength = 2880;  // blocks; a longer run forgets its beginning

constexpr Run kNewRun{0, 0, kKappa, kAlpha, kBeta, kGammaOfAlpha, 0};

// Student's t of the next block.
double predictive(const Run& run, double z) {
  const double freedom = 2 * run.alpha;
  const double variance = run.beta * (run.kappa + 1) / (run.alpha * run.kappa);
  const double off = z - run.mean;
  const double tail = std::exp(-0.5 * (freedom + 1) * std::log1p(off * off / (freedom * variance)));
  return run.gamma / std::sqrt(freedom * kPi * variance) * tail;
}

void take(Run& run, double z) {
  const double off = z - run.mean;
  run.beta += 0.5 * run.kappa * off * off / (run.kappa + 1);
  run.mean += off / (run.kappa + 1);
  if (run.length >= kMostLength) {  // keeps its weight: the newest replaces a share of the rest
    run.beta *= run.alpha / (run.alpha + 0.5);
    return;
  }
  run.kappa += 1;
  run.gamma = run.alpha / run.gamma;  // from alpha to alpha + 1/2
  run.alpha += 0.5;
  ++run.length;
}

class Bocpd final : public KeptModel<Bocpd> {
 public:
  static constexpr std::uint32_t kVersion = 1;

  explicit Bocpd(std::span<const double> values)
      : KeptModel({values[limit], values[warmup], values[adopt_after]}),
        shift_(values[shift]),
        hazard_(kBlock / values[run]) {}

  bool sane() const { return count_ >= 0 && count_ <= kMostRuns; }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.level_, self.runs_, self.count_, self.before_, self.young_, self.now_, self.sum_, self.weight_,
                    self.readings_);
  }
  template <class Self>
  static auto whole(Self& self) {
    return std::tuple_cat(fields(self), std::tie(self.ended_.mean, self.ended_.seconds));
  }

 private:
  Opinion judge(const Moment& now) override {
    if (now.fresh) sum_ = weight_ = readings_ = 0;
    sum_ += now.x;
    weight_ += now.elapsed;
    ++readings_;
    if (weight_ >= kNearly * kBlock) close_block();
    if (!level_.known()) return {.cannot_tell = "learning"};
    if (level_.constant()) return {.cannot_tell = "constant: nothing to learn"};
    const double moved = now_ - before_.mean();
    const double unit = level_.spread(moved > 0);
    Opinion opinion{.score = std::abs(moved) >= (firing() ? 0.5 : 1) * shift_ ? young_ : 0,
                    .deviation = moved,
                    .expected = level_.median() + before_.mean() * unit};
    opinion.departure = Departure::level_shift;
    return opinion;
  }

  void close_block() {
    const double mean = sum_ / readings_, seconds = weight_;
    sum_ = weight_ = readings_ = 0;
    ended_ = {mean, seconds};
    const double off = mean - level_.median(), spread = level_.spread(off > 0);
    if (!level_.known() || spread <= 0) return;
    const double z = std::clamp(off / spread, -kMostInput, kMostInput);
    update(z);
    if (young_ < 0.5) before_.step(now_, seconds, kBefore);
  }

  // One step of the posterior over the runs; the least probable hypothesis makes room for the new one.
  void update(double z) {
    auto runs = std::span(runs_).first(static_cast<std::size_t>(count_));
    double total = 0, begins = 0;
    for (Run& each : runs) {
      const double likely = std::max(each.weight * predictive(each, z), 0.0);
      begins += likely * hazard_;
      each.weight = likely * (1 - hazard_);
      total += likely;
      take(each, z);
    }
    Run fresh = kNewRun;
    fresh.weight = total > kUnlikely ? begins : 1;
    take(fresh, z);
    if (!(total > kUnlikely)) count_ = 0, total = 1;  // nobody expected it
    const auto slot = count_ < kMostRuns
                          ? static_cast<std::size_t>(count_++)
                          : static_cast<std::size_t>(std::ranges::min_element(runs, {}, &Run::weight) - runs.begin());
    runs_[slot] = fresh;
    summarize();
  }

  void summarize() {
    const auto runs = std::span(runs_).first(static_cast<std::size_t>(count_));
    double total = 0;
    for (const Run& each : runs) total += each.weight;
    double young = 0;
    const Run* best = runs.data();
    for (Run& each : runs) {
      each.weight /= total;
      if (each.length <= kYoung) young += each.weight;
      if (each.weight > best->weight) best = &each;
    }
    young_ = young;
    now_ = best->mean;
  }

  void learn(const Moment&) override {
    if (ended_.seconds > 0) level_.step(ended_.mean, ended_.seconds, kMemory);
    ended_ = {};
  }
  void adopt(const Moment& now) override {
    level_.move_to(now.smooth);
    count_ = 0;
    before_ = {};
    young_ = now_ = 0;
  }
  std::string_view reason() const override { return "a new run began at another level"; }

  struct Ended {
    double mean = 0, seconds = 0;
  };
  static constexpr int kMostRuns = 32;
  static constexpr double kBlock = 60, kNearly = 0.95;  // seconds
  static constexpr double kMemory = 7 * 86400, kBefore = 3600;
  static constexpr std::int32_t kYoung = 60;   // blocks
  static constexpr double kMostInput = 30;     // deviations
  static constexpr double kUnlikely = 1e-280;  // of all hypotheses together
  const double shift_, hazard_;
  LevelScale level_;
  std::array<Run, kMostRuns> runs_{};
  std::int32_t count_ = 0;
  MovingMean before_;           // of the run's mean, while it was not young
  double young_ = 0, now_ = 0;  // probability that the run is young; its mean
  double sum_ = 0, weight_ = 0, readings_ = 0;
  Ended ended_;
};

constexpr ParamSpec kParams[] = {
    {"limit", Unit::ratio, 0.95, 0.5, 0.9999, "probability that the present run began within the last hour"},
    {"shift", Unit::count, 3, 0.5, 100, "usual deviations by which its mean must differ from before"},
    {"run", Unit::seconds, 7 * 86400, 3600, 90 * 86400, "how long a run lasts on average, as assumed"},
    {"warmup", Unit::seconds, 86400, 0, 30 * 86400, "learns in silence for this long"},
    {"adopt", Unit::seconds, 3600, 60, 30 * 86400, "a change that lasts this long is the new normal"},
};

std::unique_ptr<Detector> make(std::span<const double> values) { return std::make_unique<Bocpd>(values); }

}  // namespace

const DetectorInfo bocpd{"bocpd", "a new run began, by Bayesian change points; score: its probability", kParams, make,
                         true};

}  // namespace hostmedic::detect
