// SPDX-License-Identifier: Apache-2.0
// Files that only root can have put where they are: scripts and SQL that an administrator allows to be run. Any thread.
#pragma once

#include <string>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace hostmedic {

// Opens directory/name for reading. The name is one component; neither it nor the directory is a symbolic link. Both
// belong to root and nobody else may write them; the file is an ordinary one, known by one name only. What was opened
// is what was judged: use the descriptor, not the name. Errors: not_found; denied, with what is wrong with it.
Result<Fd> open_root_file(const std::string& directory, const std::string& name);

}  // namespace hostmedic
