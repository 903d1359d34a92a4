// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/certificate_paths.h"

#include <algorithm>

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostPath = 255;  // as an entity may be named

void add(std::string_view path, std::vector<std::string>& paths) {
  if (!path.starts_with('/') || path.size() > kMostPath || path.find("/../") != std::string_view::npos) return;
  if (paths.size() >= kMostCertificatePaths || printable(path, kMostPath) != path) return;
  if (std::find(paths.begin(), paths.end(), path) == paths.end()) paths.emplace_back(path);
}

// Without quotes around and the ';' of nginx behind.
std::string_view bare(std::string_view word) {
  while (!word.empty() && (word.back() == ';' || word.back() == '"' || word.back() == '\'')) word.remove_suffix(1);
  while (!word.empty() && (word.front() == '"' || word.front() == '\'')) word.remove_prefix(1);
  return word;
}

}  // namespace

void find_certificates_in_config(std::string_view text, std::vector<std::string>& ret_paths) {
  TextCursor cursor(text);
  while (!cursor.at_end()) {
    TextCursor line(cursor.line());
    for (std::string_view word = line.word(); !word.empty(); word = line.word()) {
      if (word.starts_with('#')) break;
      if (word != "ssl_certificate" && word != "SSLCertificateFile" && word != "crt") continue;
      const std::string_view path = bare(line.word());
      if (path.find('$') == std::string_view::npos) add(path, ret_paths);
    }
  }
}

void find_certificates_in_arguments(std::string_view arguments, std::vector<std::string>& ret_paths) {
  constexpr std::string_view kEndings[] = {".pem", ".crt", ".cer"};
  constexpr std::string_view kOthers[] = {"key", "ca.", "ca-", "cacert", "ca_", "bundle"};
  for (std::string_view argument : split(arguments, '\0')) {
    if (!argument.starts_with('/')) {
      const std::size_t equals = argument.find('=');
      if (equals == std::string_view::npos) continue;
      argument.remove_prefix(equals + 1);
    }
    const std::string_view name = argument.substr(argument.rfind('/') + 1);
    const auto ends = [&](std::string_view ending) { return argument.ends_with(ending); };
    const auto holds = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
    if (std::any_of(std::begin(kEndings), std::end(kEndings), ends) &&
        std::none_of(std::begin(kOthers), std::end(kOthers), holds))
      add(argument, ret_paths);
  }
}

}  // namespace hostmedic
