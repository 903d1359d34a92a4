// SPDX-License-Identifier: Apache-2.0
// What a class remembers, listed once and used for both ways. A class that can be kept has
//   template <class Self> static auto fields(Self& self) { return std::tie(self.a_, self.b_); }
// and, where a number that is not what it can be would lead astray, bool sane() const. Numbers, enumerations, times,
// optionals and arrays of these, and other classes with fields(), are kept as they are.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <tuple>
#include <type_traits>

#include "agent/base/time.h"
#include "detect/model/state_codec.h"

namespace hostmedic::detect {

template <class T>
concept Kept = requires(T& value) { T::fields(value); };
template <class T>
concept Checked = requires(const T& value) { value.sane(); };

template <class T>
void save_fields(StateWriter& writer, const T& value) {
  if constexpr (Kept<T>) {
    std::apply([&](const auto&... each) { (save_fields(writer, each), ...); }, T::fields(value));
  } else if constexpr (std::is_enum_v<T>) {
    writer.put(static_cast<std::underlying_type_t<T>>(value));
  } else {
    writer.put(value);
  }
}
inline void save_fields(StateWriter& writer, const bool& value) { writer.put(static_cast<std::uint8_t>(value)); }
inline void save_fields(StateWriter& writer, const MonoTime& value) { writer.put(to_ns(value)); }
inline void save_fields(StateWriter& writer, const Duration& value) { writer.put(to_ns(value)); }
template <class T>
void save_fields(StateWriter& writer, const std::optional<T>& value) {
  save_fields(writer, value.has_value());
  if (value) save_fields(writer, *value);
}
template <class T, std::size_t N>
void save_fields(StateWriter& writer, const std::array<T, N>& values) {
  for (const T& value : values) save_fields(writer, value);
}

// Enumerations have at most so many values; a class with a smaller one checks it in sane().
template <class T>
void load_fields(StateReader& reader, T& ret_value, bool& ret_sane) {
  if constexpr (Kept<T>) {
    std::apply([&](auto&... each) { (load_fields(reader, each, ret_sane), ...); }, T::fields(ret_value));
    if constexpr (Checked<T>) ret_sane = ret_sane && ret_value.sane();
  } else if constexpr (std::is_enum_v<T>) {
    ret_value = static_cast<T>(reader.get<std::underlying_type_t<T>>());
  } else {
    ret_value = reader.get<T>();
  }
}
inline void load_fields(StateReader& reader, bool& ret_value, bool& ret_sane) {
  const auto byte = reader.get<std::uint8_t>();
  ret_sane = ret_sane && byte <= 1;
  ret_value = byte != 0;
}
inline void load_fields(StateReader& reader, MonoTime& ret_value, bool& /*ret_sane*/) {
  ret_value = mono_from_ns(reader.get<std::int64_t>());
}
inline void load_fields(StateReader& reader, Duration& ret_value, bool& /*ret_sane*/) {
  ret_value = Duration(reader.get<std::int64_t>());
}
template <class T>
void load_fields(StateReader& reader, std::optional<T>& ret_value, bool& ret_sane) {
  bool there = false;
  load_fields(reader, there, ret_sane);
  ret_value.reset();
  if (!there) return;
  ret_value.emplace();
  load_fields(reader, *ret_value, ret_sane);
}
template <class T, std::size_t N>
void load_fields(StateReader& reader, std::array<T, N>& ret_values, bool& ret_sane) {
  for (T& value : ret_values) load_fields(reader, value, ret_sane);
}

// Takes over what save_fields() of the same version wrote. False and nothing changed when it is something else.
template <class T>
bool restore_fields(StateReader& reader, std::uint32_t version, T& value) {
  StateWriter before;
  save_fields(before, value);
  bool sane = reader.get<std::uint32_t>() == version;
  if (sane) load_fields(reader, value, sane);
  if (sane && reader.good()) return true;
  StateReader back(before.bytes());
  bool unused = true;
  load_fields(back, value, unused);
  return false;
}

}  // namespace hostmedic::detect
