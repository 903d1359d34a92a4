// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/control_fields.h"

#include "agent/base/text.h"
#include "agent/daemon/identity.h"

namespace hostmedic::control {

namespace json = boost::json;

json::object refusal(const Error& error) {
  return {{"ok", false}, {"code", to_string(error.code)}, {"message", error.message()}};
}
json::object accepted() { return {{"ok", true}}; }

std::string text_of(const json::object& request, std::string_view key, std::string_view fallback) {
  const json::value* value = request.if_contains(key);
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  return printable(text == nullptr ? fallback : std::string_view(*text), 256);
}

std::int64_t number_of(const json::object& request, std::string_view key, std::int64_t fallback) {
  const json::value* value = request.if_contains(key);
  if (value == nullptr) return fallback;
  if (const std::int64_t* number = value->if_int64()) return *number;
  return fallback;
}

bool flag_of(const json::object& request, std::string_view key) {
  const json::value* value = request.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

// "uid 0 (root)".
std::string peer_name(const Peer& peer) {
  const std::string name = user_name(peer.uid);
  return strf("uid %u", peer.uid) + (name.empty() ? "" : " (" + name + ")");
}

Error root_only(std::string_view verb) {
  return make_error(ErrorCode::denied, "only root may " + std::string(verb) + "; run it as root");
}

}  // namespace hostmedic::control
