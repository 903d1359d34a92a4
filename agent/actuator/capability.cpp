// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/capability.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

namespace hostmedic {
namespace {
constexpr std::pair<std::string_view, int> kKnown[] = {
    {"CAP_CHOWN", CAP_CHOWN},                      //
    {"CAP_DAC_OVERRIDE", CAP_DAC_OVERRIDE},        //
    {"CAP_FOWNER", CAP_FOWNER},                    //
    {"CAP_KILL", CAP_KILL},                        //
    {"CAP_LEASE", CAP_LEASE},                      //
    {"CAP_SETGID", CAP_SETGID},                    //
    {"CAP_SETUID", CAP_SETUID},                    //
    {"CAP_NET_ADMIN", CAP_NET_ADMIN},              //
    {"CAP_SYS_ADMIN", CAP_SYS_ADMIN},              //
    {"CAP_SYS_PTRACE", CAP_SYS_PTRACE},            //
    {"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH},  //
    {"CAP_SYS_NICE", CAP_SYS_NICE},                //
    {"CAP_FSETID", CAP_FSETID},                    //
    {"CAP_SYS_CHROOT", CAP_SYS_CHROOT},            //
};
}

std::uint64_t capability_mask(std::span<const std::string> names) {
  std::uint64_t mask = 0;
  for (const std::string& name : names)
    for (const auto& [known, number] : kKnown)
      if (name == known) mask |= std::uint64_t{1} << number;
  return mask;
}

// uncovered: reached by every run of the small runner, but its counts end with the child
bool keep_capabilities(std::uint64_t mask) {
  // The bounding set first: dropping from it needs CAP_SETPCAP.
  for (int number = 0; number < 64; ++number) {
    if ((mask >> number & 1) != 0) continue;
    if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0 && errno != EINVAL && errno != EPERM) return false;
  }
  struct __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2]{};
  if (::syscall(SYS_capget, &header, data) != 0) return false;
  for (int half = 0; half < 2; ++half) {
    const auto wanted = static_cast<std::uint32_t>(mask >> (32 * half));
    data[half].permitted &= wanted;
    data[half].effective = data[half].permitted;
    data[half].inheritable = data[half].permitted;
  }
  return ::syscall(SYS_capset, &header, data) == 0 && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

}  // namespace hostmedic
