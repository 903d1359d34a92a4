// SPDX-License-Identifier: Apache-2.0
// The other end of the plug-ins' socket, one process per request, started by the service manager in its sandbox
// (hostmedic-plugin@.service): reads the name of a plug-in, runs it and says how it ended.
#pragma once

#include <string>
#include <string_view>

namespace hostmedic {

inline constexpr const char* kPluginDirectory = "/etc/hostmedic/plugins";
inline constexpr std::string_view kPluginEnd = "# exit ";  // the last line: "# exit 0"

// Reads one line of at most 64 bytes from `in`, which is also where the plug-in's output goes. A plug-in is a regular
// file that belongs to root and that nobody else may write to. Returns the exit code of this process.
int run_plugin(int in, const std::string& directory);

}  // namespace hostmedic
