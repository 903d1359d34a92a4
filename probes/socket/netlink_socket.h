// SPDX-License-Identifier: Apache-2.0
// Asks the kernel for a table over netlink. One thread per call; no packet leaves the host.
#pragma once

#include <functional>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

// request: a whole message with its head, NLM_F_REQUEST | NLM_F_DUMP. each: payload of every answer of the type
// wanted. protocol: NETLINK_SOCK_DIAG, NETLINK_ROUTE. Ends when the kernel is done. Errors: what the kernel says;
// timeout when it says nothing for a second.
Status netlink_dump(int protocol, std::string_view request, unsigned wanted,
                    const std::function<void(std::string_view payload)>& each);

}  // namespace hostmedic
