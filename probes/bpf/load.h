// SPDX-License-Identifier: Apache-2.0
// What every loader of BPF programs needs: whether it may begin, why the kernel said no, what the kernel's tracepoints
// hand over, and our own place in the host. Programs are chosen by tests of what the kernel has, never by its version.
// One thread; see load.cpp for what libbpf keeps per thread.
#pragma once

#include <linux/types.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "agent/base/result.h"
#include "probes/probe.h"

struct btf;

namespace hostmedic::bpf {

// An object of libbpf or of a skeleton with its destructor.
template <class T, auto Destroy>
struct Destroyer {
  void operator()(T* object) const { Destroy(object); }
};
template <class T, auto Destroy>
using Handle = std::unique_ptr<T, Destroyer<T, Destroy>>;

// First thing of every make(): catches libbpf's log for the errors below, and notes on disk that programs are attached
// (brake.h). Error unsupported: the roots are not those of the running host; denied: the brake is on.
Status begin(const ProbeContext& context);
// "not here, because WHY: ERROR (libbpf's first complaint)", code unsupported. error: an errno, 0 for none.
Error not_here(std::string_view why, int error);
// The same for the negative result of a skeleton's load.
Error load_error(int result);

// Entry 0 of a map into value.
Status read_only_entry(int map_fd, void* value);
// All rows of a hash map of at most `most`, and how many there were.
Result<std::uint32_t> read_rows(int map_fd, void* keys, void* values, std::uint32_t most);
// How many values a map has that keeps one per CPU.
std::size_t cpus();
// The sum of the only entry of such a map. T: a struct of __u64 and nothing else; room: cpus() of them.
template <class T>
Result<T> sum_per_cpu(int map_fd, std::span<T> room) {
  static_assert(sizeof(T) % sizeof(__u64) == 0 && std::is_trivially_copyable_v<T>);
  constexpr std::size_t kFields = sizeof(T) / sizeof(__u64);
  if (auto read = read_only_entry(map_fd, room.data()); !read) return std::move(read).error();
  std::array<__u64, kFields> sum{};
  for (const T& one : room) {
    const auto fields = std::bit_cast<std::array<__u64, kFields>>(one);
    for (std::size_t i = 0; i < kFields; ++i) sum[i] += fields[i];
  }
  return std::bit_cast<T>(sum);
}

// The kernel's description of its own types (BTF). Some MiB while it lives.
class KernelTypes {
 public:
  static Result<KernelTypes> load();
  // The types of a tracepoint's arguments, without the data pointer that comes first; nullopt if the kernel does not
  // have the tracepoint. A pointer is 'p', all else 'v'.
  std::optional<std::string> tracepoint_arguments(const char* name) const;

 private:
  struct Free {
    void operator()(btf* types) const;
  };
  explicit KernelTypes(btf* types) : types_(types) {}
  std::unique_ptr<btf, Free> types_;
};

// What task.bpf.h is told before loading: our control group root (version 2 alone, or beside version 1) and our pid
// namespace. 0: not known.
struct OwnPlace {
  std::uint64_t root_cgroup_id = 0;
  std::uint32_t pid_namespace_inum = 0;
};
OwnPlace own_place(const Roots& roots);

}  // namespace hostmedic::bpf
