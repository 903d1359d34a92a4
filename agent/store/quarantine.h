// SPDX-License-Identifier: Apache-2.0
// Puts a broken database file out of the way for whoever wants to look at it. Private to this folder. Any thread.
#pragma once

#include <string>

#include "agent/base/result.h"

namespace hostmedic {

inline constexpr std::size_t kMostQuarantined = 3;

// Renames path to "<path>.corrupt-<utc>" and "-wal", "-shm" beside it likewise, and removes the oldest such files so
// that at most kMostQuarantined are kept. Returns the new name.
Result<std::string> move_aside(const std::string& path);

// Whether such a file lies beside path.
bool has_quarantined(const std::string& path);

}  // namespace hostmedic
