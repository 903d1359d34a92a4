// SPDX-License-Identifier: Apache-2.0
#include "actions/learn/experience.h"

#include <algorithm>
#include <cmath>

namespace hostmedic {
namespace {

constexpr double kPriorHelped = 2, kPriorFailed = 1;
constexpr double kKindWeight = 4;  // outcomes that the experience with a kind is worth for a fingerprint

// Counts of outcomes, faded to `now`. A clock that was set back makes nothing fresher.
struct Counts {
  double helped = 0, failed = 0;
};
Counts faded(const Record& record, WallTime now) {
  const double age = std::max(0.0, std::chrono::duration<double>(now - record.at).count());
  const double left = std::exp2(-age / std::chrono::duration<double>(Experience::kHalfLife).count());
  return {record.helped * left, record.failed * left};
}

}  // namespace

const Record* Experience::find(std::string_view subject, std::string_view action) const {
  const auto found = records_.find(Key(subject, action));
  return found == records_.end() ? nullptr : &found->second;
}

void Experience::add(std::string_view subject, std::string_view action, bool helped, bool supervised, WallTime at) {
  if (records_.size() >= kMostRows && find(subject, action) == nullptr)
    records_.erase(std::ranges::min_element(records_, {}, [](const auto& row) { return row.second.at; }));
  Record& record = records_[Key(subject, action)];
  const Counts counts = faded(record, at);
  record.helped = counts.helped + (helped ? 1 : 0);
  record.failed = counts.failed + (helped ? 0 : 1);
  record.at = std::max(record.at, at);
  if (!helped) {
    record.supervised = 0;
  } else if (supervised) {
    ++record.supervised;
  }
}

void Experience::note(std::string_view fingerprint, std::string_view kind, std::string_view action, bool helped,
                      bool supervised, WallTime at) {
  add(fingerprint, action, helped, supervised, at);
  add(kind, action, helped, supervised, at);
}

double Experience::expected(std::string_view fingerprint, std::string_view kind, std::string_view action,
                            WallTime now) const {
  double helped = kPriorHelped, failed = kPriorFailed;
  if (const Record* of_kind = find(kind, action)) {
    const Counts counts = faded(*of_kind, now);
    const double weight = std::min(1.0, kKindWeight / std::max(1e-9, counts.helped + counts.failed));
    helped += counts.helped * weight;
    failed += counts.failed * weight;
  }
  if (const Record* own = find(fingerprint, action)) {
    const Counts counts = faded(*own, now);
    helped += counts.helped;
    failed += counts.failed;
  }
  return helped / (helped + failed);
}

double Experience::trust(std::string_view fingerprint, std::string_view kind, std::string_view action,
                         WallTime now) const {
  constexpr double kPrior = kPriorHelped / (kPriorHelped + kPriorFailed);
  return std::clamp(expected(fingerprint, kind, action, now) / kPrior, 0.5, 1.0);
}

std::vector<ExperienceRow> Experience::proposals(WallTime now) const {
  std::vector<ExperienceRow> earned;
  for (const auto& [key, record] : records_)
    if (record.supervised >= kProposeAfter && expected(key.first, {}, key.second, now) >= kProposeAt)
      earned.push_back({key.first, key.second, record});
  return earned;
}

std::vector<ExperienceRow> Experience::rows() const {
  std::vector<ExperienceRow> all;
  for (const auto& [key, record] : records_) all.push_back({key.first, key.second, record});
  return all;
}

void Experience::load(std::vector<ExperienceRow> rows) {
  records_.clear();
  for (ExperienceRow& row : rows)
    if (records_.size() < kMostRows) records_[Key(std::move(row.subject), std::move(row.action))] = row.record;
}

}  // namespace hostmedic
