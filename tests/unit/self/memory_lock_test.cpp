// SPDX-License-Identifier: Apache-2.0
#include "agent/self/memory_lock.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <string>

using namespace hostmedic;

TEST_CASE("memory is locked where nothing bounds it, and else it is said why not") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_MEMLOCK, &before) == 0);
  const Status first = lock_memory();
  (void)::munlockall();
  CHECK(first.has_value() == (before.rlim_cur == RLIM_INFINITY));
  // With a bound the next allocation past it would fail, so it is not tried at all.
  rlimit bounded = before;
  bounded.rlim_cur = 65536;
  if (before.rlim_max < bounded.rlim_cur) return;
  REQUIRE(::setrlimit(RLIMIT_MEMLOCK, &bounded) == 0);
  const Status second = lock_memory();
  REQUIRE(::setrlimit(RLIMIT_MEMLOCK, &before) == 0);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().message().find("LimitMEMLOCK") != std::string::npos);
}
