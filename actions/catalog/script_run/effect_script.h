// SPDX-License-Identifier: Apache-2.0
// A script of root's and what it says of itself. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "actions/catalog/effect.h"
#include "agent/base/fd.h"

namespace hostmedic {

inline constexpr const char* kScriptsDirectory = "/etc/hostmedic/scripts.d";

// What is opened for it: nothing, unless it says so.
struct ScriptHeader {
  bool network = false;
  std::vector<std::string> paths;  // that it may write
  std::string user;                // runs as; empty: root without any capability
  Duration timeout{};              // not longer than this; 0: the order's
  std::string check;               // another script that is asked first; empty: none
};

// From the one line "# hostmedic: network=yes paths=/srv,/var/cache/app user=app timeout=30s check=NAME" among the
// first 20 of the text. No such line: everything is shut. An error names the line.
Result<ScriptHeader> parse_script_header(std::string_view text);

struct Script {
  Fd file;
  ScriptHeader header;
};
// By the rules of open_root_file(), and executable.
Result<Script> open_script(const std::string& directory, const std::string& name);
Openings openings_of(const ScriptHeader& header);

// Asks its check, then runs it, both with the arguments; prints the details and returns hostmedic-effect's exit status.
// A status of 0 of a check means go on, 3 that nothing is to be done; the same hold for the script's own end.
int run_script(const std::string& directory, const std::string& name, const std::vector<std::string>& arguments,
               Duration most);

}  // namespace hostmedic
