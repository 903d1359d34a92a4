// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/rights.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <memory>

#include "agent/base/fd.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "probes/source/worker.h"

namespace hostmedic::bpf {
namespace {

// Sets of the calling thread; the kernel knows no other.
struct Sets {
  std::array<__user_cap_data_struct, 2> data{};

  static constexpr unsigned kNumbers[] = {CAP_BPF, CAP_PERFMON};
  bool read() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    return ::syscall(SYS_capget, &header, data.data()) == 0;
  }
  bool write() const {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    return ::syscall(SYS_capset, &header, data.data()) == 0;
  }
  bool permitted(unsigned number) const { return (data[number / 32].permitted >> number % 32 & 1) != 0; }
  void clear_effective() {
    for (const unsigned number : kNumbers) data[number / 32].effective &= ~(1U << number % 32);
  }
  void clear() {
    clear_effective();
    for (const unsigned number : kNumbers) {
      data[number / 32].permitted &= ~(1U << number % 32);
      data[number / 32].inheritable &= ~(1U << number % 32);  // and the kernel takes it from the ambient set
    }
  }
};

// Without libbpf, which is not linked by every program that runs probes.
int call_bpf(bpf_cmd command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}
Fd make_map() {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_ARRAY;
  attributes.key_size = sizeof(__u32);
  attributes.value_size = sizeof(__u64);
  attributes.max_entries = 1;
  return Fd(call_bpf(BPF_MAP_CREATE, attributes));
}
bool reads(const Fd& map) {
  const __u32 first = 0;
  __u64 value = 0;
  bpf_attr attributes{};
  attributes.map_fd = static_cast<__u32>(map.get());
  attributes.key = reinterpret_cast<std::uintptr_t>(&first);
  attributes.value = reinterpret_cast<std::uintptr_t>(&value);
  return call_bpf(BPF_MAP_LOOKUP_ELEM, attributes) == 0;
}

// Both may run in a signal handler: system calls and nothing else.
bool drop_here() {
  Sets sets;
  if (!sets.read()) return false;
  sets.clear();
  return sets.write();
}
void on_signal(int /*number*/) {
  const int kept = errno;
  (void)drop_here();  // there is nobody to tell; the next look at /proc shows it
  errno = kept;
}

Status tell_other_threads(int proc) {
  struct sigaction action{};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  if (::sigaction(drop_rights_signal(), &action, nullptr) != 0) return errno_error(errno, "sigaction");
  const pid_t self = ::getpid(), here = static_cast<pid_t>(::syscall(SYS_gettid));
  auto opened = open_at(proc, "self/task", O_RDONLY | O_DIRECTORY);
  if (!opened) return std::move(opened).error();
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(::fdopendir(opened->get()));
  if (!directory) return errno_error(errno, "the list of threads");
  (void)opened->release();  // the stream closes it
  while (const dirent* entry = ::readdir(directory.get())) {
    const auto thread = parse_u64(entry->d_name);
    if (!thread || static_cast<pid_t>(*thread) == here) continue;
    // One that ended meanwhile has nothing left to give back.
    if (::syscall(SYS_tgkill, self, static_cast<pid_t>(*thread), drop_rights_signal()) != 0 && errno != ESRCH)
      return errno_error(errno, "tgkill");
  }
  return ok();
}

Status kept(const char* why, int error) {
  return make_error(ErrorCode::unsupported, std::string(why) + ": " + strerrordesc_np(error));
}

}  // namespace

bool holds_rights() {
  Sets sets;
  return sets.read() && !sets.permitted(CAP_SYS_ADMIN) && (sets.permitted(CAP_BPF) || sets.permitted(CAP_PERFMON));
}

Status give_back_rights(int proc) {
  const Fd map = make_map();
  if (!map) return kept("no map to try it with can be made", errno);
  Sets before, without;
  if (!before.read()) return kept("the capabilities cannot be read", errno);
  without = before;
  without.clear_effective();
  if (!without.write()) return kept("the capabilities cannot be changed", errno);
  if (!reads(map)) {
    const int error = errno;
    (void)before.write();  // what was permitted before is permitted now
    return kept("this kernel wants them to read a map", error);
  }
  if (!drop_here()) return kept("the capabilities cannot be changed", errno);
  return tell_other_threads(proc);
}

}  // namespace hostmedic::bpf
