// SPDX-License-Identifier: Apache-2.0
// The timers of systemd, and which of them did not run: one that failed will start nothing any more, and one that waits
// although its time has passed was missed. No D-Bus in here. One owner, the probe; not synchronised.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "probes/probe.h"
#include "probes/service/unit_table.h"

namespace hostmedic::service {

// Properties of org.freedesktop.systemd1.Timer; nullopt: not known. A time of 0 or of all bits: none.
struct TimerFacts {
  std::optional<std::string> triggers;  // the unit that it starts
  std::optional<std::uint64_t> next_realtime_us, next_monotonic_us, last_trigger_us, accuracy_us;
  void merge(const TimerFacts& newer);
};

// Both clocks that timers use.
struct TimerClock {
  std::uint64_t realtime_us = 0, monotonic_us = 0;
};
TimerClock timer_clock();  // as it is now

class TimerTable {
 public:
  // Beyond its accuracy a timer is given this long, for a host that is busy or was asleep.
  static constexpr std::uint64_t kGraceUs = 60'000'000;

  explicit TimerTable(std::size_t most_timers = 256) : most_timers_(most_timers) {}

  // All loaded units, of which the timers are taken. With initial set a timer found failed is told.
  void on_list(std::span<const ListedUnit> units, bool initial, MonoTime now, Sink& sink);
  // A signal of the Unit interface; empty: not carried.
  void on_unit(std::string_view name, std::string_view active_state, std::string_view sub_state, MonoTime now,
               Sink& sink);
  void on_timer(std::string_view name, const TimerFacts& changed);  // a signal of the Timer interface
  // The answer to a question, or nullopt if there was none. An answer that confirms a missed run is told.
  void on_facts(std::string_view name, const std::optional<TimerFacts>& facts, TimerClock clock, MonoTime now,
                Sink& sink);
  void on_removed(std::string_view name);

  // Looks for timers whose time has passed. Each is asked about before it is told, so that nothing rests on a signal
  // that was lost.
  void check(TimerClock clock);
  std::optional<std::string> next_question();
  void lose_contact();

  std::size_t size() const { return timers_.size(); }
  std::uint64_t take_refused() { return std::exchange(refused_, 0); }

 private:
  struct Timer {
    std::string active_state, sub_state;
    TimerFacts facts;
    bool asked = false;             // a question waits or is under way
    std::uint64_t told_for_us = 0;  // the time that was missed, told once
  };
  using Timers = std::map<std::string, Timer, std::less<>>;
  Timers::iterator add(std::string_view name);
  void want(const std::string& name, Timer& timer);
  void change(const std::string& name, Timer& timer, std::string_view active_state, MonoTime now, Sink& sink);

  const std::size_t most_timers_;
  Timers timers_;
  std::deque<std::string> wanted_;
  std::uint64_t refused_ = 0;
};

}  // namespace hostmedic::service
