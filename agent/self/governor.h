// SPDX-License-Identifier: Apache-2.0
// Keeps the agent below its budget. It is told every ten seconds what all parts of the agent cost together and answers
// how much slower the probes shall look. One step at a time, in the order of kPaces: detail first, what is vital last;
// back again as soon as the need is gone, but more slowly each time that turned out too early. Pure; one owner.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/time.h"

namespace hostmedic {

struct Budget {
  double cpu = 0.01;  // of one core, averaged over a minute
  Bytes memory = mib(64);
};

// What intervals are multiplied by, by priority of the probe; 0: the probe is put away.
struct Pace {
  int vital = 1, useful = 1, detail = 1;
  bool operator==(const Pace&) const = default;
};
inline constexpr std::array<Pace, 6> kPaces{{{1, 1, 1}, {1, 1, 2}, {1, 2, 4}, {1, 4, 8}, {2, 8, 0}, {4, 0, 0}}};

class Governor {
 public:
  explicit Governor(Budget budget) : budget_(budget) {}

  struct Change {
    int level = 0;            // now; 0 is full speed
    std::string_view reason;  // "cpu", "memory" or "recovered"
    double cpu = 0;           // share of one core, over the last minute
    Bytes resident;
  };
  // cpu: used since any fixed point in time, falling only when a part was restarted. Calls are kPeriod apart; after a
  // longer gap the minute begins anew.
  std::optional<Change> observe(MonoTime now, Duration cpu, Bytes resident);
  int level() const { return level_; }
  const Pace& pace() const { return kPaces[static_cast<std::size_t>(level_)]; }
  // Share of one core over the last minute; nullopt before there was one.
  std::optional<double> cpu() const;

  static constexpr Duration kPeriod = std::chrono::seconds(10);
  static constexpr Duration kSettle = std::chrono::seconds(20);  // a step shows its effect only then
  static constexpr Duration kHold = std::chrono::minutes(2), kMostHold = std::chrono::minutes(30);

 private:
  struct Point {
    MonoTime at;
    Duration cpu{};
  };
  void remember(MonoTime now, Duration cpu);
  double share(std::size_t periods) const;
  std::optional<std::string_view> overspent(Bytes resident) const;
  Change step(int by, std::string_view reason, MonoTime now, Bytes resident);

  const Budget budget_;
  int level_ = 0;
  std::array<Point, 7> points_{};  // the last minute, newest first
  std::size_t known_ = 0;
  MonoTime stepped_at_;
  std::optional<MonoTime> calm_since_;
  Duration hold_ = kHold;
  bool went_back_ = false;  // the last step was one back
};

}  // namespace hostmedic
