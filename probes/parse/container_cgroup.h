// SPDX-License-Identifier: Apache-2.0
// The container that a control group belongs to, from the group's path. Pure; any thread.
#pragma once

#include <string_view>

namespace hostmedic {

struct ContainerGroup {
  std::string_view id;      // 64 hexadecimal digits, as the engine prints it in full; empty: no container
  std::string_view engine;  // what stands before the id: "docker", "libpod", "crio", "cri-containerd"; may be empty
};

// path: with or without the slash at its start, of version 2 or of any hierarchy of version 1. Known are the scopes of
// systemd ("system.slice/docker-ID.scope", "kubepods.slice/.../cri-containerd-ID.scope") and the plain groups of the
// cgroupfs driver ("docker/ID", "kubepods/burstable/podUID/ID", "libpod_parent/libpod-ID"). For a container within a
// container it is the outer one, which this host's engine knows. The monitor of a container (conmon) is outside of it.
// The texts lie inside path. Not known: LXC and systemd-nspawn, whose groups carry a name and no id.
ContainerGroup parse_container_cgroup(std::string_view path);

// The container of a process, from /proc/PID/cgroup: of the first hierarchy that has one.
ContainerGroup parse_process_container(std::string_view text);

}  // namespace hostmedic
