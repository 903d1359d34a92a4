// SPDX-License-Identifier: Apache-2.0
// Whether a package manager is at work, by the locks that it holds. Needs no capability. Any thread.
#pragma once

#include <string>

namespace hostmedic {

// "apt has locked /var/lib/apt/lists/lock, pid 312"; empty: none is at work. root: "" for the host's own.
std::string package_manager_at_work(const std::string& root = "");

}  // namespace hostmedic
