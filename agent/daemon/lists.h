// SPDX-License-Identifier: Apache-2.0
// What `hostmedic list` shows, as rows. io thread only.
#pragma once

#include <boost/json/array.hpp>
#include <string_view>

#include "agent/base/result.h"

namespace hostmedic {

class Daemon;

// Error not_found names what there is.
Result<boost::json::array> list_rows(const Daemon& daemon, std::string_view what);

}  // namespace hostmedic
