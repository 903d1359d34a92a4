// SPDX-License-Identifier: Apache-2.0
// Asks the daemon and reads its answers. Every field of an answer is optional and may be hostile: texts come out
// printable and cut. One thread; blocking.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

// The exit codes of `hostmedic`, as its manual lists them.
enum class Exit : std::uint8_t {
  fine = 0,
  negative = 1,  // not found, degraded, answered with no
  not_running = 3,
  denied = 4,
  usage = 64,
  unavailable = 69,  // an answer that cannot be used, or none in time
  config = 78,
};

// Why a verb did not do what it was asked for, and what the reader can do about it. One line each.
struct Failure {
  Exit exit = Exit::unavailable;
  std::string cause;
  std::string remedy;
};

// One request, one answer. Errors are those of the way there: see failure_of().
using Ask = std::function<Result<boost::json::object>(const boost::json::object& request)>;
// Over the daemon's control socket; each request is a connection of its own.
Ask ask_socket(const std::string& path);

// The answer, or why there is none; a refusal by the daemon is a failure as well.
struct Answer {
  std::optional<boost::json::object> body;
  Failure failure;
};
Answer ask_daemon(const Ask& ask, const boost::json::object& request);
// Of a connection to `who` ("the agent") at path.
Failure failure_of(const Error& error, std::string_view who, std::string_view start_command);

std::string text_at(const boost::json::object& object, std::string_view key, std::size_t most = 512);
std::optional<double> number_at(const boost::json::object& object, std::string_view key);
std::optional<std::int64_t> integer_at(const boost::json::object& object, std::string_view key);
std::optional<WallTime> time_at(const boost::json::object& object, std::string_view key);
bool flag_at(const boost::json::object& object, std::string_view key);
// Empty ones where the field is absent or of another type.
const boost::json::object& object_at(const boost::json::object& object, std::string_view key);
const boost::json::array& array_at(const boost::json::object& object, std::string_view key);
// The texts of an array, with commas between.
std::string words_at(const boost::json::object& object, std::string_view key);

}  // namespace hostmedic
