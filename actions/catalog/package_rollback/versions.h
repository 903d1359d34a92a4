// SPDX-License-Identifier: Apache-2.0
// Names and versions of packages, and what a simulated change of packages says that it would do. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hostmedic {

bool is_apt_package(std::string_view text);
bool is_apt_version(std::string_view text);

// What the host needs to start, to be reached and to change packages at all: never put back by a program.
bool is_vital_package(std::string_view name);

struct Upgrade {
  std::string package, from, to;
};
// "package hm-demo was upgraded from 1.0 to 2.0"
std::optional<Upgrade> upgrade_from(std::string_view text);

// What `apt-get --simulate` printed: why the change of that package reaches beyond it; empty if it does not. Output
// that says nothing of the package is a reason too.
std::string why_held_back(std::string_view simulated, std::string_view package, std::string_view version);

}  // namespace hostmedic
