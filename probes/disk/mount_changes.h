// SPDX-License-Identifier: Apache-2.0
// How the probe of filesystems hears that mounts changed, and how it tells. One thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/fd.h"
#include "probes/disk/select_mounts.h"
#include "probes/probe.h"

namespace hostmedic {

// Becomes readable when the kernel's table of mounts changes. Its own descriptor of the table, because each notices a
// change once; the kernel tells it as an exceptional condition, which an epoll turns into a readable one.
class MountAlarm {
 public:
  // mountinfo: below proc. What cannot be watched (a file of a fake root, an odd kernel) never rings.
  MountAlarm(int proc, const std::string& mountinfo);
  int fd() const { return epoll_.get(); }  // -1: cannot be watched

 private:
  Fd table_, epoll_;
};

// action: "mounted", "unmounted", "replaced" (by another device or type), "read_only", "read_write", "unreachable" (it
// does not answer for seconds), "reachable".
Event mount_event(std::string_view action, EntityId entity, MonoTime at, const Filesystem& filesystem);

}  // namespace hostmedic
