// SPDX-License-Identifier: Apache-2.0
// Keeps what a program uses in memory, so that it can still act when the host has none left and swaps or drops pages.
#pragma once

#include "agent/base/result.h"

namespace hostmedic {

// From now on each page that is touched stays until it is given back; nothing is read ahead of its use, so the program
// takes no more than it did. What it may take at most is the business of its unit's MemoryMax=. Only where the limit
// of locked memory is infinite: below one, the first allocation past it would fail. Once, at the start; any thread.
Status lock_memory();

}  // namespace hostmedic
