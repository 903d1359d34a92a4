// SPDX-License-Identifier: Apache-2.0
// Lets a model list what it remembers once, for save() and for load(): a function over fields, called with a writer or
// with a reader of them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>

#include "agent/base/time.h"
#include "detect/model/state_codec.h"

namespace hostmedic::detect {

struct FieldWriter {
  StateWriter& to;

  template <class Number>
  void one(const Number& value) {
    to.put(value);
  }
  template <class Numbers>
  void all(const Numbers& values) {
    to.put_all(std::span<const typename Numbers::value_type>(values));
  }
  // What must be the same on both sides, such as a setting.
  template <class Number>
  void same(const Number& value) {
    to.put(value);
  }
  // An index or a count, at most this.
  template <class Number>
  void at_most(const Number& value, std::size_t) {
    to.put(value);
  }
  void time(const std::optional<MonoTime>& at) { to.put(at ? to_ns(*at) : std::int64_t{-1}); }
};

struct FieldReader {
  StateReader& from;
  bool agrees = true;

  template <class Number>
  void one(Number& ret_value) {
    ret_value = from.get<Number>();
  }
  void one(bool& ret_value) { ret_value = from.get<std::uint8_t>() != 0; }
  template <class Numbers>
  void all(Numbers& ret_values) {
    from.get_all(std::span<typename Numbers::value_type>(ret_values));
  }
  template <class Number>
  void same(const Number& value) {
    agrees = from.get<Number>() == value && agrees;
  }
  template <class Number>
  void at_most(Number& ret_value, std::size_t most) {
    ret_value = from.get<Number>();
    agrees = ret_value <= most && agrees;
    if (!agrees) ret_value = 0;
  }
  void time(std::optional<MonoTime>& ret_at) {
    const auto ns = from.get<std::int64_t>();
    ret_at = ns < 0 ? std::nullopt : std::optional(mono_from_ns(ns));
  }
  bool good() const { return agrees && from.good(); }
};

}  // namespace hostmedic::detect
