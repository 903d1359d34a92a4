// SPDX-License-Identifier: Apache-2.0
// exhaustion: when will this be full, if it goes on like this?
//
// The past is kept as a ladder of six windows of twelve points, each window four times as long as the one before: ten
// seconds to three hours for readings of one second. In each, the slope is the median of all pairwise slopes
// (Theil-Sen), which one outlier cannot move. A forecast counts when
//   - most pairwise slopes rise, and the newest part of the window rises as well: one step does neither;
//   - the rise already seen is in proportion to the way that is left: a fill of seconds is believed after a quarter of
//     the way, one of minutes only after as much again. So a small ripple high up does not alarm;
//   - the rise outweighs the recent falls: noise does not;
//   - it is steeper than, or has come above, the recent rises that fell back by themselves: a sawtooth does not.
#include <algorithm>
#include <array>
#include <cmath>

#include "detect/detectors.h"
#include "detect/feature/hold.h"
#include "detect/health/detector_state.h"
#include "detect/health/fields.h"

namespace hostmedic::detect {

namespace {

enum Param { full, floor_level, horizon, confidence, hold, hold_clear };

struct Point {
  double at;     // seconds since the first reading
  double level;  // rises towards full

  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.at, self.level);
  }
};

struct Trend {
  double slope = 0;     // per second
  double positive = 0;  // share of the pairwise slopes that rise
  double span = 0;      // seconds
  bool recent = false;  // the newest third rises too
  bool last = false;    // and so does the newest step

  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.slope, self.positive, self.span, self.recent, self.last);
  }
};

constexpr std::size_t kPoints = 12;
constexpr std::size_t kTiers = 6;
constexpr std::size_t kMostPairs = (kPoints + 1) * kPoints / 2;

// The newest points, oldest first.
class Window {
 public:
  void push(Point point) {
    if (count_ == kPoints) std::move(points_.begin() + 1, points_.end(), points_.begin());
    if (count_ < kPoints) ++count_;
    points_[count_ - 1] = point;
  }
  void clear() { count_ = 0; }
  std::span<const Point> points() const { return {points_.data(), count_}; }

  bool sane() const { return count_ <= kPoints; }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.points_, self.count_);
  }

 private:
  std::array<Point, kPoints> points_{};
  std::size_t count_ = 0;
};

Trend trend_of(std::span<const Point> points) {
  std::array<double, kMostPairs> slopes;
  std::size_t pairs = 0, rising = 0;
  for (std::size_t i = 0; i < points.size(); ++i)
    for (std::size_t j = i + 1; j < points.size(); ++j) {
      const double slope = (points[j].level - points[i].level) / (points[j].at - points[i].at);
      if (slope > 0) ++rising;
      slopes[pairs++] = slope;
    }
  const auto middle = slopes.begin() + static_cast<std::ptrdiff_t>(pairs / 2);
  std::nth_element(slopes.begin(), middle, slopes.begin() + static_cast<std::ptrdiff_t>(pairs));
  Trend trend;
  trend.slope = *middle;
  trend.positive = static_cast<double>(rising) / static_cast<double>(pairs);
  trend.span = points.back().at - points.front().at;
  const Point& third = points[points.size() - 1 - (points.size() + 2) / 3];
  const Point& newest = points.back();
  const Point& before = points[points.size() - 2];
  trend.recent = newest.level - third.level > 0.3 * trend.slope * (newest.at - third.at);
  trend.last = newest.level - before.level > 0.3 * trend.slope * (newest.at - before.at);
  return trend;
}

class Exhaustion final : public Detector {
 public:
  explicit Exhaustion(std::span<const double> values)
      : sign_(values[full] >= values[floor_level] ? 1 : -1),
        full_(sign_ * values[full]),
        floor_(sign_ * values[floor_level]),
        scale_(std::max(full_ - floor_, 1e-9)),
        horizon_(values[horizon]),
        confidence_(values[confidence]),
        hold_(seconds_of(values[hold])),
        hold_clear_(seconds_of(values[hold_clear])) {}

