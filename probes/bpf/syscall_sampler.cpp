// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/syscall_sampler.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agent/base/clock.h"
#include "probes/bpf/load.h"
#include "probes/bpf/record/syscall_errors.h"
#include "probes/bpf/syscall_kinds.h"
#include "probes/bpf/text.h"
#include "syscall_errors.skel.h"

namespace hostmedic::bpf {
namespace {

using Skeleton = Handle<syscall_errors_bpf, syscall_errors_bpf__destroy>;
using Link = Handle<bpf_link, bpf_link__destroy>;

}  // namespace

struct SyscallSampler::Loaded {
  Skeleton skeleton;
  Link link;  // while a window is open; before the program goes
};

SyscallSampler::SyscallSampler(std::unique_ptr<Loaded> loaded) : loaded_(std::move(loaded)) {}
SyscallSampler::~SyscallSampler() = default;

Result<std::unique_ptr<SyscallSampler>> SyscallSampler::make(const ProbeContext& context) {
  if (auto allowed = begin(context); !allowed) return std::move(allowed).error();
  const auto types = KernelTypes::load();
  if (!types) return types.error();
  if (types->tracepoint_arguments("sys_exit") != "pv") return not_here("the kernel does not trace system calls", 0);
  Skeleton skeleton(syscall_errors_bpf__open());
  if (!skeleton) return not_here("the programs cannot be opened", errno);
  const OwnPlace place = own_place(context.roots);
  skeleton->rodata->root_cgroup_id = place.root_cgroup_id;
  skeleton->rodata->pid_namespace_inum = place.pid_namespace_inum;
  std::ranges::copy(call_kinds(), skeleton->rodata->call_kind);
  std::ranges::copy(error_kinds(), skeleton->rodata->error_kind);
  if (const int r = syscall_errors_bpf__load(skeleton.get()); r != 0) return load_error(r);
  auto loaded = std::make_unique<Loaded>();
  loaded->skeleton = std::move(skeleton);
  return std::unique_ptr<SyscallSampler>(new SyscallSampler(std::move(loaded)));
}

Status SyscallSampler::start() {
  loaded_->link.reset(bpf_program__attach(loaded_->skeleton->progs.on_sys_exit));
  if (!loaded_->link) return not_here("the kernel refused to attach the program", errno);
  started_ = mono_now();
  return ok();
}

Result<FailureWindow> SyscallSampler::stop() {
  FailureWindow window;
  window.length = mono_now() - started_;
  loaded_->link.reset();
  // What still runs in the program may count once more; that is then part of the next window.
  const int map = bpf_map__fd(loaded_->skeleton->maps.failures);
  hm_failure_key key{}, next{};
  hm_failure failure{};
  bool more = bpf_map_get_next_key(map, nullptr, &next) == 0;
  while (more) {
    key = next;
    more = bpf_map_get_next_key(map, &key, &next) == 0;
    if (bpf_map_lookup_elem(map, &key, &failure) != 0 || bpf_map_delete_elem(map, &key) != 0) continue;
    const auto call = call_name(key.call), error = error_name(key.error);
    if (failure.ours == 0 || call.empty() || error.empty()) continue;
    window.failures.push_back({unit_of(failure.unit), call, error, failure.count});
  }
  window.dropped = loaded_->skeleton->bss->dropped;
  return window;
}

}  // namespace hostmedic::bpf
