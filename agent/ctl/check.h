// SPDX-License-Identifier: Apache-2.0
// What is wrong with the installed configuration, policy and runbooks. Blocking file reads; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/config/diagnostic.h"
#include "agent/config/tree.h"
#include "agent/ctl/paths.h"

namespace hostmedic {

enum class FileKind : std::uint8_t { agent, policy, runbook };
// By what only this kind of file has, else by the file's name.
FileKind kind_of(const std::string& path, const Node& root);

std::vector<Diagnostic> check_file(const std::string& path);
std::vector<Diagnostic> check_installed(const Paths& paths);

}  // namespace hostmedic
