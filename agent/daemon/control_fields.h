// SPDX-License-Identifier: Apache-2.0
// What the verbs of the control socket share: reading a request's fields, which may be anything, and answering. Pure;
// any thread.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/net/control_server.h"

namespace hostmedic::control {

boost::json::object refusal(const Error& error);
boost::json::object accepted();

// Printable, at most 256 bytes; the fallback where it is absent or no text.
std::string text_of(const boost::json::object& request, std::string_view key, std::string_view fallback = {});
std::int64_t number_of(const boost::json::object& request, std::string_view key, std::int64_t fallback);
bool flag_of(const boost::json::object& request, std::string_view key);

// "uid 0 (root)".
std::string peer_name(const Peer& peer);
Error root_only(std::string_view verb);

}  // namespace hostmedic::control
