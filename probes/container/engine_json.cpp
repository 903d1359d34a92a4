// SPDX-License-Identifier: Apache-2.0
#include "probes/container/engine_json.h"

#include <algorithm>
#include <boost/json.hpp>

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic::container {
namespace {

namespace json = boost::json;

Result<json::value> parse(std::string_view text) {
  if (text.size() > kMostJson) return make_error(ErrorCode::limit, "too much JSON");
  json::error_code error;
  json::value value = json::parse({text.data(), text.size()}, error);
  if (error) return make_error(ErrorCode::malformed, "not JSON");
  return value;
}

constexpr std::size_t kMark = 3;  // printable() adds "..." to what it cuts

// Members that are missing or of another kind are as good as absent.
const json::object* object_in(const json::object* object, std::string_view key) {
  const json::value* value = object == nullptr ? nullptr : object->if_contains({key.data(), key.size()});
  return value == nullptr ? nullptr : value->if_object();
}
std::string text_in(const json::object* object, std::string_view key) {
  const json::value* value = object == nullptr ? nullptr : object->if_contains({key.data(), key.size()});
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : printable({text->data(), text->size()}, kMostText - kMark);
}
std::optional<std::int64_t> number_in(const json::object* object, std::string_view key) {
  const json::value* value = object == nullptr ? nullptr : object->if_contains({key.data(), key.size()});
  if (value == nullptr) return std::nullopt;
  if (const auto* number = value->if_int64()) return *number;
  return std::nullopt;
}
bool flag_in(const json::object* object, std::string_view key) {
  const json::value* value = object == nullptr ? nullptr : object->if_contains({key.data(), key.size()});
  const bool* flag = value == nullptr ? nullptr : value->if_bool();
  return flag != nullptr && *flag;
}
std::string without_slash(std::string name) {
  if (name.starts_with('/')) name.erase(0, 1);
  return name;
}
std::optional<std::uint64_t> count_in(const json::object* object, std::string_view key) {
  const auto number = number_in(object, key);
  if (!number || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

// What the answer of the engine and its file on disk have in common.
Result<ContainerFacts> facts_of(const json::object& object, std::string_view id_key) {
  ContainerFacts facts;
  facts.id = text_in(&object, id_key);
  if (!is_container_id(facts.id)) return make_error(ErrorCode::malformed, "no container id");
  facts.name = without_slash(text_in(&object, "Name"));
  facts.image = text_in(object_in(&object, "Config"), "Image");
  facts.image_id = text_in(&object, "Image");
  facts.restarts = count_in(&object, "RestartCount");
  const json::object* state = object_in(&object, "State");
  facts.exit_code = number_in(state, "ExitCode");
  facts.oom_killed = flag_in(state, "OOMKilled");
  const json::object* health = object_in(state, "Health");
  facts.health = text_in(health != nullptr ? health : object_in(state, "Healthcheck"), "Status");
  if (facts.health == "none") facts.health.clear();
  return facts;
}

}  // namespace

bool is_container_id(std::string_view text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<std::vector<std::string>> parse_id_list(std::string_view text) {
  auto value = parse(text);
  if (!value) return std::move(value).error();
  const json::array* array = value->if_array();
  if (array == nullptr) return make_error(ErrorCode::malformed, "not a list");
  std::vector<std::string> ids;
  for (const json::value& row : *array) {
    std::string id = text_in(row.if_object(), "Id");
    if (is_container_id(id) && ids.size() < kMostContainers) ids.push_back(std::move(id));
  }
  return ids;
}

Result<ContainerFacts> parse_inspect(std::string_view text) {
  auto value = parse(text);
  if (!value) return std::move(value).error();
  const json::object* object = value->if_object();
  if (object == nullptr) return make_error(ErrorCode::malformed, "not an object");
  auto facts = facts_of(*object, "Id");
  if (facts) facts->state = text_in(object_in(object, "State"), "Status");
  return facts;
}

Result<ContainerFacts> parse_docker_config(std::string_view text) {
  auto value = parse(text);
  if (!value) return std::move(value).error();
  const json::object* object = value->if_object();
  if (object == nullptr) return make_error(ErrorCode::malformed, "not an object");
  auto facts = facts_of(*object, "ID");
  if (!facts) return facts;
  const json::object* state = object_in(object, "State");
  // As the engine itself makes its word of them.
  facts->state = flag_in(state, "Restarting")          ? "restarting"
                 : flag_in(state, "Paused")            ? "paused"
                 : flag_in(state, "Running")           ? "running"
                 : flag_in(state, "RemovalInProgress") ? "removing"
                 : flag_in(state, "Dead")              ? "dead"
                 // The zero of its clock: it never ran.
                 : text_in(state, "StartedAt").starts_with("0001-") ? "created"
                                                                    : "exited";
  return facts;
}

Result<std::vector<ContainerFacts>> parse_storage_list(std::string_view text) {
  auto value = parse(text);
  if (!value) return std::move(value).error();
  const json::array* array = value->if_array();
  if (array == nullptr) return make_error(ErrorCode::malformed, "not a list");
  std::vector<ContainerFacts> rows;
  for (const json::value& row : *array) {
    const json::object* object = row.if_object();
    ContainerFacts facts;
    facts.id = text_in(object, "id");
    facts.image_id = text_in(object, "image");
    if (!is_container_id(facts.id) || rows.size() == kMostContainers) continue;
    const json::value* names = object->if_contains("names");
    const json::array* list = names == nullptr ? nullptr : names->if_array();
    if (list != nullptr && !list->empty() && list->front().is_string()) {
      const json::string& name = list->front().get_string();
      facts.name = printable({name.data(), name.size()}, kMostText - kMark);
    }
    // JSON within a text of the JSON.
    const json::value* metadata = object->if_contains("metadata");
    if (const json::string* inner = metadata == nullptr ? nullptr : metadata->if_string()) {
      const auto parsed = parse({inner->data(), inner->size()});
      if (parsed) facts.image = text_in(parsed->if_object(), "image-name");
    }
    rows.push_back(std::move(facts));
  }
  return rows;
}

Result<ContainerNews> parse_news(std::string_view line) {
  auto value = parse(line);
  if (!value) return std::move(value).error();
  const json::object* object = value->if_object();
  if (object == nullptr) return make_error(ErrorCode::malformed, "not an object");
  ContainerNews news;
  if (text_in(object, "Type") != "container") return news;
  const json::object* actor = object_in(object, "Actor");
  const json::object* attributes = object_in(actor, "Attributes");
  std::string id = text_in(actor, "ID");
  if (!is_container_id(id)) return news;
  news.id = std::move(id);
  news.action = text_in(object, "Action");
  // "health_status: healthy"; Podman has its own words for two of them and the health in an attribute.
  if (const auto colon = news.action.find(": "); colon != std::string::npos) {
    news.health = news.action.substr(colon + 2);
    news.action.resize(colon);
  }
  if (news.action != "health_status") news.health.clear();
  if (news.action == "health_status" && news.health.empty()) news.health = text_in(object, "HealthStatus");
  if (news.action == "died") news.action = "die";
  if (news.action == "remove") news.action = "destroy";
  news.name = text_in(attributes, "name");
  news.image = text_in(attributes, "image");
  std::string code = text_in(attributes, "exitCode");
  if (code.empty()) code = text_in(attributes, "containerExitCode");
  if (const auto number = parse_i64(code)) news.exit_code = *number;
  return news;
}

Result<std::string> parse_data_root(std::string_view text) {
  auto value = parse(text);
  if (!value) return std::move(value).error();
  const std::string root = text_in(value->if_object(), "data-root");
  return root.starts_with('/') ? root : std::string();
}

}  // namespace hostmedic::container
