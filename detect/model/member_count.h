// SPDX-License-Identifier: Apache-2.0
// How many members a plain struct has, so that a list of them is refused by the compiler when one is forgotten.
#pragma once

#include <cstddef>
#include <optional>

namespace hostmedic::detect {

namespace member_count {

// An optional takes what its value takes, so it needs one that is nothing but an optional.
struct AnyOptional {
  template <class T>
  operator std::optional<T>() const;
};
struct AnyOther {
  template <class T>
  operator T() const;
};

template <class T, class... Each>
consteval std::size_t count() {
  if constexpr (requires { T{Each{}..., AnyOther{}}; }) {
    return count<T, Each..., AnyOther>();
  } else if constexpr (requires { T{Each{}..., AnyOptional{}}; }) {
    return count<T, Each..., AnyOptional>();
  } else {
    return sizeof...(Each);
  }
}

}  // namespace member_count

// Of an aggregate without bases and without members that are plain arrays.
template <class T>
inline constexpr std::size_t kMembers = member_count::count<T>();

}  // namespace hostmedic::detect
