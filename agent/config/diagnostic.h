// SPDX-License-Identifier: Apache-2.0
// What is wrong with a configuration, and where. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hostmedic {

// Counted from 1; line 0: the file as a whole.
struct Position {
  std::uint32_t line = 0, column = 0;
};

struct Diagnostic {
  std::string file;
  Position at;
  std::string message;  // one sentence: what was expected
  bool error = true;    // false: worth knowing
};
// "file:line:column: message"; printable.
std::string to_string(const Diagnostic& diagnostic);

inline constexpr std::size_t kMostDiagnostics = 100;

// Collects all of them, up to the bound, so that one run shows every fault.
class Diagnostics {
 public:
  void error(const std::string& file, Position at, std::string message) { add(file, at, std::move(message), true); }
  void notice(const std::string& file, Position at, std::string message) { add(file, at, std::move(message), false); }
  std::vector<Diagnostic> take() && { return std::move(list_); }

 private:
  void add(const std::string& file, Position at, std::string message, bool error);
  std::vector<Diagnostic> list_;
};

// A configuration and what was found on the way to it. With errors the value must not be used.
template <class T>
struct Loaded {
  T config;
  std::vector<Diagnostic> diagnostics;
  bool ok() const {
    for (const Diagnostic& diagnostic : diagnostics)
      if (diagnostic.error) return false;
    return true;
  }
};

}  // namespace hostmedic
