// SPDX-License-Identifier: Apache-2.0
// Names of systemd units. Pure; any thread.
#pragma once

#include <string_view>

namespace hostmedic {

// Whether systemd would use this as the name of a unit. Everything else is ignored, wherever it comes from.
bool is_unit_name(std::string_view name);
// The same for names that end in the suffix: ".service", ".timer".
bool is_unit_name(std::string_view name, std::string_view suffix);

// A unit in which an order of ours is carried out. It is our own doing and no part of the host's state.
bool is_order_unit(std::string_view name);

// A service that is followed: any but the orders.
bool is_followed_service(std::string_view name);

}  // namespace hostmedic
