// SPDX-License-Identifier: Apache-2.0
// Which units still have to be asked for their dependencies, and what was told of them. A unit is asked about once when
// it has been there for a moment (most that end at once have nothing to tell) and again after a reload. No D-Bus in
// here. One owner, the probe; not synchronised.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "probes/service/dependencies.h"
#include "probes/source/relations.h"

namespace hostmedic::service {

class DependencyTable {
 public:
  static constexpr Duration kDelay = std::chrono::seconds(2);
  static constexpr std::size_t kMostRelations = 2048;
  static constexpr std::size_t kMostUnits = 1000;

  // The service's own properties arrived: what they say of directories, and that it is there.
  void on_service(const std::string& unit, ServiceDirectories directories, MonoTime now);
  // The answer to a question.
  void on_dependencies(const std::string& unit, const UnitDependencies& dependencies,
                       const FilesystemOf& filesystem_of);
  // All may be different: after a reload, or without contact. What is there is asked about again as its properties
  // arrive.
  void ask_again();

  // The next unit to ask about, once. knows(unit): it is loaded; to ask about another would load it.
  template <class Knows>
  std::optional<std::string> next_question(MonoTime now, Knows knows) {
    while (!waiting_.empty() && now - waiting_.front().since >= kDelay) {
      std::string unit = std::move(waiting_.front().unit);
      waiting_.pop_front();
      if (knows(unit)) return unit;
      directories_.erase(unit);
    }
    return std::nullopt;
  }
  // Once per turn.
  template <class Knows>
  void tell(MonoTime now, Sink& sink, Knows knows) {
    const bool full = book_.full() || directories_.size() >= kMostUnits;
    if (now - swept_at_ >= (full ? std::chrono::minutes(1) : std::chrono::hours(1))) {
      swept_at_ = now;
      book_.forget_if([&](const Entity& unit) { return !knows(unit.name); });
      std::erase_if(directories_, [&](const auto& one) { return !knows(one.first); });
    }
    book_.tell(now, sink, [&](const Entity& unit) { return knows(unit.name); });
  }
  std::uint64_t take_left_out() { return book_.take_left_out(); }

 private:
  struct Waiting {
    std::string unit;
    MonoTime since;
  };
  RelationBook book_{kMostRelations};
  std::map<std::string, ServiceDirectories> directories_;  // of units that were asked about or wait to be
  std::deque<Waiting> waiting_;
  MonoTime swept_at_;  // when units that are no longer loaded were forgotten
};

}  // namespace hostmedic::service
