// SPDX-License-Identifier: Apache-2.0
// All of a value, bit by bit, from one list of its members used for both ways. For a snapshot, which another process
// reads and goes on from (detect/health/snapshot.h); what was learnt and is kept over a restart is another, smaller
// thing (detect/health/fields.h).
//
// A class says what it consists of by
//   template <class Self> static auto whole(Self& self) { return std::tie(self.a_, self.b_); }
// or, where what is learnt is all there is, by its fields(), or has save_whole() and load_whole(). For a struct that
// knows nothing of this, Members<T> says it from outside. What follows from the configuration is not listed. A plain
// struct that lists fewer members than it has does not compile; of a class only a test can tell
// (tests/unit/detect/snapshot_test.cpp). Where a number that cannot be would lead out of bounds, bool sane() const is
// asked after reading.
//
// Numbers, times, texts and the containers of them are known here; an enumeration declares its last value as kLast.
// Sizes are bounded by the bytes that are there.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "agent/base/time.h"
#include "detect/model/member_count.h"
#include "detect/model/state_codec.h"

namespace hostmedic::detect {

// template <class Self> static auto of(Self& self) { return std::tie(...); }
template <class T>
struct Members;

// template <> inline constexpr auto kLast<Color> = Color::blue;
template <class Enumeration>
inline constexpr auto kLast = nullptr;

template <class T>
struct Whole;
template <class T>
void put_whole(StateWriter& writer, const T& value) {
  Whole<T>::put(writer, value);
}
template <class T>
void get_whole(StateReader& reader, T& ret_value) {
  Whole<T>::get(reader, ret_value);
}

namespace whole {

template <class T>
concept ByItself = requires(const T& from, T& to, StateWriter& writer, StateReader& reader) {
  from.save_whole(writer);
  to.load_whole(reader);
};
template <class T>
concept Own = requires(T& value) { T::whole(value); };
template <class T>
concept Outside = requires(T& value) { Members<T>::of(value); };
template <class T>
concept Learnt = requires(T& value) { T::fields(value); };
template <class T>
concept Listed = Own<T> || Outside<T> || Learnt<T>;
template <class T>
concept Checked = requires(const T& value) { value.sane(); };
template <class T>
concept Raw = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

template <class T>
auto members(T& value) {
  using Plain = std::remove_const_t<T>;
  const auto list = [&] {
    if constexpr (Own<Plain>) {
      return Plain::whole(value);
    } else if constexpr (Outside<Plain>) {
      return Members<Plain>::of(value);
    } else {
      return Plain::fields(value);
    }
  };
  if constexpr (std::is_aggregate_v<Plain>)
    static_assert(kMembers<Plain> == std::tuple_size_v<decltype(list())>, "a member is not listed");
  return list();
}

}  // namespace whole

// By the list; what save_whole() and load_whole() of a class may consist of.
template <class T>
void put_members(StateWriter& writer, const T& value) {
  std::apply([&](const auto&... each) { (put_whole(writer, each), ...); }, whole::members(value));
}
template <class T>
void get_members(StateReader& reader, T& ret_value) {
  std::apply([&](auto&... each) { (get_whole(reader, each), ...); }, whole::members(ret_value));
  if constexpr (whole::Checked<T>)
    if (!ret_value.sane()) reader.fail();
}

template <class T>
struct Whole {
  static void put(StateWriter& writer, const T& value) {
    if constexpr (whole::ByItself<T>) {
      value.save_whole(writer);
    } else if constexpr (whole::Listed<T>) {
      put_members(writer, value);
    } else if constexpr (std::is_enum_v<T>) {
      writer.put(static_cast<std::underlying_type_t<T>>(value));
    } else {
      writer.put(value);
    }
  }
  static void get(StateReader& reader, T& ret_value) {
    if constexpr (whole::ByItself<T>) {
      ret_value.load_whole(reader);
    } else if constexpr (whole::Listed<T>) {
      get_members(reader, ret_value);
    } else if constexpr (std::is_enum_v<T>) {
      using Number = std::underlying_type_t<T>;
      static_assert(std::is_same_v<decltype(kLast<T>), const T>, "the enumeration has no kLast");
      const auto number = reader.get<Number>();
      if (number > static_cast<Number>(kLast<T>)) return reader.fail();
      ret_value = static_cast<T>(number);
    } else {
      ret_value = reader.get<T>();
    }
  }
};

template <>
struct Whole<Duration> {
  static constexpr std::int64_t kMost = std::int64_t{1} << 61;  // three of them can be added
  static void put(StateWriter& writer, Duration value) { writer.put<std::int64_t>(to_ns(value)); }
  static void get(StateReader& reader, Duration& ret_value) {
    const auto ns = reader.get<std::int64_t>();
    if (ns < -kMost || ns > kMost) return reader.fail();
    ret_value = Duration(ns);
  }
};
template <class Clock>
struct Whole<std::chrono::time_point<Clock, Duration>> {
  using Time = std::chrono::time_point<Clock, Duration>;
  static void put(StateWriter& writer, Time value) { put_whole(writer, value.time_since_epoch()); }
  static void get(StateReader& reader, Time& ret_value) {
    constexpr std::int64_t kMost = std::int64_t{1} << 62;
    const auto ns = reader.get<std::int64_t>();
    if (ns < -Whole<Duration>::kMost || ns > kMost) return reader.fail();
    ret_value = Time(Duration(ns));
  }
};

template <>
struct Whole<std::string> {
  static void put(StateWriter& writer, const std::string& value) { writer.put_text(value); }
  static void get(StateReader& reader, std::string& ret_value) { ret_value = reader.get_view(0xFFFFFFFF); }
};
// A literal.
template <>
struct Whole<std::string_view> {
  static void put(StateWriter& writer, std::string_view value) { writer.put_text(value); }
  static void get(StateReader& reader, std::string_view& ret_value) { ret_value = reader.get_literal(); }
};

template <class T>
struct Whole<std::optional<T>> {
  static void put(StateWriter& writer, const std::optional<T>& value) {
    writer.put(value.has_value());
    if (value) put_whole(writer, *value);
  }
  static void get(StateReader& reader, std::optional<T>& ret_value) {
    ret_value.reset();
    if (reader.get<bool>()) get_whole(reader, ret_value.emplace());
  }
};

template <class A, class B>
struct Whole<std::pair<A, B>> {
  static void put(StateWriter& writer, const std::pair<A, B>& value) {
    put_whole(writer, value.first);
    put_whole(writer, value.second);
  }
  static void get(StateReader& reader, std::pair<A, B>& ret_value) {
    get_whole(reader, ret_value.first);
    get_whole(reader, ret_value.second);
  }
};

template <class T, std::size_t N>
struct Whole<std::array<T, N>> {
  static void put(StateWriter& writer, const std::array<T, N>& values) {
    if constexpr (whole::Raw<T>) {
      writer.put_raw(std::span<const T>(values));
    } else {
      for (const T& value : values) put_whole(writer, value);
    }
  }
  static void get(StateReader& reader, std::array<T, N>& ret_values) {
    if constexpr (whole::Raw<T>) {
      reader.get_raw(std::span<T>(ret_values));
    } else {
      for (T& value : ret_values) get_whole(reader, value);
    }
  }
};

template <class Sequence>
struct WholeSequence {
  using T = typename Sequence::value_type;
  static void put(StateWriter& writer, const Sequence& values) {
    writer.put(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) put_whole(writer, value);
  }
  static void get(StateReader& reader, Sequence& ret_values) {
    ret_values.clear();
    for (std::uint32_t left = reader.get<std::uint32_t>(); left > 0 && reader.good(); --left)
      get_whole(reader, ret_values.emplace_back());
  }
};
template <class T>
struct Whole<std::deque<T>> : WholeSequence<std::deque<T>> {};
template <class T>
struct Whole<std::vector<T>> : WholeSequence<std::vector<T>> {};
template <whole::Raw T>
struct Whole<std::vector<T>> {
  static void put(StateWriter& writer, const std::vector<T>& values) { writer.put_all(std::span<const T>(values)); }
  static void get(StateReader& reader, std::vector<T>& ret_values) {
    const auto count = reader.get<std::uint32_t>();
    if (count > reader.left() / sizeof(T)) return reader.fail();
    ret_values.resize(count);
    reader.get_raw(std::span<T>(ret_values));
  }
};

template <class Key, class Value, class Less>
struct Whole<std::map<Key, Value, Less>> {
  static void put(StateWriter& writer, const std::map<Key, Value, Less>& values) {
    writer.put(static_cast<std::uint32_t>(values.size()));
    for (const auto& [key, value] : values) put_whole(writer, key), put_whole(writer, value);
  }
  static void get(StateReader& reader, std::map<Key, Value, Less>& ret_values) {
    ret_values.clear();
    for (std::uint32_t left = reader.get<std::uint32_t>(); left > 0 && reader.good(); --left) {
      Key key{};
      get_whole(reader, key);
      get_whole(reader, ret_values[std::move(key)]);
    }
  }
};
template <class Key, class Less>
struct Whole<std::set<Key, Less>> {
  static void put(StateWriter& writer, const std::set<Key, Less>& values) {
    writer.put(static_cast<std::uint32_t>(values.size()));
    for (const Key& key : values) put_whole(writer, key);
  }
  static void get(StateReader& reader, std::set<Key, Less>& ret_values) {
    ret_values.clear();
    for (std::uint32_t left = reader.get<std::uint32_t>(); left > 0 && reader.good(); --left) {
      Key key{};
      get_whole(reader, key);
      ret_values.insert(std::move(key));
    }
  }
};

}  // namespace hostmedic::detect
