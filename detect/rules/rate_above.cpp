// SPDX-License-Identifier: Apache-2.0
// rate_above: the mean of a rate over a window. "More than 3 restarts in 60 s" is limit 0.05 over window 60.
#include <array>

#include "detect/detectors.h"
#include "detect/feature/hold.h"
#include "detect/health/detector_state.h"

namespace hostmedic::detect {

namespace {

enum Param { limit, margin, window };

class RateAbove final : public Detector {
 public:
  explicit RateAbove(std::span<const double> values)
      : limit_(values[limit]),
        margin_(values[margin]),
        window_(values[window]),
        width_(seconds_of(values[window] / kBuckets)) {}

  Finding step(const Reading& reading) override {
    if (last_ && reading.at <= *last_) return finding_;
    const MonoTime before = last_.value_or(reading.at);
    const bool starts = !last_;
    last_ = reading.at;
    advance(reading.at);
    // What happened during an unknown interval is not known; it adds nothing.
    if (!is_known(reading.value)) return {.state = State::unknown, .reason = "no reading"};
    if (starts) return finding_;
    const double elapsed = to_seconds(std::min<Duration>(reading.at - before, Hold::kMostGap));
    observed_ += elapsed;
    happened_[static_cast<std::size_t>(bucket_ % kBuckets)] += *reading.value * elapsed;
    if (*reading.value > 0 && finding_.state != State::firing) rising_since_ = rising_since_.value_or(before);

    double sum = 0;
    for (const double happened : happened_) sum += happened;
    const double mean = sum / window_;
    if (sum <= 0) rising_since_.reset();
    State state = finding_.state;
    if (mean > limit_ * (1 + kRounding)) {
      state = State::firing;
    } else if (state == State::firing ? mean <= limit_ - margin_ : observed_ >= window_) {
      state = State::quiet;
    }
    finding_ = {.state = state,
                .score = mean,
                .probability = state == State::firing ? kProbability : 0,
                .expected = limit_,
                .direction = Direction::above,
                .reason = state == State::firing ? "the mean over the window is above the limit"
                                                 : "the mean over the window is within the limit",
                .since = rising_since_.value_or(reading.at)};
    return finding_;
  }

  std::size_t bytes_used() const override { return sizeof *this; }
  void save_whole(StateWriter& writer) const override { put_members(writer, *this); }
  void load_whole(StateReader& reader) override { get_members(reader, *this); }
  bool sane() const { return bucket_ >= 0; }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.happened_, self.bucket_, self.observed_, self.last_, self.rising_since_, self.finding_);
  }

 private:
  static constexpr int kBuckets = 12;
  static constexpr double kProbability = 0.9;
  static constexpr double kRounding = 1e-9;  // three in sixty seconds is not more than three

  // Empties the buckets that the window has left.
  void advance(MonoTime at) {
    const std::int64_t now = to_ns(at) / std::max<std::int64_t>(1, to_ns(width_));
    for (std::int64_t i = std::max(bucket_ + 1, now - kBuckets + 1); i <= now; ++i)
      happened_[static_cast<std::size_t>(i % kBuckets)] = 0;
    bucket_ = now;
  }

  const double limit_, margin_, window_;
  const Duration width_;
  std::array<double, kBuckets> happened_{};
  std::int64_t bucket_ = 0;
  double observed_ = 0;  // seconds with a known rate since the start
  std::optional<MonoTime> last_, rising_since_;
  Finding finding_{.reason = "too few readings"};
};

constexpr ParamSpec kParams[] = {
    {"limit", Unit::per_second, 1, 0, 1e18, "fires when the mean over the window is above this"},
    {"margin", Unit::per_second, 0, 0, 1e18, "clears when the mean is at least this far below the limit"},
    {"window", Unit::seconds, 60, 1, 86400, "how long the mean looks back"},
};

std::unique_ptr<Detector> make(std::span<const double> values) { return std::make_unique<RateAbove>(values); }

}  // namespace

const DetectorInfo rate_above{"rate_above", "more than so many per second over a window; score: the mean rate", kParams,
                              make};

}  // namespace hostmedic::detect