  Finding step(const Reading& reading) override {
    if (restored_ && last_ && reading.at <= *last_) forget();
    restored_ = false;
    if (last_ && reading.at <= *last_) return finding_;
    if (!is_known(reading.value)) {
      growing_.unknown();
      calm_.unknown();
      return {.state = State::unknown, .reason = "no reading"};
    }
    const Point now{last_ ? to_seconds(reading.at - start_) : 0, sign_ * *reading.value};
    if (!last_) start_ = reading.at;
    const bool fell = remember(now);
    last_ = reading.at;

    const std::optional<Trend> trend = now.level >= floor_ ? forecast(now) : std::nullopt;
    const bool firing = finding_.state == State::firing;
    const bool believed = firing ? trend.has_value() || at_the_end(now) : trend && convincing(now, *trend);
    growing_.step(reading.at, believed);
    calm_.step(reading.at, !believed);
    if (trend) best_ = *trend;
    if (firing && (fell || calm_.held(hold_clear_))) {
      finding_.state = State::quiet;
      growing_.reset();
    } else if (!firing && growing_.held(hold_)) {
      finding_.state = State::firing;
      since_ = start_ + seconds_of(low_at_);
    } else if (!firing && ++readings_ > kEnough) {
      finding_.state = State::quiet;
    }
    conclude(now);
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
    return possible(start_) && possible(since_) && possible(last_.value_or(MonoTime{})) && readings_ >= 0 &&
           std::abs(low_at_) < 4e9 && finding_.state <= State::firing;
  }
  template <class Self>
  static auto fields(Self& self) {
    return std::tie(self.windows_, self.start_, self.since_, self.last_, self.readings_, self.before_, self.falls_,
                    self.low_, self.low_at_, self.top_, self.top_at_, self.steepest_, self.tooth_top_,
                    self.tooth_slope_, self.tooth_until_, self.best_, self.growing_, self.calm_, self.finding_.state);
  }
  template <class Self>
  static auto whole(Self& self) {
    return std::tuple_cat(fields(self), std::tie(self.restored_, self.finding_));
  }

 private:
  static constexpr std::uint32_t kVersion = 1;

  // After a restart of the host its clock began anew, and what grew before is no trend of now.
  void forget() {
    for (Window& window : windows_) window.clear();
    last_.reset();
    readings_ = 0;
    falls_ = steepest_ = 0;
    tooth_until_ = -1;
    growing_ = calm_ = {};
    finding_ = {};
  }
  static constexpr int kEnough = 7;           // readings before "quiet" means something
  static constexpr double kNoiseMemory = 30;  // seconds
  static constexpr std::size_t kShort = 5;    // points of the shortest window
  static constexpr double kStepSpan = 15;     // seconds

  // Takes the point into the windows and the memory of falls. True if it fell back for real.
  bool remember(Point now) {
    bool fell = false;
    if (!last_) {
      low_ = top_ = now.level;
      low_at_ = top_at_ = now.at;
      before_ = now;
    }
    falls_ = falls_ * std::exp(-(now.at - before_.at) / kNoiseMemory) + std::max(0.0, before_.level - now.level);
    if (top_ - now.level > 0.25 * (top_ - low_) + 0.01 * scale_) {
      fell = true;
      note_tooth(now.at);
      for (Window& window : windows_) window.clear();
      low_ = top_ = now.level;
      low_at_ = top_at_ = now.at;
      steepest_ = 0;
    }
    if (now.level >= top_) top_ = now.level, top_at_ = now.at;
    low_ = std::min(low_, now.level);
    if (now.level <= low_ + 0.1 * (top_ - low_)) low_at_ = now.at;
    double spacing = 0;
    for (Window& window : windows_) {
      const auto points = window.points();
      if (points.empty() || now.at - points.back().at >= spacing) window.push(now);
      spacing = spacing == 0 ? 3.6 : spacing * 4;  // a little under 4 s, so that jitter skips no point
    }
    before_ = now;
    return fell;
  }

  // A rise ended in a fall. Rises no steeper and no higher are this series' habit for a while.
  void note_tooth(double at) {
    const bool fresh = at > tooth_until_;
    tooth_top_ = fresh ? top_ : std::max(tooth_top_, top_);
    tooth_slope_ = fresh ? steepest_ : std::max(tooth_slope_, steepest_);
    tooth_until_ = std::max(fresh ? 0 : tooth_until_, at + std::clamp(10 * (top_at_ - low_at_), 60.0, 3600.0));
  }

  // The most urgent trend that holds, over all windows. Weaker conditions apply while it fires already.
  std::optional<Trend> forecast(Point now) {
    std::optional<Trend> best;
    for (std::size_t tier = 0; tier < kTiers; ++tier) {
      const auto points = windows_[tier].points();
      if (tier == 0) consider(points.last(std::min(points.size(), kShort)), now, 4, best);
      consider(points, now, tier == 0 ? 8 : 6, best);
    }
    return best;
  }

