// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/http_programs.h"

#include <bpf/libbpf.h>
#include <fcntl.h>

#include <cerrno>

#include "http.skel.h"
#include "http_cgroup.skel.h"
#include "probes/bpf/load.h"

namespace hostmedic::bpf {
namespace {

template <class Skeleton>
HttpPrograms shared_with(std::shared_ptr<Skeleton> skeleton) {
  HttpPrograms programs;
  programs.services = bpf_map__fd(skeleton->maps.services);
  programs.counts = bpf_map__fd(skeleton->maps.counts);
  programs.sample_shift = &skeleton->bss->sample_shift;
  programs.ports = skeleton->bss->ports;
  programs.loaded = std::move(skeleton);
  return programs;
}

}  // namespace

Result<HttpPrograms> load_on_tracepoints(std::uint64_t root_cgroup_id) {
  const std::shared_ptr<http_bpf> skeleton(http_bpf__open(), http_bpf__destroy);
  if (!skeleton) return not_here("the programs cannot be opened", errno);
  skeleton->rodata->root_cgroup_id = root_cgroup_id;
  if (const int r = http_bpf__load(skeleton.get()); r != 0) return load_error(r);
  if (const int r = http_bpf__attach(skeleton.get()); r != 0) {
    return not_here("the kernel refused to attach the programs", -r);
  }
  return shared_with(skeleton);
}

Result<HttpPrograms> load_on_group(const Roots& roots, std::uint64_t root_cgroup_id) {
  // Beside version 1, or version 2 alone.
  Fd group(::openat(roots.sys.get(), "fs/cgroup/unified", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!group) group = Fd(::openat(roots.sys.get(), "fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!group || root_cgroup_id == 0) {
    return not_here("no tracepoint of this kernel may read packets, and it has no control groups of version 2", 0);
  }
  const std::shared_ptr<http_cgroup_bpf> skeleton(http_cgroup_bpf__open(), http_cgroup_bpf__destroy);
  if (!skeleton) return not_here("the programs cannot be opened", errno);
  skeleton->rodata->root_cgroup_id = root_cgroup_id;
  if (const int r = http_cgroup_bpf__load(skeleton.get()); r != 0) return load_error(r);
  for (const auto& [program, link] : {std::pair(skeleton->progs.on_receive, &skeleton->links.on_receive),
                                      std::pair(skeleton->progs.on_send, &skeleton->links.on_send)}) {
    *link = bpf_program__attach_cgroup(program, group.get());
    if (*link != nullptr) continue;
    if (errno != EPERM) return not_here("the kernel refused to attach the programs", errno);
    return make_error(
        ErrorCode::unsupported,
        "not here, because no tracepoint of this kernel may read packets, and programs of a control "
        "group need CAP_NET_ADMIN; /usr/share/hostmedic/examples/hostmedic-probe-net-admin.conf gives it");
  }
  return shared_with(skeleton);
}

}  // namespace hostmedic::bpf
