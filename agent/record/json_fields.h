// SPDX-License-Identifier: Apache-2.0
// Private to this folder: reads the fields of a JSON object, keeps the first error and the path to it. One thread.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/text.h"
#include "agent/base/time.h"
#include "detect/model/frame.h"
#include "detect/model/incident.h"

namespace hostmedic {

class JsonFields {
 public:
  // value must outlive this. Not an object is the first error.
  JsonFields(const boost::json::value& value, std::string where) : where_(std::move(where)) {
    object_ = value.if_object();
    if (object_ == nullptr) fail(ErrorCode::malformed, "", "not an object");
  }

  // What was read, or the first error.
  template <class T>
  Result<T> finish(T value) {
    if (error_) return std::move(*error_);
    return value;
  }

  void text(std::string_view name, std::string& out, std::size_t most);
  void boolean(std::string_view name, bool& out);
  void number(std::string_view name, double& out);
  void number_or_null(std::string_view name, std::optional<double>& out);
  void entity(std::string_view name, Entity& out);
  void entities(std::string_view name, std::vector<Entity>& out, std::size_t most);
  void attributes(std::string_view name, std::vector<Attribute>& out);
  void duration(std::string_view name, Duration& out) { out = Duration(integer64(name)); }
  void time(std::string_view name, MonoTime& out) { out = mono_from_ns(integer64(name)); }
  void time(std::string_view name, WallTime& out) { out = wall_from_ns(integer64(name)); }
  void time_or_null(std::string_view name, std::optional<WallTime>& out);

  template <class Int>
  void integer(std::string_view name, Int& out) {
    const std::int64_t value = integer64(name);
    if (!std::in_range<Int>(value)) return fail(ErrorCode::limit, name, "out of range");
    out = static_cast<Int>(value);
  }

  // from: word -> std::optional<Enum>
  template <class Enum, class From>
  void word(std::string_view name, Enum& out, From from, std::size_t most = 64) {
    std::string text_of_it;
    text(name, text_of_it, most);
    if (error_) return;
    const std::optional<Enum> value = from(std::string_view(text_of_it));
    if (!value) return fail(ErrorCode::malformed, name, "unknown word '" + text_of_it + "'");
    out = *value;
  }

  // from: (value, where) -> Result<T>
  template <class T, class From>
  void list(std::string_view name, std::vector<T>& out, std::size_t most, From from) {
    const boost::json::array* values = array(name, most);
    if (values == nullptr) return;
    out.reserve(values->size());
    for (std::size_t i = 0; i < values->size() && !error_; ++i)
      take(from((*values)[i], path(name) + '[' + std::to_string(i) + ']'),
           [&](T&& value) { out.push_back(std::move(value)); });
  }
  template <class T, class From>
  void nested(std::string_view name, T& out, From from) {
    const boost::json::value* value = find(name);
    if (value == nullptr) return;
    take(from(*value, path(name)), [&](T&& read) { out = std::move(read); });
  }

 private:
  const boost::json::value* find(std::string_view name);
  const boost::json::array* array(std::string_view name, std::size_t most);
  std::int64_t integer64(std::string_view name);
  std::optional<double> as_number(const boost::json::value& value) const;
  void fail(ErrorCode code, std::string_view name, std::string_view what);
  std::string path(std::string_view name) const;

  template <class T, class Use>
  void take(Result<T> result, Use use) {
    if (result)
      use(std::move(*result));
    else if (!error_)
      error_ = std::move(result.error());  // already carries its path
  }

  const boost::json::object* object_ = nullptr;
  std::string where_;
  std::optional<Error> error_;
};

}  // namespace hostmedic