  void consider(std::span<const Point> points, Point now, std::size_t least, std::optional<Trend>& best) {
    if (points.size() < least || points.size() > kPoints) return;
    std::array<Point, kPoints + 1> all;
    std::ranges::copy(points, all.begin());
    std::size_t count = points.size();
    if (points.back().at < now.at) all[count++] = now;
    // Cheap way out for what does not move: the slope cannot be so much steeper than the mean rise.
    const double risen = now.level - all[0].level, left = full_ - now.level;
    if (risen <= 0 || left > 8 * risen) return;

    const Trend trend = trend_of(std::span(all).first(count));
    const bool firing = finding_.state == State::firing;
    if (trend.slope <= 0 || !trend.recent || trend.positive < (firing ? 0.6 : confidence_)) return;
    // Over some seconds a step looks like a trend until it has stopped.
    if (!firing && !trend.last && trend.span < kStepSpan) return;
    const double to_full = std::max(0.0, left / trend.slope);
    const double reach = std::clamp(120 / std::max(to_full, 1.0), 1.0, 4.0);
    const double slack = firing ? 2 : 1;
    if (to_full > slack * horizon_ || to_full > slack * reach * trend.span) return;
    steepest_ = std::max(steepest_, trend.slope);
    if (!best || trend.slope > best->slope) best = trend;
  }

  bool convincing(Point now, const Trend& trend) const {
    const bool habit =
        now.at <= tooth_until_ && now.level <= tooth_top_ + 0.01 * scale_ && trend.slope <= 1.5 * tooth_slope_;
    return now.level - low_ >= falls_ && !habit;
  }

  // What is full grows no more and is not well for that.
  bool at_the_end(Point now) const { return now.level >= full_ - 0.02 * scale_; }

  void conclude(Point now) {
    finding_.direction = sign_ > 0 ? Direction::above : Direction::below;
    finding_.expected = sign_ * full_;
    finding_.since = since_;
    if (finding_.state != State::firing) {
      finding_.score = finding_.probability = 0;
      finding_.reason = finding_.state == State::quiet ? "no lasting growth towards full" : "too few readings";
      return;
    }
    const double left = std::max(0.0, full_ - now.level);
    finding_.score = best_.slope > 0 ? left / best_.slope : horizon_;
    const double seen = std::min(1.0, best_.span / std::max(finding_.score, 1.0));
    finding_.probability = std::min(1.0, best_.positive) * (0.8 + 0.15 * seen);
    finding_.reason = "full within the horizon at the present growth";
  }

  const double sign_, full_, floor_, scale_, horizon_, confidence_;
  const Duration hold_, hold_clear_;

  std::array<Window, kTiers> windows_;
  bool restored_ = false;
  MonoTime start_, since_;
  std::optional<MonoTime> last_;
  int readings_ = 0;
  Point before_{};
  double falls_ = 0;                                    // recent falls, summed, fading
  double low_ = 0, low_at_ = 0, top_ = 0, top_at_ = 0;  // of the present rise
  double steepest_ = 0;                                 // trend of the present rise
  double tooth_top_ = 0, tooth_slope_ = 0, tooth_until_ = -1;
  Trend best_;
  Hold growing_, calm_;
  Finding finding_;
};

constexpr ParamSpec kParams[] = {
    {"full", Unit::count, 1, -1e18, 1e18, "the level that is full, in the series' unit; 0 for an amount that is left"},
    {"floor", Unit::count, 0.5, -1e18, 1e18,
     "no forecast before this level; above full for an amount that falls towards full"},
    {"horizon", Unit::seconds, 600, 5, 604800, "fires when it will be full within this time"},
    {"confidence", Unit::ratio, 0.8, 0.5, 1, "share of the pairwise slopes that must rise"},
    {"hold", Unit::seconds, 0.8, 0, 86400, "the forecast must hold for this long to fire; 0.8: two readings of 1 s"},
    {"hold_clear", Unit::seconds, 2, 0, 86400, "there must be no forecast for this long to clear"},
};

std::unique_ptr<Detector> make(std::span<const double> values) { return std::make_unique<Exhaustion>(values); }

}  // namespace

const DetectorInfo exhaustion{"exhaustion", "will be full soon; score: seconds until it is", kParams, make};

}  // namespace hostmedic::detect
