// SPDX-License-Identifier: Apache-2.0
#include "agent/self/heap.h"

#include <malloc.h>

namespace hostmedic {

void keep_heap_small() {
#ifdef __GLIBC__
  constexpr int kLarge = 128 << 10, kSpare = 256 << 10;
  // Refused only for values out of range.
  (void)::mallopt(M_MMAP_THRESHOLD, kLarge);
  (void)::mallopt(M_TRIM_THRESHOLD, kSpare);
  (void)::mallopt(M_ARENA_MAX, 1);
#endif
}

}  // namespace hostmedic
