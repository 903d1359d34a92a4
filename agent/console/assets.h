// SPDX-License-Identifier: Apache-2.0
// The files of the web page, embedded when the program is built. Constant; any thread.
#pragma once

#include <span>
#include <string_view>

namespace hostmedic {

struct ConsoleAsset {
  std::string_view path;  // "/" for index.html, else "/name"
  std::string_view content_type;
  std::string_view body;
};
std::span<const ConsoleAsset> console_assets();

}  // namespace hostmedic
