// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/store_place.h"

#include <unistd.h>

#include <algorithm>

#include "agent/base/log.h"
#include "probes/parse/mountinfo.h"

namespace hostmedic {
namespace {

// Tried again at the next start when it does not succeed.
void take_over(AgentStore& store, const std::string& memory) {
  if (::access(memory.c_str(), F_OK) != 0) return;
  if (const Status taken = store.take_over(memory); !taken)
    return log_error("what was kept in memory stays there: " + taken.error().message());
  for (const char* suffix : {"", "-wal", "-shm"}) (void)::unlink((memory + suffix).c_str());  // often not there
  log_notice("on disk again, with what was kept in memory");
}

bool holds(std::string_view mount_point, std::string_view path) {
  return path.starts_with(mount_point) &&
         (mount_point == "/" || path.size() == mount_point.size() || path[mount_point.size()] == '/');
}

}  // namespace

Result<PlacedStore> open_store(const StorePlace& place) {
  auto disk = AgentStore::open(place.disk, place.spool);
  if (disk) {
    take_over(*disk, place.memory);
    return PlacedStore{*std::move(disk), ""};
  }
  SpoolLimits limits = place.spool;
  limits.most = std::min(limits.most, kMostSpooledInMemory);
  auto memory = AgentStore::open(place.memory, limits);
  if (!memory) return std::move(disk).error().in("neither on disk nor in memory (" + memory.error().message() + ")");
  return PlacedStore{*std::move(memory), disk.error().message()};
}

WayBack way_back(const StorePlace& place, std::string_view mountinfo) {
  if (const auto disk = AgentStore::open(place.disk, place.spool)) {
    if (!disk->quarantined().empty()) log_error("the store was broken and a new one was begun: " + disk->quarantined());
    return WayBack::here;
  }
  const auto mounts = parse_mountinfo(mountinfo);
  if (!mounts) return WayBack::none;
  // The longest that holds it, and of those the last, which lies on the others.
  const Mount* at = nullptr;
  for (const Mount& mount : *mounts)
    if (holds(mount.mount_point, place.disk) && (at == nullptr || mount.mount_point.size() >= at->mount_point.size()))
      at = &mount;
  return at != nullptr && at->read_only && !at->filesystem_read_only ? WayBack::new_process : WayBack::none;
}

}  // namespace hostmedic
