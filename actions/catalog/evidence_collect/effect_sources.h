// SPDX-License-Identifier: Apache-2.0
// What is known of a target, put on a stage. Nothing of the host is changed. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "actions/catalog/evidence_collect/effect_stage.h"
#include "detect/model/entity.h"

namespace hostmedic {

struct EvidenceTarget {
  Entity entity;
  std::string unit;                      // of systemd; empty: none
  std::string container;                 // id; empty: none
  std::string group;                     // its control group, a path; empty: none
  std::vector<std::uint32_t> processes;  // at most kMostEvidenceProcesses, in the order of their numbers
  bool more_processes = false;
};
inline constexpr std::size_t kMostEvidenceProcesses = 64;

// proc: where procfs is mounted. Errors: not_found.
Result<EvidenceTarget> find_target(const Entity& entity, const std::string& proc);

// Processes with their tree, arguments, memory maps, open files and sockets, limits, waits, and hashes of what they
// run.
void collect_processes(const EvidenceTarget& target, const std::string& proc, Stage& stage);
// Files of the control group, properties of the unit without its environment, the journal, the engine's own view.
void collect_surroundings(const EvidenceTarget& target, std::uint64_t journal_seconds, Stage& stage);

}  // namespace hostmedic
