// SPDX-License-Identifier: Apache-2.0
// Numbered instances of a template unit. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hostmedic {

inline constexpr std::uint64_t kMostInstances = 32;

struct Instance {
  std::string prefix;        // "worker@"
  std::uint64_t number = 0;  // of "worker@3.service"; at most 9999
};
std::optional<Instance> instance_of(std::string_view unit);
std::string name_of(const Instance& instance);

}  // namespace hostmedic
