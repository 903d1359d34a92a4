// SPDX-License-Identifier: Apache-2.0
// What people expect, as whole state.
#pragma once

#include "detect/calendar/calendar.h"
#include "detect/model/whole_state.h"

namespace hostmedic::detect {

template <>
inline constexpr auto kLast<ZoneRule::Change::Day> = ZoneRule::Change::Day::of_365_days;

template <>
struct Members<Cron> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.minutes, self.hours, self.days, self.months, self.weekdays, self.any_day, self.any_weekday);
  }
};
template <>
struct Members<ZoneRule::Change> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.kind, self.month, self.week, self.day, self.time);
  }
};
template <>
struct Members<ZoneRule> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.name, self.standard, self.summer, self.changes, self.begins, self.ends);
  }
};
template <>
struct Members<Schedule> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.cron, self.length, self.zone, self.from, self.until);
  }
};
template <>
struct Members<ExpectedEntry> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.name, self.entity, self.series, self.shadow, self.factor, self.schedule, self.by);
  }
};
template <>
struct Members<Expectation> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.shadow, self.factor);
  }
};

}  // namespace hostmedic::detect
