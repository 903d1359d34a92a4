// SPDX-License-Identifier: Apache-2.0
// What every reader of a configuration file owes: diagnostics that are bounded and printable.
#pragma once

#include <string>
#include <vector>

#include "agent/base/text.h"
#include "agent/config/diagnostic.h"
#include "support.h"

namespace hostmedic::fuzz {

inline void check_diagnostics(const std::vector<Diagnostic>& diagnostics) {
  check(diagnostics.size() <= kMostDiagnostics + 1);
  for (const Diagnostic& diagnostic : diagnostics) {
    const std::string text = to_string(diagnostic);
    check(printable(text, 4096) == text);
  }
}

}  // namespace hostmedic::fuzz
