// SPDX-License-Identifier: Apache-2.0
// Exchanges the content of a configuration file in one step. Only among files and directories that root alone may
// write. Blocks; any thread.
#pragma once

#include <string>

#include "agent/base/result.h"

namespace hostmedic {

struct ConfigPlaces {
  std::string known_good;  // + the file's path
  std::string replaced;    // made when it is needed
};

// What was kept as good. not_found: nothing was.
Result<std::string> kept_content(const std::string& path, const ConfigPlaces& places);
// The file's own content.
Result<std::string> present_content(const std::string& path);

// Puts the kept content in place, with owner, mode and extended attributes as they are. Returns where the replaced
// content is. conflict: the file is what was kept already, or was changed meanwhile.
Result<std::string> put_kept(const std::string& path, const ConfigPlaces& places);
// Puts back what was replaced, if the file still is what was kept.
Status put_replaced(const std::string& path, const std::string& saved, const ConfigPlaces& places);

}  // namespace hostmedic
