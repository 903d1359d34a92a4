// SPDX-License-Identifier: Apache-2.0
// Where the agent's store is: in the state directory, or, while that cannot be used, in memory: a small file in the run
// directory, which is a tmpfs that outlives a restart of the agent but no boot. What is kept there is a part of the
// truth (what the disk has is not known), so it is enough to see and to tell, and not to act. Worker thread, or before
// it works.
#pragma once

#include <string>
#include <string_view>

#include "agent/store/agent_store.h"

namespace hostmedic {

struct StorePlace {
  std::string disk, memory;  // files
  SpoolLimits spool = {};
};
inline constexpr Bytes kMostInMemory = mib(16);  // of incidents; and of what waits for delivery:
inline constexpr Bytes kMostSpooledInMemory = mib(4);

struct PlacedStore {
  AgentStore store;
  std::string no_disk;  // why it is in memory; empty: it is on disk
};

// What an earlier life kept in memory goes to the disk as soon as that can be used.
Result<PlacedStore> open_store(const StorePlace& place);

// How a store in memory gets to the disk.
enum class WayBack : std::uint8_t {
  none,
  here,         // the disk's store can be opened
  new_process,  // only this process's mount of the filesystem is read-only: a name space keeps what it was made with
};
// mountinfo: /proc/self/mountinfo. A broken file is moved aside, as by open_store().
WayBack way_back(const StorePlace& place, std::string_view mountinfo);

}  // namespace hostmedic
