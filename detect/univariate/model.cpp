// SPDX-License-Identifier: Apache-2.0
#include "detect/univariate/model.h"

#include <algorithm>
#include <cmath>

#include "detect/feature/seasonal_profile.h"

namespace hostmedic::detect {

namespace {
constexpr double kSmooth = 10;  // seconds
constexpr double kCalm = 120;   // seconds of quiet that end a departure: at its edge it is one, not many
constexpr double kLetGo = 0.7;  // of the limit, below which a departure has ended
constexpr std::int64_t kDayNs = 86'400'000'000'000, kWeekNs = 7 * kDayNs;
constexpr std::int64_t kMondayNs = 4 * kDayNs;  // 1970-01-05, the first Monday since the epoch
constexpr std::int64_t kMostTime = std::int64_t{1} << 62;

double week_second_of(WallTime wall) {
  const std::int64_t into = ((to_ns(wall) - kMondayNs) % kWeekNs + kWeekNs) % kWeekNs;
  return static_cast<double>(into) * 1e-9;
}
bool possible(MonoTime at) { return to_ns(at) >= 0 && to_ns(at) < kMostTime; }
}  // namespace

bool Model::Common::sane() const {
  return (!last || possible(*last)) && (!value_at || possible(*value_at)) && possible(since) && possible(over_since) &&
         departure <= Departure::stuck && age >= 0 && week_second >= 0 && week_second <= SeasonalProfile::kWeek;
}

Finding Model::step(const Reading& reading) {
  if (restored_ && common_.last && reading.at <= *common_.last) rewind(reading.at);
  restored_ = false;
  if (common_.last && reading.at <= *common_.last) return finding_;  // late, or told twice
  common_.last = reading.at;
  if (!is_known(reading.value)) {
    common_.calm.unknown();
    common_.departed.unknown();
    return {.state = State::unknown, .reason = "no reading"};
  }
  const Moment now = moment(reading);
  Opinion opinion = judge(now);
  const double limit = habits_.limit * (common_.firing ? kLetGo : 1);
  const bool over = opinion.cannot_tell.empty() && opinion.score > limit;
  decide(now, over);
  name_departure(now, opinion);
  const Finding finding = finding_ = conclude(now, opinion);
  if (reading.learn) learn(now);
  common_.departed.step(now.at, common_.firing);
  if (habits_.adopt > 0 && common_.departed.held(seconds_of(habits_.adopt))) {
    adopt(now);
    common_.firing = false;
    common_.departed.reset();
    common_.settle = habits_.adopt;
  }
  return finding;
}

// After a restart of the host its clock began anew: the time that passed meanwhile is a gap of unknown length.
void Model::rewind(MonoTime at) {
  common_.last.reset();
  common_.value_at.reset();
  common_.anchored = false;
  common_.since = common_.over_since = at;
  common_.calm = {};
  common_.departed = {};
}

Moment Model::moment(const Reading& reading) {
  Moment now{.at = reading.at, .x = *reading.value};
  const double passed = common_.value_at ? to_seconds(reading.at - *common_.value_at) : 0;
  now.fresh = !common_.value_at || passed > kMostStep;
  now.elapsed = std::min(passed, kMostStep);
  common_.age += now.elapsed;
  now.age = common_.age;
  // The wall clock is asked once; from then on the other one tells the time, so that setting it moves no season.
  if (!common_.anchored) {
    if (reading.wall) common_.week_second = week_second_of(*reading.wall);
    common_.anchored = true;
  } else {
    common_.week_second = std::fmod(common_.week_second + passed, SeasonalProfile::kWeek);
  }
  now.week_second = common_.week_second;
  if (now.fresh) common_.smooth = now.x;
  common_.smooth += fade_share(now.elapsed, kSmooth) * (now.x - common_.smooth);
  now.smooth = common_.smooth;
  common_.value_at = reading.at;
  return now;
}

// Two of three readings begin it, two minutes without one end it.
void Model::decide(const Moment& now, bool over) {
  common_.settle = std::max(0.0, common_.settle - now.elapsed);
  if (over && !common_.over) common_.over_since = now.at;
  common_.over = over;
  common_.recent = static_cast<std::uint8_t>((common_.recent << 1 | (over ? 1 : 0)) & 7);
  if (now.fresh) common_.recent &= 1;
  const int hits = (common_.recent & 1) + (common_.recent >> 1 & 1) + (common_.recent >> 2);
  common_.calm.step(now.at, !over);
  const bool may = now.age >= habits_.warmup && common_.settle <= 0;
  if (!common_.firing && may && over && hits >= 2) {
    common_.firing = true;
    common_.since = common_.over_since;
  } else if (common_.firing && common_.calm.held(seconds_of(kCalm))) {
    common_.firing = false;
  }
}

// Named when it begins; of a jump it is said later whether it stays or moves on. Nothing else is taken back.
void Model::name_departure(const Moment& now, const Opinion& opinion) {
  common_.course.step(opinion.deviation, now.elapsed, common_.firing);
  Departure& departure = common_.departure;
  const Departure kind = common_.course.kind();
  if (!common_.firing) {
    departure = Departure::none;
  } else if (departure == Departure::none) {
    departure = opinion.departure == Departure::none ? kind : opinion.departure;
  } else if (departure == Departure::spike) {
    departure = kind;
  }
}

Finding Model::conclude(const Moment& now, const Opinion& opinion) {
  Finding finding{.score = opinion.told.value_or(opinion.score)};
  if (!common_.firing && (now.age < habits_.warmup || !opinion.cannot_tell.empty())) {
    finding.reason = opinion.cannot_tell.empty() ? "learning" : opinion.cannot_tell;
    return finding;
  }
  finding.expected = opinion.expected;
  finding.direction = opinion.direction;
  if (finding.direction == Direction::none)
    finding.direction = now.smooth >= opinion.expected ? Direction::above : Direction::below;
  if (!common_.firing) {
    finding.state = State::quiet;
    finding.reason = common_.settle > 0 ? "a new normal" : "usual";
    return finding;
  }
  finding.state = State::firing;
  // At the limit it is as likely noise as not.
  finding.probability = std::clamp(0.5 + 0.1 * (opinion.score / habits_.limit - 1), 0.4, 0.9);
  finding.since = common_.since;
  finding.departure = common_.departure;
  finding.reason = reason();
  return finding;
}

}  // namespace hostmedic::detect
