// SPDX-License-Identifier: Apache-2.0
// Asks systemd what the units depend on, a few per turn, and tells it. One owner, the probe. One thread.
#pragma once

#include <string>

#include "probes/service/dependency_table.h"
#include "probes/service/mounts.h"
#include "probes/service/questions.h"

namespace hostmedic::service {

class DependencyWatch {
 public:
  explicit DependencyWatch(const Roots& roots);

  // The answer about a service itself.
  void on_service(const std::string& unit, ServiceDirectories directories, MonoTime now) {
    table_.on_service(unit, std::move(directories), now);
  }
  void on_reload() { table_.ask_again(); }
  void lose_contact();

  // Once per turn. bus: null without contact. knows(unit): it is loaded.
  template <class Knows>
  void step(sd_bus* bus, MonoTime now, Sink& sink, Knows knows) {
    now_ = now;
    for (int asked = 0; bus != nullptr && asked < kMostPerTurn && questions_.has_room(); ++asked) {
      const auto unit = table_.next_question(now, knows);
      if (!unit) break;
      (void)questions_.ask(bus, *unit, kUnitInterface);  // what could not be sent is asked after the next reload
    }
    table_.tell(now, sink, knows);
  }
  std::uint64_t take_left_out() { return table_.take_left_out(); }

 private:
  static constexpr int kMostPerTurn = 4;

  int take(const std::string& unit, sd_bus_message* message);

  DependencyTable table_;
  KnownMounts mounts_;
  Questions questions_;
  MonoTime now_;  // of the last turn
};

}  // namespace hostmedic::service
