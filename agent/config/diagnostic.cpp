// SPDX-License-Identifier: Apache-2.0
#include "agent/config/diagnostic.h"

#include "agent/base/text.h"

namespace hostmedic {

std::string to_string(const Diagnostic& diagnostic) {
  std::string text = diagnostic.file;
  if (diagnostic.at.line > 0) text += strf(":%u:%u", diagnostic.at.line, diagnostic.at.column);
  return printable(text + ": " + diagnostic.message, 2048);
}

void Diagnostics::add(const std::string& file, Position at, std::string message, bool error) {
  if (list_.size() < kMostDiagnostics) {
    list_.push_back({file, at, std::move(message), error});
  } else if (list_.size() == kMostDiagnostics) {
    list_.push_back({file, at, "and more; these are the first", error});
  } else {
    list_.back().error = list_.back().error || error;
  }
}

}  // namespace hostmedic
