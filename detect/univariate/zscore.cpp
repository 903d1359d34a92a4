// SPDX-License-Identifier: Apache-2.0
// zscore: how far a value, and its change, depart from all that was seen for weeks. Running mean and variance with a
// long memory, a floor from the running range (so that it knows no scale and is silent on constants), and a prior on
// the variance while there is little history. The level is smoothed over ten seconds, the change is not.
#include <algorithm>
#include <cmath>

#include "detect/detectors.h"
#include "detect/feature/hold.h"
#include "detect/health/detector_state.h"
#include "detect/health/fields.h"

namespace hostmedic::detect {

namespace {

enum Param { limit, memory, warmup, adopt };

constexpr double kDeadZone = 3;       // deviations that count for nothing
constexpr double kFloor = 0.02;       // of the range: the least deviation that is worth a look
constexpr double kPrior = 0.2;        // of the range: deviation assumed before it is known
constexpr double kPriorFades = 3600;  // seconds
constexpr double kSmooth = 10;        // seconds
constexpr double kDrawIn = 1e-5;      // of the range, per reading
constexpr Duration kMostGap = std::chrono::seconds(60);

double square(double x) { return x * x; }
double excess(double deviations) { return std::pow(std::max(0.0, deviations - kDeadZone), 1.5); }

class ZScore final : public Detector {
 public:
  explicit ZScore(std::span<const double> values)
      : limit_(values[limit]),
        memory_(values[memory]),
        warmup_(seconds_of(values[warmup])),
        adopt_(seconds_of(values[adopt])) {}

  Finding step(const Reading& reading) override {
    if (restored_ && last_ && reading.at <= *last_) rewind(reading.at);
    restored_ = false;
    if (last_ && reading.at <= *last_) return finding_;
    if (!is_known(reading.value)) {
      shifted_.unknown();
      return {.state = State::unknown, .reason = "no reading"};
    }
    if (!begun_) {
      begun_ = true;
      base_ = *reading.value;  // kept apart, so that a small deviation of a large value is not rounded away
      start_ = since_ = reading.at;
    }
    const double x = *reading.value - base_;
    const bool fresh = !last_ || reading.at - *last_ > kMostGap;
    const double elapsed = fresh ? 1 : to_seconds(reading.at - *last_);
    if (fresh) smooth_ = previous_ = x;
    last_ = reading.at;
    smooth_ += (x - smooth_) * (1 - std::exp(-elapsed / kSmooth));

    const double age = to_seconds(reading.at - start_);
    const double range = high_ - low_;
    const double fade = std::exp(-age / kPriorFades);
    const double prior = fade * square(kPrior * range), noise = square(kFloor * range);
    double level = 0, change = 0;
    if (noise > 0) {  // 0 also where a range is too small to be squared
      level = std::abs(smooth_ - mean_) / std::sqrt((1 - fade) * variance_ + prior + noise);
      change = std::abs(x - previous_) / std::sqrt((1 - fade) * variance_change_ + prior + noise / 9);
    }
    const bool above = smooth_ >= mean_;
    const double expected = base_ + mean_;
    shifted_.step(reading.at, level > kDeadZone);
    if (reading.learn) learn(x, elapsed);
    previous_ = x;
    if (shifted_.held(adopt_)) {  // a new normal
      mean_ = smooth_;
      shifted_.reset();
    }
    decide(reading.at, excess(level) + excess(change), above, expected);
    return finding_;
  }

  std::size_t bytes_used() const override { return sizeof *this; }
  void save(StateWriter& writer) const override {
    writer.put(kVersion);
    save_fields(writer, *this);
  }
  bool load(StateReader& reader) override { return restored_ = restore_fields(reader, kVersion, *this); }
  void save_whole(StateWriter& writer) const override { put_members(writer, *this); }
  void load_whole(StateReader& reader) override { get_members(reader, *this); }

