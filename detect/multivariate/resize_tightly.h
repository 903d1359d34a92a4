// SPDX-License-Identifier: Apache-2.0
// Pure; may allocate.
#pragma once

#include <cstddef>
#include <vector>

namespace hostmedic::detect {

// As resize(), with an eighth to spare at most: groups grow member by member, and doubling would leave up to half of
// the memory of each empty.
template <class T>
void resize_tightly(std::vector<T>& ret_values, std::size_t size, const T& value = {}) {
  if (size > ret_values.capacity()) ret_values.reserve(size + size / 8);
  ret_values.resize(size, value);
}

}  // namespace hostmedic::detect
