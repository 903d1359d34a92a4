// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/script_run/script_args.h"

#include <algorithm>

#include "agent/base/text.h"

namespace hostmedic {
namespace {

bool is_of(std::string_view text, std::string_view punctuation) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           punctuation.find(c) != std::string_view::npos;
  });
}

}  // namespace

bool is_script_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' && name.front() != '-' && is_of(name, "_-.");
}

Result<std::vector<std::string>> script_arguments(std::string_view text) {
  const auto malformed = [](std::string why) { return make_error(ErrorCode::malformed, std::move(why)); };
  std::vector<std::string> arguments;
  if (text.empty()) return arguments;
  for (const std::string_view word : split(text, ' ')) {
    const std::string shown = printable(word, 40);
    if (word.empty()) return malformed("arguments are not separated by single spaces");
    if (word.size() > kMostScriptArgument) return malformed("the argument '" + shown + "' is too long");
    if (!is_of(word, "_.,:=@%+/-") || word.find("..") != std::string_view::npos)
      return malformed("the argument '" + shown + "' has characters that are not allowed");
    arguments.emplace_back(word);
  }
  if (arguments.size() > kMostScriptArguments)
    return malformed(strf("there are more than %zu arguments", kMostScriptArguments));
  return arguments;
}

}  // namespace hostmedic
