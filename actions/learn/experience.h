// SPDX-License-Identifier: Apache-2.0
// What came of treatments: for each (fingerprint of incidents, action) how often it helped and how often it did not,
// as a Beta posterior whose counts fade, so that old experience weighs less. Pure data of bounded size; the response
// asks it, the store keeps it. One owner.
//
// The mean of Beta(a, b) with the prior Beta(2, 1), an action of a runbook is believed to help rather than not, is
// (2 + helped) / (3 + helped + failed), where each past outcome counts 2^(-age / half-life). What is not known of a
// fingerprint is taken from the kind of incident, whose experience counts as at most so many outcomes.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/base/time.h"

namespace hostmedic {

// Faded counts as they were at `at`.
struct Record {
  double helped = 0, failed = 0;
  WallTime at;
  int supervised = 0;  // times in a row that it helped after a human had approved it
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.helped, self.failed, self.at, self.supervised);
  }
};

struct ExperienceRow {
  std::string subject;  // a fingerprint, or the kind of incident
  std::string action;
  Record record;
};

class Experience {
 public:
  static constexpr Duration kHalfLife = std::chrono::hours(24 * 30);
  static constexpr std::size_t kMostRows = 2048;  // the stalest goes
  // So many supervised successes in a row and so sure of the next one, and a higher tier is proposed.
  static constexpr int kProposeAfter = 8;
  static constexpr double kProposeAt = 0.85;

  // helped: the causing signals proved it. supervised: a human had approved it.
  void note(std::string_view fingerprint, std::string_view kind, std::string_view action, bool helped, bool supervised,
            WallTime at);
  // Expected share of success, 0..1.
  double expected(std::string_view fingerprint, std::string_view kind, std::string_view action, WallTime now) const;
  // What an order's confidence is multiplied by, 0.5..1: never above 1, and lower only for what failed.
  double trust(std::string_view fingerprint, std::string_view kind, std::string_view action, WallTime now) const;
  // Actions that have earned the proposal of a higher tier for incidents of a kind.
  std::vector<ExperienceRow> proposals(WallTime now) const;

  // For the store and a snapshot.
  std::vector<ExperienceRow> rows() const;
  void load(std::vector<ExperienceRow> rows);

 private:
  using Key = std::pair<std::string, std::string>;  // subject, action
  const Record* find(std::string_view subject, std::string_view action) const;
  void add(std::string_view subject, std::string_view action, bool helped, bool supervised, WallTime at);

  std::map<Key, Record> records_;

 public:
  template <class Self>
  static auto whole(Self& self) {
    return std::tie(self.records_);
  }
};

}  // namespace hostmedic
