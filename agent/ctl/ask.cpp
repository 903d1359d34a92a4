// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/ask.h"

#include <boost/json/serialize.hpp>

#include "agent/base/text.h"
#include "agent/net/control_client.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

constexpr Duration kPatience = std::chrono::seconds(10);
constexpr std::size_t kMostAnswer = 16 << 20;

Exit exit_of(std::string_view code) {
  if (code == to_string(ErrorCode::denied)) return Exit::denied;
  if (code == to_string(ErrorCode::not_found) || code == to_string(ErrorCode::conflict)) return Exit::negative;
  if (code == to_string(ErrorCode::malformed) || code == to_string(ErrorCode::limit)) return Exit::negative;
  return Exit::unavailable;
}

}  // namespace

Ask ask_socket(const std::string& path) {
  return [path](const json::object& request) -> Result<json::object> {
    auto client = ControlClient::connect(path);
    if (!client) return std::move(client).error();
    auto line = client->ask(json::serialize(request), kPatience);
    if (!line) return std::move(line).error();
    auto answer = parse_json(*line, kMostAnswer);
    if (!answer) return std::move(answer).error();
    if (!answer->is_object()) return make_error(ErrorCode::malformed, "the answer is not an object");
    return std::move(answer->get_object());
  };
}

Failure failure_of(const Error& error, std::string_view who, std::string_view start_command) {
  const std::string name(who);
  const std::string cause = printable(error.message(), 300);
  if (error.code == ErrorCode::not_found)
    return {Exit::not_running, name + " is not running: " + cause, "start it: " + std::string(start_command)};
  if (error.code == ErrorCode::denied)
    return {Exit::denied, "no permission to ask " + name + ": " + cause,
            "run this as root, or as a member of the group hostmedic"};
  return {Exit::unavailable, name + " gave no usable answer: " + cause, "look at: journalctl -u 'hostmedic*' -n 50"};
}

Answer ask_daemon(const Ask& ask, const json::object& request) {
  auto answer = ask(request);
  if (!answer) return {std::nullopt, failure_of(answer.error(), "the agent", "systemctl start hostmedic")};
  if (flag_at(*answer, "ok")) {
    answer->erase("ok");
    return {std::move(*answer), {}};
  }
  Failure failure{exit_of(text_at(*answer, "code", 32)), text_at(*answer, "message"), ""};
  if (failure.cause.empty()) failure.cause = "the agent refused and did not say why";
  if (failure.exit == Exit::denied) failure.remedy = "run this as root";
  return {std::nullopt, std::move(failure)};
}

std::string text_at(const json::object& object, std::string_view key, std::size_t most) {
  const json::value* value = object.if_contains(key);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : printable(std::string_view(*text), most);
}

std::optional<double> number_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  if (const double* number = value->if_double()) return *number;
  if (const std::int64_t* number = value->if_int64()) return static_cast<double>(*number);
  return static_cast<double>(value->get_uint64());
}

std::optional<std::int64_t> integer_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  const std::int64_t* number = value == nullptr ? nullptr : value->if_int64();
  if (number == nullptr) return std::nullopt;
  return *number;
}

std::optional<WallTime> time_at(const json::object& object, std::string_view key) {
  const auto nanoseconds = integer_at(object, key);
  // 0 and what no calendar shows are the same as no time.
  if (!nanoseconds || *nanoseconds <= 0) return std::nullopt;
  return wall_from_ns(*nanoseconds);
}

bool flag_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

const json::object& object_at(const json::object& object, std::string_view key) {
  static const json::object kNone;
  const json::value* value = object.if_contains(key);
  const json::object* found = value == nullptr ? nullptr : value->if_object();
  return found == nullptr ? kNone : *found;
}

const json::array& array_at(const json::object& object, std::string_view key) {
  static const json::array kNone;
  const json::value* value = object.if_contains(key);
  const json::array* found = value == nullptr ? nullptr : value->if_array();
  return found == nullptr ? kNone : *found;
}

std::string words_at(const json::object& object, std::string_view key) {
  std::string out;
  for (const json::value& word : array_at(object, key))
    if (const json::string* text = word.if_string())
      out += (out.empty() ? "" : ", ") + printable(std::string_view(*text), 64);
  return out;
}

}  // namespace hostmedic
