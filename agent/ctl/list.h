// SPDX-License-Identifier: Apache-2.0
// The text of `hostmedic list`. Pure; any thread.
#pragma once

#include <boost/json/array.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/ctl/terminal.h"

namespace hostmedic {

// What can be listed.
const std::vector<std::string>& listable();
std::string render_list(std::string_view what, const boost::json::array& items, const Look& look);

}  // namespace hostmedic
