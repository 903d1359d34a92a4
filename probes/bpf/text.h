// SPDX-License-Identifier: Apache-2.0
// Texts in what the programs hand over. Pure; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "agent/base/text.h"

namespace hostmedic::bpf {

// Up to the first zero; the whole field when there is none.
template <std::size_t size>
std::string_view text_of(const char (&field)[size]) {
  return {field, ::strnlen(field, size)};
}

// The name of a systemd unit that holds processes.
inline bool is_unit(std::string_view name) {
  if (!name.ends_with(".service") && !name.ends_with(".scope")) return false;
  return std::ranges::all_of(name, [](unsigned char c) { return c > ' ' && c < 0x7f && c != '/'; });
}

template <std::size_t size>
std::string unit_of(const char (&field)[size]) {
  const std::string_view name = text_of(field);
  return std::string(is_unit(name) ? name : std::string_view());
}

template <std::size_t size>
std::string printable_of(const char (&field)[size]) {
  return printable(text_of(field), size);
}

}  // namespace hostmedic::bpf
