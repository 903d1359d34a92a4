// SPDX-License-Identifier: Apache-2.0
#include "detect/calendar/calendar.h"

#include <algorithm>
#include <cmath>

#include "agent/base/text.h"

namespace hostmedic::detect {

namespace {

void append_name(const Entity& entity, std::string& ret_text) {
  ret_text.assign(to_string(entity.kind));
  if (entity.kind != EntityKind::host || !entity.name.empty()) ret_text.append(1, ':').append(entity.name);
}

}  // namespace

std::optional<WallTime> Schedule::ends(WallTime at) const {
  if (!cron) return at >= from && at < until ? std::optional(until) : std::nullopt;
  const auto start = last_start(*cron, zone, at - length, at);
  return start ? std::optional(*start + length) : std::nullopt;
}

std::string describe(const ExpectedEntry& entry) {
  return (entry.shadow ? std::string("anything from ") : strf("up to %g times the usual ", entry.factor)) +
         entry.series + " of " + entry.entity;
}

bool Expectation::excuses(double value, double usual) const {
  if (shadow) return true;
  if (factor <= 1 || (value < 0) != (usual < 0)) return false;
  const double seen = std::abs(value), normal = std::abs(usual);
  return seen <= normal * factor && seen >= normal / factor;
}

void Calendar::set_once(std::vector<ExpectedEntry> entries) {
  once_ = std::move(entries);
  now_.clear();
  looked_.reset();
}

bool Calendar::turn(WallTime now) {
  if (looked_ && now >= *looked_ && now < look_again_) return false;
  const bool first = !looked_;
  const auto before = open_;
  looked_ = now;
  look_again_ = std::chrono::floor<std::chrono::minutes>(now) + std::chrono::minutes(1);
  now_.clear();
  now_.reserve(configured_.size() + once_.size());
  open_.reset();
  for (std::size_t i = 0; i < std::min(configured_.size(), kMostExpected); ++i) look(configured_[i], i, now);
  for (std::size_t i = 0; i < std::min(once_.size(), kMostExpected); ++i) look(once_[i], kMostExpected + i, now);
  return first || open_ != before;
}

void Calendar::look(const ExpectedEntry& entry, std::size_t number, WallTime at) {
  const auto until = entry.schedule.ends(at);
  if (until) now_.push_back({&entry, *until});
  open_.set(number, until.has_value());
  if (until) look_again_ = std::min(look_again_, *until);
  if (!entry.schedule.cron && entry.schedule.from > at) look_again_ = std::min(look_again_, entry.schedule.from);
}

Expectation Calendar::of(const Entity& entity, std::string_view series) {
  Expectation found;
  if (now_.empty()) return found;
  append_name(entity, name_);
  for (const Now& open : now_) {
    if (!glob_match(open.entry->series, series) || !glob_match(open.entry->entity, name_)) continue;
    found.shadow = found.shadow || open.entry->shadow;
    found.factor = std::max(found.factor, open.entry->factor);
  }
  return found;
}

std::string Calendar::context(const Entity& entity) const {
  std::string text;
  const std::string name = to_string(entity);
  for (const Now& open : now_) {
    if (!glob_match(open.entry->entity, name)) continue;
    if (!text.empty()) text += "; ";
    text += open.entry->name + ": " + describe(*open.entry) + ", until " + format_utc(open.until);
  }
  return text;
}

}  // namespace hostmedic::detect
