// SPDX-License-Identifier: Apache-2.0
// What `hostmedic replay` and `hostmedic backtest` share: where recordings are, and other configurations. Reads files.
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "agent/ctl/context.h"
#include "agent/recorder/config_files.h"
#include "agent/recorder/differences.h"
#include "agent/recorder/recording.h"

namespace hostmedic {

// The directory of the flight recorder, by the installed configuration.
std::string recorder_dir(const Paths& paths);

// The configuration of a recording with these files instead of its own, or what is installed where there are none.
std::variant<DecidingConfig, Failure> other_config(const Segment& first, std::span<const std::string> files,
                                                   const Paths& paths);

Failure recording_failure(const Error& error);

std::string render_differences(const std::vector<WouldHave>& rows, const Look& look);
boost::json::array json_of(const std::vector<WouldHave>& rows);

}  // namespace hostmedic
