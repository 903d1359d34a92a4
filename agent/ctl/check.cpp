// SPDX-License-Identifier: Apache-2.0
// `hostmedic check`: everything that is wrong with the configuration, with its place.
#include "agent/ctl/check.h"

#include <algorithm>
#include <iterator>

#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/config/agent_config.h"
#include "agent/config/files.h"
#include "agent/config/policy_config.h"
#include "agent/config/runbook_config.h"
#include "agent/ctl/verbs.h"
#include "agent/net/certificate.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

void append(std::vector<Diagnostic>& to, std::vector<Diagnostic> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

FileKind kind_of(const std::string& path, const Node& root) {
  for (const Member& member : root.members) {
    if (member.name == "step" || member.name == "kinds") return FileKind::runbook;
    if (member.name == "guard" || member.name == "tier" || member.name == "exclusion") return FileKind::policy;
  }
  return path.ends_with("policy.toml") ? FileKind::policy : FileKind::agent;
}

std::vector<Diagnostic> check_file(const std::string& path) {
  Diagnostics found;
  const Node root = load_toml(path, found);
  std::vector<Diagnostic> list = std::move(found).take();
  if (!list.empty()) return list;  // it could not be read as TOML
  switch (kind_of(path, root)) {
    case FileKind::agent: return load_agent_config({.file = path, .drop_ins = ""}).diagnostics;
    case FileKind::policy: return load_policy(path, false).diagnostics;
    case FileKind::runbook: break;
  }
  const auto text = read_file(path, Bytes{kMostConfigBytes});
  if (text) return parse_runbook(*text, path, incident_kinds(AgentConfig{}.engine)).diagnostics;
  return {{path, {}, "cannot be read: " + text.error().message(), true}};
}

namespace {

// The line of the file with a caret below the place; empty when there is none to show.
std::string line_of(const Diagnostic& one) {
  constexpr std::size_t kWidth = 120, kBefore = 80;
  const auto text = one.at.column > 0 ? read_file(one.file, Bytes{kMostConfigBytes}) : Result<std::string>("");
  if (!text) return {};
  const std::vector<std::string_view> lines = split(*text, '\n');
  if (one.at.line == 0 || one.at.line > lines.size()) return {};
  std::string_view line = lines[one.at.line - 1];
  std::size_t column = one.at.column - 1;
  if (column > line.size()) return {};
  const std::size_t cut = column > kBefore ? column - kBefore : 0;
  line.remove_prefix(cut);
  column -= cut;
  return "  " + printable(line.substr(0, kWidth), kWidth) + "\n  " + std::string(column, ' ') + "^\n";
}

// Those who may approve from another host; without the file nobody may.
std::vector<Diagnostic> check_approvers(const std::string& path, bool of_root) {
  if (!file_exists(path)) return {};
  Diagnostics found;
  if (of_root) require_root_owned(path, found);
  const auto people = describe_certificates(path);
  if (!people) found.error(path, {}, people.error().message());
  for (const CertificateInfo& one : people ? *people : std::vector<CertificateInfo>())
    if (one.not_after <= wall_now())
      found.notice(path, {},
                   one.common_name + " can approve nothing: the certificate ended " + format_utc(one.not_after));
  return std::move(found).take();
}

}  // namespace

std::vector<Diagnostic> check_installed(const Paths& paths) {
  auto agent = load_agent_config({.file = paths.etc + "/hostmedic.toml", .drop_ins = paths.etc + "/conf.d"});
  std::vector<Diagnostic> list = std::move(agent.diagnostics);
  append(list, load_policy(paths.etc + "/policy.toml", paths.policy_of_root).diagnostics);
  append(list, load_runbooks(std::vector<std::string>{paths.share + "/runbooks", paths.etc + "/runbooks.d"},
                             incident_kinds(agent.config.engine))
                   .diagnostics);
  append(list, check_approvers(paths.etc + "/approvers.pem", paths.policy_of_root));
  return list;
}

Exit check_configuration(Context& context, const std::vector<std::string>& files) {
  std::vector<Diagnostic> list;
  if (files.empty()) list = check_installed(context.paths);
  for (const std::string& file : files) append(list, check_file(file));
  const auto errors = std::count_if(list.begin(), list.end(), [](const Diagnostic& one) { return one.error; });
  if (context.json) {
    json::array rows;
    for (const Diagnostic& one : list)
      rows.push_back({{"file", printable(one.file, 1024)},
                      {"line", one.at.line},
                      {"column", one.at.column},
                      {"error", one.error},
                      {"message", printable(one.message, 1024)}});
    write_json(context, json::object{{"valid", errors == 0}, {"diagnostics", std::move(rows)}});
    return errors == 0 ? Exit::fine : Exit::config;
  }
  for (const Diagnostic& one : list)
    context.out << to_string(one.error ? one : Diagnostic{one.file, one.at, "note: " + one.message, false}) << '\n'
                << line_of(one);
  if (errors == 0) {
    say(context, "The configuration is valid.");
    return Exit::fine;
  }
  context.err << strf("%zu errors", static_cast<std::size_t>(errors)) << '\n';
  return Exit::config;
}

}  // namespace hostmedic