  bool sane() const {
    const auto possible = [](MonoTime at) { return std::abs(to_seconds(at.time_since_epoch())) < 4e9; };
    return seen_ >= 0 && variance_ >= 0 && variance_change_ >= 0 && recent_ < 8 && possible(start_) &&
           possible(since_) && possible(last_.value_or(MonoTime{})) && finding_.state <= State::firing;
  }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.base_, self.smooth_, self.previous_, self.mean_, self.variance_, self.variance_change_,
                    self.low_, self.high_, self.seen_, self.recent_, self.begun_, self.start_, self.since_, self.last_,
                    self.shifted_, self.finding_.state);
  }
  template <class Self>
  static auto whole(Self& self) {
    return std::tuple_cat(fields(self), std::tie(self.restored_, self.finding_));
  }

 private:
  static constexpr std::uint32_t kVersion = 1;

  // After a restart of the host its clock began anew. How old it is stays.
  void rewind(MonoTime at) {
    start_ = at - (*last_ - start_);
    last_.reset();
    since_ = at;
    shifted_ = {};
  }
  void learn(double x, double elapsed) {
    seen_ += elapsed;
    const double a = std::min(1.0, std::max(elapsed / memory_, elapsed / (seen_ + elapsed)));
    variance_ = (1 - a) * (variance_ + a * square(smooth_ - mean_));
    mean_ += a * (smooth_ - mean_);
    variance_change_ = (1 - a) * (variance_change_ + a * square(x - previous_));
    const double draw = kDrawIn * (high_ - low_);
    low_ = std::min(x, low_ + draw);
    high_ = std::max(x, high_ - draw);
  }

  void decide(MonoTime at, double score, bool above, double expected) {
    finding_.score = score;
    finding_.expected = expected;
    finding_.direction = above ? Direction::above : Direction::below;
    if (at - start_ < warmup_) {
      finding_.reason = "learning";
      return;
    }
    recent_ = static_cast<unsigned>((recent_ << 1 | (score > limit_ ? 1U : 0U)) & 7U);
    const int hits = static_cast<int>((recent_ & 1) + (recent_ >> 1 & 1) + (recent_ >> 2));
    const bool fires = finding_.state == State::firing ? hits > 0 : hits >= 2;  // 2 of 3 to start, 3 of 3 to end
    if (fires && finding_.state != State::firing) since_ = at;
    finding_.state = fires ? State::firing : State::quiet;
    // At the limit it is as likely noise as not.
    finding_.probability = fires ? std::min(0.9, 0.5 + 0.1 * (score / limit_ - 1)) : 0;
    finding_.since = since_;
    finding_.reason = fires ? "far from what is usual" : "usual";
  }

  const double limit_, memory_;
  const Duration warmup_, adopt_;
  double base_ = 0, smooth_ = 0, previous_ = 0;
  double mean_ = 0, variance_ = 0, variance_change_ = 0, low_ = 0, high_ = 0;
  double seen_ = 0;  // seconds
  unsigned recent_ = 0;
  bool begun_ = false, restored_ = false;
  MonoTime start_, since_;
  std::optional<MonoTime> last_;
  Hold shifted_;
  Finding finding_;
};

constexpr ParamSpec kParams[] = {
    {"limit", Unit::count, 5.2, 0.1, 1e6,
     "fires when (z - 3)^1.5, summed over level and change, is above this for 2 of 3 readings"},
    {"memory", Unit::seconds, 14 * 86400, 60, 365 * 86400, "how long the past counts"},
    {"warmup", Unit::seconds, 3600, 0, 30 * 86400, "learns in silence for this long"},
    {"adopt", Unit::seconds, 86400, 60, 30 * 86400, "a shift that lasts this long is the new normal"},
};

std::unique_ptr<Detector> make(std::span<const double> values) { return std::make_unique<ZScore>(values); }

}  // namespace

const DetectorInfo zscore{"zscore", "far from what is usual for this series; score: excess deviations", kParams, make,
                          true};

}  // namespace hostmedic::detect
