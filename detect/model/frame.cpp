// SPDX-License-Identifier: Apache-2.0
#include "detect/model/frame.h"

#include <array>

namespace hostmedic {

std::string_view to_string(EventKind kind) {
  static constexpr std::array<std::string_view, kEventKindCount> kKinds{
      "unit_state",      "process_exec", "process_exit",   "oom_kill",      "file_growth",      "probe_state",
      "samples_lost",    "agent_budget", "kernel_message", "mount_changed", "clock_step",       "hardware_fault",
      "fatal_signal",    "behaviour",    "listener",       "destination",   "filesystem_error", "unit_job",
      "container_state", "log_template", "check_state",    "certificate",   "change",           "relation",
  };
  const auto index = static_cast<std::size_t>(kind);
  return index < kKinds.size() ? kKinds[index] : "unknown";
}

std::string_view Event::get(std::string_view key) const {
  for (const Attribute& attribute : attributes)
    if (attribute.key == key) return attribute.value;
  return {};
}

void Frame::clear() {
  sequence = 0;
  mono = {};
  wall = {};
  first = false;
  entities.clear();
  series.clear();
  gone.clear();
  samples.clear();
  events.clear();
}

}  // namespace hostmedic
