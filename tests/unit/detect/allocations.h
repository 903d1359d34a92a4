// SPDX-License-Identifier: Apache-2.0
// How often this program allocates: counted by allocation_test.cpp, which replaces operator new.
#pragma once

#include <cstddef>

namespace hostmedic::test {

extern bool counting;
extern std::size_t allocations;

template <class Run>
std::size_t allocations_in(Run run) {
  const std::size_t before = allocations;
  counting = true;
  run();
  counting = false;
  return allocations - before;
}

}  // namespace hostmedic::test
