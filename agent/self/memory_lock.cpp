// SPDX-License-Identifier: Apache-2.0
#include "agent/self/memory_lock.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <cerrno>

namespace hostmedic {

Status lock_memory() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return errno_error(errno, "limit of locked memory");
  if (limit.rlim_cur != RLIM_INFINITY)
    return make_error(ErrorCode::unsupported, "memory is not locked: LimitMEMLOCK= is not infinity here");
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) return errno_error(errno, "memory is not locked");
  return ok();
}

}  // namespace hostmedic
