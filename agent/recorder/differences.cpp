// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/differences.h"

#include <algorithm>
#include <set>

#include "agent/base/text.h"

namespace hostmedic {
namespace {

// What is sooner or later by less is the same.
constexpr Duration kSame = std::chrono::milliseconds(100);

std::string what_of(const PlayedIncident& incident) {
  return incident.last.kind + " of " + to_string(incident.last.root);
}

// "3s later"; empty when there is no difference to speak of.
std::string apart(WallTime recorded, WallTime other) {
  const Duration by = other - recorded;
  if (by > -kSame && by < kSame) return {};
  return format_duration(by < Duration{} ? -by : by) + (by < Duration{} ? " sooner" : " later");
}

// What the guard said last; empty: it was not asked.
std::string verdict_of(const PlayedIncident& incident) {
  const auto& timeline = incident.last.timeline;
  for (auto entry = timeline.rbegin(); entry != timeline.rend(); ++entry)
    if (entry->kind == TimelineKind::verdict) return entry->text;
  return {};
}

void compare_opening(const PlayedIncident& then, const PlayedIncident& with, std::vector<std::string>& ret_words) {
  if (const std::string by = apart(then.first_seen, with.first_seen); !by.empty())
    ret_words.push_back("would have opened " + by);
  if (then.last.severity != with.last.severity)
    ret_words.push_back("would have been of severity " + std::string(to_string(with.last.severity)) + ", not " +
                        std::string(to_string(then.last.severity)));
  if (then.last.suspicion != with.last.suspicion)
    ret_words.push_back(with.last.suspicion ? "would have stayed a suspicion"
                                            : "would have been more than a suspicion");
}

const PlayedOrder* same_order(const PlayedOrder& order, const PlayedIncident& among) {
  for (const PlayedOrder& other : among.orders)
    if (other.order.plan.action == order.order.plan.action && other.order.plan.target == order.order.plan.target)
      return &other;
  return nullptr;
}

void compare_orders(const PlayedIncident& then, const PlayedIncident& with, std::vector<std::string>& ret_words) {
  for (const PlayedOrder& order : then.orders) {
    const PlayedOrder* other = same_order(order, with);
    if (other == nullptr) {
      ret_words.push_back("would not have ordered: " + order.order.plan.what);
    } else if (const std::string by = apart(order.order.issued_at, other->order.issued_at); !by.empty()) {
      ret_words.push_back("would have ordered " + by + ": " + order.order.plan.what);
    }
  }
  for (const PlayedOrder& order : with.orders)
    if (same_order(order, then) == nullptr)
      ret_words.push_back("would have ordered: " + order.order.plan.what +
                          " (what it would have done is not known, nor what came after)");
  const std::string said = verdict_of(then), would_say = verdict_of(with);
  if (said != would_say)
    ret_words.push_back(would_say.empty() ? "the guard would not have been asked"
                                          : "the guard would have said: " + would_say);
}

void compare_end(const PlayedIncident& then, const PlayedIncident& with, std::vector<std::string>& ret_words) {
  const auto &closed = then.last.closed_at, &would_close = with.last.closed_at;
  if (closed && would_close) {
    if (const std::string by = apart(*closed, *would_close); !by.empty()) ret_words.push_back("would have ended " + by);
  } else if (closed || would_close) {
    ret_words.push_back(closed ? "would not have ended while it was recorded" : "would have ended");
  }
  if (then.last.state != with.last.state)
    ret_words.push_back("would have been " + std::string(to_string(with.last.state)) + " at the end, not " +
                        std::string(to_string(then.last.state)));
}

using Row = std::map<std::string, PlayedIncident>::value_type;

std::vector<const Row*> by_time(const std::map<std::string, PlayedIncident>& incidents) {
  std::vector<const Row*> rows;
  for (const Row& row : incidents) rows.push_back(&row);
  std::ranges::stable_sort(rows, {}, [](const Row* row) { return row->second.first_seen; });
  return rows;
}

}  // namespace

std::vector<WouldHave> differences(const std::map<std::string, PlayedIncident>& recorded,
                                   const std::map<std::string, PlayedIncident>& other) {
  std::vector<std::pair<WallTime, WouldHave>> found;
  std::set<const Row*> paired;
  const std::vector<const Row*> with = by_time(other);
  for (const Row* then : by_time(recorded)) {
    const auto same = std::ranges::find_if(with, [&](const Row* row) {
      return !paired.contains(row) && row->second.last.root == then->second.last.root &&
             row->second.last.kind == then->second.last.kind;
    });
    WouldHave one{then->first, what_of(then->second), {}};
    if (same == with.end()) {
      one.differences.push_back("would not have opened");
    } else {
      paired.insert(*same);
      compare_opening(then->second, (*same)->second, one.differences);
      compare_orders(then->second, (*same)->second, one.differences);
      compare_end(then->second, (*same)->second, one.differences);
    }
    if (!one.differences.empty()) found.emplace_back(then->second.first_seen, std::move(one));
  }
  for (const Row* row : with)
    if (!paired.contains(row))
      found.emplace_back(row->second.first_seen,
                         WouldHave{row->first, what_of(row->second), {"would have opened, which it did not"}});
  std::ranges::stable_sort(found, {}, &std::pair<WallTime, WouldHave>::first);
  std::vector<WouldHave> rows;
  for (auto& [at, one] : found)
    if (rows.size() < kMostWouldHave) rows.push_back(std::move(one));
  return rows;
}

}  // namespace hostmedic
