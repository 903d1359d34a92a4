// SPDX-License-Identifier: Apache-2.0
#include "probes/disk/mount_changes.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic {

MountAlarm::MountAlarm(int proc, const std::string& mountinfo)
    : table_(::openat(proc, mountinfo.c_str(), O_RDONLY | O_CLOEXEC)) {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event change{.events = EPOLLPRI, .data = {}};  // EPOLLERR comes with it unasked
  if (table_ && epoll && ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, table_.get(), &change) == 0) epoll_ = std::move(epoll);
}

Event mount_event(std::string_view action, EntityId entity, MonoTime at, const Filesystem& filesystem) {
  return {EventKind::mount_changed,
          entity,
          at,
          {{std::string(attr::kMountAction), std::string(action)},
           {std::string(attr::kMountSource), printable(filesystem.source, kMostEntityName)},
           {std::string(attr::kMountType), printable(filesystem.type, kMostAttributeKey)}}};
}

}  // namespace hostmedic
