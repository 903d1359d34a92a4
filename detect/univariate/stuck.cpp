// SPDX-License-Identifier: Apache-2.0
// stuck: a series that used to move does not. It has not changed at all for much longer than ever before, as far as is
// remembered. Zero is no stuck value unless asked for: who has nothing to do stands at zero. 0.4 KB.
#include <algorithm>

#include "detect/detectors.h"
#include "detect/feature/moving.h"
#include "detect/univariate/model.h"

namespace hostmedic::detect {

namespace {

enum Param { factor, least, zero, memory, warmup, adopt_after };

class Stuck final : public KeptModel<Stuck> {
 public:
  static constexpr std::uint32_t kVersion = 1;

  explicit Stuck(std::span<const double> values)
      : KeptModel({1, values[warmup], values[adopt_after]}),
        factor_(values[factor]),
        least_(values[least]),
        memory_(values[memory]),
        zero_(values[zero] > 0) {}

  bool sane() const { return run_ >= 0 && longest_ >= 0 && moves_ >= 0; }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.last_, self.run_, self.longest_, self.moves_, self.begun_);
  }

 private:
  Opinion judge(const Moment& now) override {
    if (!begun_ || now.x != last_ || now.fresh) {
      if (begun_ && now.x != last_) ended(now.age);
      last_ = now.x;
      begun_ = true;
      run_ = 0;
    } else {
      run_ += now.elapsed;
    }
    if (moves_ < kFewMoves) return {.cannot_tell = "has hardly moved: nothing to learn"};
    const double allowed = std::max(least_, factor_ * longest_);
    const bool idle = !zero_ && now.x == 0;
    return {.score = idle ? 0 : run_ / allowed, .expected = last_, .departure = Departure::stuck};
  }
  // A run that was called stuck is not what is usual.
  void ended(double age) {
    const bool learning = moves_ < kFewMoves || age < habits().warmup;
    if (learning || run_ < std::max(least_, factor_ * longest_)) longest_ = std::max(longest_, run_);
    moves_ = std::min(moves_ + 1, kMostMoves);
  }
  void learn(const Moment& now) override { longest_ -= longest_ * fade_share(now.elapsed, memory_); }
  void adopt(const Moment&) override {
    moves_ = 0;
    longest_ = 0;
    run_ = 0;
  }
  std::string_view reason() const override { return "it used to move and stands still"; }

  static constexpr std::int32_t kFewMoves = 200, kMostMoves = 1'000'000;
  const double factor_, least_, memory_;
  const bool zero_;
  double last_ = 0, run_ = 0, longest_ = 0;  // seconds without a change: now, and the longest remembered
  std::int32_t moves_ = 0;
  bool begun_ = false;
};

constexpr ParamSpec kParams[] = {
    {"factor", Unit::count, 10, 2, 1000, "fires after so many times the longest standstill that is remembered"},
    {"least", Unit::seconds, 600, 10, 30 * 86400, "but not before this time"},
    {"zero", Unit::count, 0, 0, 1, "1: a standstill at zero counts as well"},
    {"memory", Unit::seconds, 14 * 86400, 3600, 365 * 86400, "how fast the longest standstill is forgotten"},
    {"warmup", Unit::seconds, 86400, 0, 30 * 86400, "learns in silence for this long"},
    {"adopt", Unit::seconds, 86400, 60, 30 * 86400, "what stands still for this long after that is a constant"},
};

std::unique_ptr<Detector> make(std::span<const double> values) { return std::make_unique<Stuck>(values); }

}  // namespace

const DetectorInfo stuck{"stuck", "a series that used to move stands still; score: 1 when it has for too long", kParams,
                         make};

}  // namespace hostmedic::detect
