// SPDX-License-Identifier: Apache-2.0
// above_for and below_for: a limit with a hold on both sides and hysteresis.
#include "detect/detectors.h"
#include "detect/feature/hold.h"
#include "detect/health/detector_state.h"

namespace hostmedic::detect {

namespace {

enum Param { limit, margin, hold, hold_clear };

class Threshold final : public Detector {
 public:
  // sign: +1 fires above, -1 fires below.
  Threshold(double sign, std::span<const double> values)
      : sign_(sign),
        limit_(values[limit]),
        margin_(values[margin]),
        hold_(seconds_of(values[hold])),
        hold_clear_(seconds_of(values[hold_clear])) {}

  Finding step(const Reading& reading) override {
    if (last_ && reading.at <= *last_) return finding_;
    if (!is_known(reading.value)) {
      over_.unknown();
      under_.unknown();
      return {.state = State::unknown, .reason = "no reading"};
    }
    last_ = reading.at;
    const double beyond = sign_ * (*reading.value - limit_);
    over_.step(reading.at, beyond > 0);
    under_.step(reading.at, beyond <= -margin_);

    State state = finding_.state;
    if (over_.held(hold_)) {
      state = State::firing;
      since_ = over_.since();
    } else if (state == State::firing ? under_.held(hold_clear_) : beyond <= 0) {
      state = State::quiet;
    }
    finding_ = {.state = state,
                .score = beyond,
                .probability = state == State::firing ? kProbability : 0,
                .expected = limit_,
                .direction = sign_ > 0 ? Direction::above : Direction::below,
                .reason = reason(state, beyond),
                .since = since_};
    return finding_;
  }

  std::size_t bytes_used() const override { return sizeof *this; }
  void save_whole(StateWriter& writer) const override { put_members(writer, *this); }
  void load_whole(StateReader& reader) override { get_members(reader, *this); }
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.over_, self.under_, self.since_, self.last_, self.finding_);
  }

 private:
  // A held limit is a fact; what is uncertain is whether it matters. The rule's weight says that.
  static constexpr double kProbability = 0.9;

  static std::string_view reason(State state, double beyond) {
    if (state == State::firing) return beyond > 0 ? "held beyond the limit" : "not yet held back inside the limit";
    return beyond > 0 ? "beyond the limit, not yet held" : "inside the limit";
  }

  const double sign_, limit_, margin_;
  const Duration hold_, hold_clear_;
  Hold over_, under_;
  MonoTime since_;
  std::optional<MonoTime> last_;
  Finding finding_;
};

constexpr double kAnyLimit = 1e18;
constexpr ParamSpec kAboveParams[] = {
    {"limit", Unit::count, 0.9, -kAnyLimit, kAnyLimit, "fires while the value stays above this, in the series' unit"},
    {"margin", Unit::count, 0, 0, kAnyLimit, "clears when it is at least this far below the limit"},
    {"hold", Unit::seconds, 30, 0, 86400, "must stay above for this long to fire"},
    {"hold_clear", Unit::seconds, 5, 0, 86400, "must stay below for this long to clear"},
};
constexpr ParamSpec kBelowParams[] = {
    {"limit", Unit::count, 0.1, -kAnyLimit, kAnyLimit, "fires while the value stays below this, in the series' unit"},
    {"margin", Unit::count, 0, 0, kAnyLimit, "clears when it is at least this far above the limit"},
    {"hold", Unit::seconds, 30, 0, 86400, "must stay below for this long to fire"},
    {"hold_clear", Unit::seconds, 5, 0, 86400, "must stay above for this long to clear"},
};

std::unique_ptr<Detector> make_above(std::span<const double> values) { return std::make_unique<Threshold>(1, values); }
std::unique_ptr<Detector> make_below(std::span<const double> values) { return std::make_unique<Threshold>(-1, values); }

}  // namespace

const DetectorInfo above_for{"above_for", "the value stays above a limit; score: how far above", kAboveParams,
                             make_above};
const DetectorInfo below_for{"below_for", "the value stays below a limit; score: how far below", kBelowParams,
                             make_below};

}  // namespace hostmedic::detect
