// SPDX-License-Identifier: Apache-2.0
// What is expected to be unusual: a backup each night, a sale, a load test. Says which entry covers a series now. Asked
// about the time once per frame, it looks at the schedules when a minute turns or a window begins or ends, and
// allocates nothing. Pure; one owner.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <vector>

#include "detect/calendar/cron.h"
#include "detect/calendar/zone_rule.h"
#include "detect/model/entity.h"
#include "detect/model/state_codec.h"

namespace hostmedic::detect {

inline constexpr std::size_t kMostExpected = 64;  // of the configuration, and as many that people add
inline constexpr double kMostFactor = 1e6;
inline constexpr Duration kLongestWindow = std::chrono::hours(24 * 31);

// When an entry holds: for `length` from each time of `cron` on, or once, from `from` to `until`.
struct Schedule {
  std::optional<Cron> cron = {};
  Duration length = {};  // at most kLongestWindow
  ZoneRule zone = {};
  WallTime from = {}, until = {};  // until is not part of it
  bool operator==(const Schedule&) const = default;

  // When the window that `at` lies in ends; nullopt: it lies in none.
  std::optional<WallTime> ends(WallTime at) const;
};

struct ExpectedEntry {
  std::string name;
  std::string entity = "*";  // pattern over to_string(entity)
  std::string series = "*";  // pattern over the name of the series
  bool shadow = false;       // what the series say opens nothing
  double factor = 1;         // else: up to so many times what is usual, or down to that part of it, is normal
  Schedule schedule = {};
  std::string by = {};  // who added it; empty: the configuration
  bool operator==(const ExpectedEntry&) const = default;
};
// "up to 10 times the usual http.* of service:shop*".
std::string describe(const ExpectedEntry& entry);

// What holds for one series now. Under any of them nothing is learnt from it.
struct Expectation {
  bool shadow = false;
  double factor = 1;  // 1: nothing is expected
  bool any() const { return shadow || factor > 1; }
  // The value is so near to what is usual that it is no departure.
  bool excuses(double value, double usual) const;
};

class Calendar {
 public:
  explicit Calendar(std::vector<ExpectedEntry> configured = {}) : configured_(std::move(configured)) {}
  // Replaces what people added.
  void set_once(std::vector<ExpectedEntry> entries);

  // True when other entries than before hold now.
  bool turn(WallTime now);
  Expectation of(const Entity& entity, std::string_view series);

  struct Now {
    const ExpectedEntry* entry;
    WallTime until;
  };
  // Whose window is open; valid until the next set_once() or turn().
  const std::vector<Now>& now() const { return now_; }
  // In words, of those that cover the entity: "load test: up to 10 times the usual http.* of *, until ..."; or empty.
  std::string context(const Entity& entity) const;
  // All of it, for a snapshot; load_whole() is for a calendar of the same configuration.
  void save_whole(StateWriter& writer) const;
  void load_whole(StateReader& reader);

 private:
  void look(const ExpectedEntry& entry, std::size_t number, WallTime at);

  std::vector<ExpectedEntry> configured_, once_;
  std::vector<Now> now_;
  std::bitset<2 * kMostExpected> open_;  // by their numbers, the configured ones first
  std::optional<WallTime> looked_;
  WallTime look_again_;
  std::string name_;  // of the entity that is asked about
};

}  // namespace hostmedic::detect
