// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/surroundings.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "actions/guard/busy.h"
#include "agent/base/file.h"
#include "agent/base/text.h"

namespace hostmedic {

namespace {

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Whoever installs packages holds this lock, also while no program of a known name runs.
bool is_locked(const std::string& path) {
  const auto fd = open_at(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return false;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return ::fcntl(fd->get(), F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace

std::vector<std::string> busy_now(const BusyPaths& paths, std::span<const std::string> more) {
  std::vector<std::string> busy;
  const Directory directory(::opendir(paths.proc.c_str()), ::closedir);
  if (directory == nullptr) return {std::string(guard::kBusyUnknown) + " " + paths.proc + " cannot be read"};
  if (is_locked(paths.dpkg_lock)) busy.push_back("package-manager: the lock of dpkg is held");
  const auto mdstat = read_file(paths.proc + "/mdstat", kib(64));
  if (mdstat && guard::resyncs(*mdstat)) busy.push_back("raid-resync: /proc/mdstat tells of one");
  while (const dirent* entry = ::readdir(directory.get())) {
    if (busy.size() >= kMostBusy) break;
    if (!is_number(entry->d_name)) continue;
    const auto comm = read_file_at(::dirfd(directory.get()), std::string(entry->d_name) + "/comm", Bytes{64});
    if (!comm) continue;  // it ended meanwhile
    const std::string_view name = trim(*comm);
    const std::string_view kind = guard::busy_kind_of(name, more);
    if (!kind.empty()) busy.push_back(std::string(kind) + ": " + printable(name, 64) + ", pid " + entry->d_name);
  }
  return busy;
}

std::vector<Entity> related_of(ServiceManager& manager, const Entity& target) {
  std::vector<Entity> related;
  if (target.kind != EntityKind::service) return related;
  for (const std::string_view property :
       {"Requires", "Requisite", "BindsTo", "PartOf", "RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf"}) {
    const auto names = manager.names(target.name, property);
    if (!names) continue;
    for (const std::string& name : *names)
      // Targets, slices and mounts hold everything together; an order is never under way on them.
      if (related.size() < kMostRelated && name.ends_with(".service")) related.push_back({EntityKind::service, name});
  }
  return related;
}

}  // namespace hostmedic
