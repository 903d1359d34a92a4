// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/load.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "agent/base/text.h"
#include "probes/bpf/brake.h"

namespace hostmedic::bpf {
namespace {

// libbpf says why it failed only in its log. The first complaint is the cause, the others follow from it.
thread_local std::string first_complaint;

[[gnu::format(printf, 2, 0)]] int take_log(libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN || !first_complaint.empty()) return 0;
  char line[512];
  const int size = std::vsnprintf(line, sizeof line, format, arguments);
  // Not being able to raise RLIMIT_MEMLOCK matters to no kernel that charges BPF memory to the control group.
  if (size <= 0 || std::string_view(line).find("RLIMIT_MEMLOCK") != std::string_view::npos) return 0;
  first_complaint = trim(line);
  return 0;
}

std::uint64_t inode(int dir, const char* path) {
  struct stat found{};
  return dir >= 0 && ::fstatat(dir, path, &found, 0) == 0 ? found.st_ino : 0;
}

}  // namespace

Status begin(const ProbeContext& context) {
  first_complaint.clear();
  libbpf_set_print(take_log);
  if (context.roots.root_path != "/") return not_here("the tree that is read is not the running host", 0);
  if (context.settings.state_dir.empty()) return ok();
  return hold_mark(context.settings.state_dir, boot_id(context.roots.proc.get()));
}

Error not_here(std::string_view why, int error) {
  std::string text = "not here, because ";
  text += why;
  if (error != 0) text += std::string(": ") + strerrordesc_np(error);
  if (!first_complaint.empty()) text += " (" + printable(first_complaint, 300) + ")";
  return make_error(ErrorCode::unsupported, std::move(text));
}

Error load_error(int result) {
  if (result != -EPERM) return not_here("the kernel refused the programs", -result);
  first_complaint.clear();  // libbpf guesses at memory limits
  return not_here("loading BPF programs needs CAP_BPF and CAP_PERFMON", EPERM);
}

std::size_t cpus() { return static_cast<std::size_t>(std::max(1, libbpf_num_possible_cpus())); }

Status read_only_entry(int map_fd, void* value) {
  const __u32 zero = 0;
  const int result = bpf_map_lookup_elem(map_fd, &zero, value);
  return result == 0 ? ok() : Status(errno_error(-result, "counts of the BPF programs"));
}

Result<std::uint32_t> read_rows(int map_fd, void* keys, void* values, std::uint32_t most) {
  __u32 count = most;
  std::uint64_t position = 0;  // where the next call would go on; one call reads all
  const int result = bpf_map_lookup_batch(map_fd, nullptr, &position, keys, values, &count, nullptr);
  if (result != 0 && result != -ENOENT) return errno_error(-result, "rows of a BPF map");  // ENOENT: that was all
  return count;
}

void KernelTypes::Free::operator()(btf* types) const { btf__free(types); }

Result<KernelTypes> KernelTypes::load() {
  btf* types = btf__load_vmlinux_btf();
  if (types == nullptr) return not_here("the kernel does not describe its types (BTF)", errno);
  return KernelTypes(types);
}

std::optional<std::string> KernelTypes::tracepoint_arguments(const char* name) const {
  const btf* types = types_.get();
  const int id = btf__find_by_name_kind(types, (std::string("btf_trace_") + name).c_str(), BTF_KIND_TYPEDEF);
  if (id < 0) return std::nullopt;
  const btf_type* type = btf__type_by_id(types, static_cast<__u32>(id));
  type = btf__type_by_id(types, type->type);                                           // the pointer
  if (type != nullptr && btf_is_ptr(type)) type = btf__type_by_id(types, type->type);  // the function
  if (type == nullptr || !btf_is_func_proto(type) || btf_vlen(type) < 1) return std::nullopt;
  std::string kinds;
  for (int i = 1; i < btf_vlen(type); ++i) {
    const int argument = btf__resolve_type(types, btf_params(type)[i].type);
    const btf_type* resolved = argument < 0 ? nullptr : btf__type_by_id(types, static_cast<__u32>(argument));
    kinds += resolved != nullptr && btf_is_ptr(resolved) ? 'p' : 'v';
  }
  return kinds;
}

OwnPlace own_place(const Roots& roots) {
  const int sys = roots.sys.get();
  const bool unified = inode(sys, "fs/cgroup/cgroup.controllers") != 0;
  const bool beside = !unified && inode(sys, "fs/cgroup/unified/cgroup.procs") != 0;
  OwnPlace place;
  if (unified || beside) place.root_cgroup_id = inode(sys, unified ? "fs/cgroup" : "fs/cgroup/unified");
  place.pid_namespace_inum = static_cast<std::uint32_t>(inode(roots.proc.get(), "self/ns/pid"));
  return place;
}

}  // namespace hostmedic::bpf
