// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/recorded.h"

#include <algorithm>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/config/files.h"
#include "agent/ctl/check.h"
#include "agent/ctl/terminal.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

constexpr std::string_view kMine = "runbooks/999/";  // after all that were recorded

// Takes the place of the recorded file of its kind.
std::optional<Failure> replace(std::vector<ConfigFile>& ret_files, const std::string& path) {
  const std::vector<Diagnostic> found = check_file(path);
  for (const Diagnostic& one : found)
    if (one.error) return Failure{Exit::config, to_string(one), "hostmedic check " + path};
  Diagnostics unread;
  const FileKind kind = kind_of(path, load_toml(path, unread));
  auto text = read_file(path, Bytes{kMostConfigBytes});
  if (!text) return Failure{Exit::usage, printable(text.error().message(), 300), "name a file that you may read"};
  if (kind == FileKind::runbook) {
    ret_files.push_back({std::string(kMine) + path.substr(path.rfind('/') + 1), *std::move(text), path});
    return std::nullopt;
  }
  const std::string name = kind == FileKind::policy ? "policy.toml" : "hostmedic.toml";
  std::erase_if(ret_files, [&](const ConfigFile& file) {
    return file.name == name || (kind == FileKind::agent && file.name.starts_with("conf.d/"));
  });
  ret_files.push_back({name, *std::move(text), path});
  return std::nullopt;
}

}  // namespace

std::string recorder_dir(const Paths& paths) {
  return load_agent_config({.file = paths.etc + "/hostmedic.toml", .drop_ins = paths.etc + "/conf.d"})
             .config.state_dir +
         "/recorder";
}

std::variant<DecidingConfig, Failure> other_config(const Segment& first, std::span<const std::string> files,
                                                   const Paths& paths) {
  std::vector<ConfigFile> texts;
  if (files.empty()) {
    texts = collect_config({.agent = {.file = paths.etc + "/hostmedic.toml", .drop_ins = paths.etc + "/conf.d"},
                            .policy = paths.etc + "/policy.toml",
                            .runbook_dirs = {paths.share + "/runbooks", paths.etc + "/runbooks.d"}});
  } else {
    auto recorded = config_of(first);
    if (!recorded) return recording_failure(recorded.error());
    texts = *std::move(recorded);
  }
  for (const std::string& file : files)
    if (auto failure = replace(texts, file)) return *failure;
  auto config = load_config(texts);
  if (!config) return Failure{Exit::config, printable(config.error().message(), 300), "hostmedic check"};
  return *std::move(config);
}

Failure recording_failure(const Error& error) {
  const std::string cause = printable(error.message(), 300);
  switch (error.code) {
    case ErrorCode::denied: return {Exit::denied, cause, "run it as root: recordings are the agent's alone"};
    case ErrorCode::not_found:
      return {Exit::negative, cause, "name a file, or an incident of `hostmedic incidents --all`"};
    case ErrorCode::unsupported: return {Exit::unavailable, cause, "play it with the version that made it, or a newer"};
    case ErrorCode::malformed:
    case ErrorCode::io:
    case ErrorCode::limit:
    case ErrorCode::timeout:
    case ErrorCode::conflict: break;
  }
  return {Exit::unavailable, cause, "is it a recording of hostmedic (.hmrec)?"};
}

std::string render_differences(const std::vector<WouldHave>& rows, const Look& look) {
  if (rows.empty()) return "  nothing would have been different\n";
  std::string out;
  for (const WouldHave& row : rows) {
    out += "  " + printable(row.what, 300) + " (" + printable(row.incident.substr(0, 8), 8) + ")\n";
    for (const std::string& words : row.differences) out += "    " + wrap(look, printable(words, 600), 4) + "\n";
  }
  return out;
}

json::array json_of(const std::vector<WouldHave>& rows) {
  json::array all;
  for (const WouldHave& row : rows) {
    json::array differences;
    for (const std::string& words : row.differences) differences.emplace_back(printable(words, 600));
    all.push_back({{"incident_id", printable(row.incident, 64)},
                   {"what", printable(row.what, 300)},
                   {"differences", std::move(differences)}});
  }
  return all;
}

}  // namespace hostmedic
