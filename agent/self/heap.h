// SPDX-License-Identifier: Apache-2.0
// How the heap behaves in a program that runs for months.
#pragma once

namespace hostmedic {

// A large block is given back to the kernel when it is freed, whatever was large before, and all threads share one
// heap: what the models and recordings take for a moment, each few minutes, does not stay. Without it the C library
// raises its idea of "large" with each block it gives back, keeps the next ones, and small ones come to lie among them.
// Once, at the start, before there is a second thread. Nothing where the C library is another.
void keep_heap_small();

}  // namespace hostmedic
