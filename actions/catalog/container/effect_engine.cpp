// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/container/effect_engine.h"

#include <boost/json.hpp>
#include <limits>
#include <optional>

#include "actions/catalog/container/container_name.h"
#include "actions/catalog/container/effect_http.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostText = 200;

// Members that are missing or of another kind are as good as absent.
const json::value* member(const json::value* value, std::string_view key) {
  const json::object* object = value == nullptr ? nullptr : value->if_object();
  return object == nullptr ? nullptr : object->if_contains({key.data(), key.size()});
}
std::string text_in(const json::value* value, std::string_view key) {
  const json::value* found = member(value, key);
  const json::string* text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::string() : printable({text->data(), text->size()}, kMostText);
}
std::int64_t number_in(const json::value* value, std::string_view key) {
  const json::value* found = member(value, key);
  const std::int64_t* number = found == nullptr ? nullptr : found->if_int64();
  return number == nullptr ? 0 : *number;
}
bool flag_in(const json::value* value, std::string_view key) {
  const json::value* found = member(value, key);
  const bool* flag = found == nullptr ? nullptr : found->if_bool();
  return flag != nullptr && *flag;
}

bool may_rule_network(const json::value* host_config) {
  if (flag_in(host_config, "Privileged")) return true;
  const json::value* added = member(host_config, "CapAdd");
  const json::array* names = added == nullptr ? nullptr : added->if_array();
  if (names == nullptr) return false;
  for (const json::value& name : *names) {
    const json::string* text = name.if_string();
    if (text != nullptr && (*text == "NET_ADMIN" || *text == "CAP_NET_ADMIN" || *text == "ALL")) return true;
  }
  return false;
}

std::string replacement_of(const json::value* labels) {
  const std::string service = text_in(labels, "com.docker.compose.service");
  if (!service.empty()) return "Compose service " + service + " of " + text_in(labels, "com.docker.compose.project");
  const std::string unit = text_in(labels, "PODMAN_SYSTEMD_UNIT");
  return unit.empty() ? std::string() : "unit " + unit;
}

}  // namespace

const std::vector<EnginePlace>& engine_places() {
  static const std::vector<EnginePlace> kPlaces{{"docker", "/run/docker.sock"}, {"podman", "/run/podman/podman.sock"}};
  return kPlaces;
}

Result<EngineContainer> parse_engine_container(std::string_view text) {
  json::error_code error;
  const json::value root = json::parse({text.data(), text.size()}, error);
  if (error) return make_error(ErrorCode::malformed, "the engine's answer is not JSON");
  EngineContainer found;
  found.id = text_in(&root, "Id");
  if (!is_container_id(found.id)) return make_error(ErrorCode::malformed, "the engine's answer has no container id");
  found.name = text_in(&root, "Name");
  if (found.name.starts_with('/')) found.name.erase(0, 1);
  const json::value* state = member(&root, "State");
  found.state = text_in(state, "Status");
  if (found.state.empty()) return make_error(ErrorCode::malformed, "the engine's answer has no state");
  const json::value* health = member(state, "Health");
  found.health = text_in(health, "Status");
  if (found.health == "none") found.health.clear();
  found.started_at = text_in(state, "StartedAt");
  found.exit_code = number_in(state, "ExitCode");
  found.oom_killed = flag_in(state, "OOMKilled");
  const std::int64_t pid = number_in(state, "Pid");
  if (pid < 0 || pid > std::numeric_limits<std::int32_t>::max())
    return make_error(ErrorCode::malformed, "the engine's answer has no process id");
  found.pid = static_cast<std::uint32_t>(pid);
  const json::value* host_config = member(&root, "HostConfig");
  found.network_mode = text_in(host_config, "NetworkMode");
  found.rules_its_network = may_rule_network(host_config);
  found.replacement = replacement_of(member(member(&root, "Config"), "Labels"));
  return found;
}

Result<EngineContainer> find_container(const std::string& name, const std::vector<EnginePlace>& engines,
                                       Duration most) {
  if (!is_container_name(name)) return make_error(ErrorCode::malformed, "the target is not the name of a container");
  const MonoTime deadline = mono_now() + most;
  std::optional<EngineContainer> found;
  bool any = false;
  for (const EnginePlace& engine : engines) {
    const auto answer = ask_engine(engine.socket, "GET", "/containers/" + name + "/json", deadline);
    if (!answer && answer.error().code == ErrorCode::unsupported) continue;
    if (!answer) return Error(answer.error()).in(engine.name);
    any = true;
    if (answer->status == 404) continue;
    if (answer->status != 200)
      return make_error(ErrorCode::io, engine.name + strf(" answered with status %d", answer->status));
    auto container = parse_engine_container(answer->body);
    if (!container) return Error(container.error()).in(engine.name);
    if (container->name != name && !container->id.starts_with(name))
      return make_error(ErrorCode::conflict, engine.name + " told of another container");
    if (found) return make_error(ErrorCode::conflict, "docker and podman both have a container " + name);
    found = std::move(*container);
    found->engine = engine;
  }
  if (found) return std::move(*found);
  if (!any) return make_error(ErrorCode::unsupported, "no container engine answers");
  return make_error(ErrorCode::not_found, "there is no container " + name);
}

Status tell_engine(const EngineContainer& container, std::string_view verb, Duration most) {
  const auto answer = ask_engine(container.engine.socket, "POST",
                                 "/containers/" + container.id + "/" + std::string(verb), mono_now() + most);
  if (!answer) return Error(answer.error()).in(container.engine.name);
  // 304: it is so already.
  if ((answer->status >= 200 && answer->status < 300) || answer->status == 304) return ok();
  json::error_code error;
  const json::value body = json::parse(answer->body, error);
  const std::string said = error ? std::string() : text_in(&body, "message");
  return make_error(
      answer->status == 404 ? ErrorCode::not_found : ErrorCode::io,
      container.engine.name + strf(" answered with status %d", answer->status) + (said.empty() ? "" : ": " + said));
}

}  // namespace hostmedic
