// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/unit_name.h"

#include <algorithm>

namespace hostmedic {

bool is_unit_name(std::string_view name) {
  constexpr std::size_t kMostUnitName = 255;
  if (name.empty() || name.size() > kMostUnitName || name.front() == '.') return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(":-_.\\@").find(c) != std::string_view::npos;
  });
}

bool is_unit_name(std::string_view name, std::string_view suffix) {
  return name.size() > suffix.size() && name.ends_with(suffix) && is_unit_name(name);
}

bool is_order_unit(std::string_view name) { return name.starts_with("hostmedic-order-"); }

bool is_followed_service(std::string_view name) { return is_unit_name(name, ".service") && !is_order_unit(name); }

}  // namespace hostmedic
