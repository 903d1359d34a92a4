// SPDX-License-Identifier: Apache-2.0
// Configuration files as trees. Blocking file reads; call it from a thread that may wait.
#pragma once

#include <string>
#include <vector>

#include "agent/config/tree.h"

namespace hostmedic {

// A missing or unreadable file is an error that names it, and gives an empty table.
Node load_toml(const std::string& path, Diagnostics& diagnostics);

// The *.toml files of a directory with their paths, in byte order, hidden ones left out. A directory that does not
// exist has none; one that cannot be read is an error that names it.
std::vector<std::string> toml_files(const std::string& directory, Diagnostics& diagnostics);

// Only root can have written it: owned by root, neither group nor others may write to it or to its directory.
void require_root_owned(const std::string& path, Diagnostics& diagnostics);

bool file_exists(const std::string& path);

}  // namespace hostmedic
