// SPDX-License-Identifier: Apache-2.0
// Rotating with the administrator's own logrotate configuration, and finding what became of the log. Blocks.
#pragma once

#include <string>

#include "actions/catalog/log_rotate/effect_open.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

// The defaults at the top of the main configuration, without its "include" lines and without the blocks for single
// logs: without them a file of /etc/logrotate.d would be read with logrotate's built-in "rotate 0", which throws old
// logs away. Pure.
std::string global_defaults(std::string_view main_config);
// True if one of its lines says that the log is copied or truncated in place: that loses lines and needs the space of
// a copy, so the caller does it itself. Pure.
bool copies_in_place(std::string_view config);

struct LogrotateJob {
  std::string config;       // one file of /etc/logrotate.d
  std::string main_config;  // its defaults are read
  std::string scratch;      // for logrotate's state and the defaults
  std::string program = "/usr/sbin/logrotate";
  Duration timeout{};
};
// Forces one rotation of the logs of that configuration. Error unsupported: not with this configuration.
Status run_logrotate(const LogrotateJob& job);

// The name that the file has in its directory now; empty if it has none there.
std::string present_name(const LogFile& log);

}  // namespace hostmedic
