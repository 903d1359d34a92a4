// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic {
namespace {

constexpr Duration kFactsAge = std::chrono::seconds(10);
constexpr double kLeastShare = 0.5;  // the file must explain half of the growth
constexpr ParamText kParams[] = {
    {"roots", "*", "directories, separated by commas, below which a log may be treated; *: where the probe may look"},
    {"keep", "0B", "newest data that stays in the live file, when it is copied"},
    {"method", "auto", "auto: logrotate where its configuration covers the file, else copy; logrotate; copy"},
};
constexpr std::string_view kPlanParams[] = {"path", "root",  "logrotate_config", "writer_unit", "writer_appends",
                                            "keep", "method"};

// A directory whose contents may be logs, whatever a configuration says.
bool is_log_root(std::string_view root) {
  if (!is_clean_path(root) || root == "/" || root == "/var" || root == "/run" || root == "/home") return false;
  return !is_system_path(root);
}

bool is_logrotate_config(std::string_view path) {
  if (path == "/etc/logrotate.conf") return true;
  constexpr std::string_view kDir = "/etc/logrotate.d";
  return is_clean_path(path) && is_below(path, kDir) && path.find('/', kDir.size() + 1) == std::string_view::npos;
}

// What writes a file and is done: an archive in the making, and no log. Emptied under its hands, it would be lost.
bool is_archiver(std::string_view program) {
  constexpr std::string_view kArchivers[] = {"bzip2", "cp",    "dd",  "gzip", "logrotate", "lz4",
                                             "pigz",  "rsync", "tar", "xz",   "zip",       "zstd"};
  return std::ranges::find(kArchivers, program) != std::end(kArchivers);
}

struct Grower {
  const Event* file = nullptr;
  std::string_view root;
};

// The fastest file that explains the growth and may be treated; else why there is none.
Result<Grower> find_grower(const HostView& host, const Entity& filesystem, std::string_view setting) {
  std::string why = "no growing file is known on " + to_string(filesystem);
  for (const Event* file : host.growing_files(filesystem, kFactsAge)) {
    const std::string_view path = file->get(attr::kFilePath);
    const std::string named(path);
    const auto share = parse_double(file->get(attr::kFileGrowthShare));
    if (!share || *share < kLeastShare) {
      why = strf("no single file explains half of the growth; the fastest, %s, explains %.0f%%", named.c_str(),
                 share.value_or(0) * 100);
      break;  // fastest first: those that follow explain less
    }
    if (!is_clean_path(path)) {
      why = "'" + named + "' is not a path that can be treated";
      continue;
    }
    if (path.ends_with(kDeletedMark)) {
      why = named + " grows: what has no name is not rotated";
      break;
    }
    if (path.ends_with("/*")) {
      why = "many files grow, " + named + ", and no single one";
      break;
    }
    if (is_archiver(file->get(attr::kWriterName))) {
      why = named + " is written by " + std::string(file->get(attr::kWriterName)) + ", which ends by itself";
      break;  // what is said of slower files is older
    }
    if (is_journal_path(path)) {
      why = "the growing file is the journal's: " + named;
      continue;
    }
    const std::string_view roots = setting == "*" ? file->get(attr::kFileRoot) : setting;
    for (const std::string_view root : split(roots, ','))
      if (is_log_root(trim(root)) && is_below(path, trim(root))) return Grower{file, trim(root)};
    why = named + " grows but is outside the log roots (" + std::string(roots) + ")";
  }
  return make_error(ErrorCode::not_found, why);
}

Result<Plan> plan(const Incident& incident, const HostView& host, std::span<const Attribute> params) {
  if (incident.root.kind != EntityKind::filesystem)
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a filesystem");
  const auto grower = find_grower(host, incident.root, setting(kLogRotate, params, "roots"));
  if (!grower) return grower.error();
  const auto keep = parse_bytes(setting(kLogRotate, params, "keep"));
  if (!keep) return keep.error();

  const Event& file = *grower->file;
  const std::string path(file.get(attr::kFilePath));
  const std::string_view writer = file.get(attr::kWriterUnit);
  const std::string_view config = file.get(attr::kFileLogrotate);
  const std::string_view method = setting(kLogRotate, params, "method");
  const bool by_logrotate = method != "copy" && is_logrotate_config(config);
  if (method == "logrotate" && !by_logrotate)
    return make_error(ErrorCode::not_found, "no configuration of logrotate covers " + path);

  Plan plan;
  plan.action = kLogRotate.name;
  plan.target = incident.root;
  plan.parameters = {{"path", path}, {"root", std::string(grower->root)}};
  if (by_logrotate) plan.parameters.push_back({"logrotate_config", std::string(config)});
  if (is_service_unit(writer)) plan.parameters.push_back({"writer_unit", std::string(writer)});
  plan.parameters.push_back({"writer_appends", file.get(attr::kWriterAppends) == "1" ? "1" : "0"});
  plan.parameters.push_back({"keep", strf("%llu", static_cast<unsigned long long>(keep->count))});
  plan.parameters.push_back({"method", std::string(method)});

  const std::string size = format_bytes(parse_double(file.get(attr::kFileSize)).value_or(0));
  const std::string rate = format_bytes(parse_double(file.get(attr::kFileGrowth)).value_or(0));
  plan.what = std::string(by_logrotate ? "rotate " : "copy, compress and truncate ") + path + " (" + size + ", grows " +
              rate + "/s, written by " + (writer.empty() ? "an unknown process" : std::string(writer)) + ")" +
              (by_logrotate ? " with its own logrotate configuration" : "");
  const std::string quoted = shell_quote(path);
  plan.command = by_logrotate ? "logrotate --force " + shell_quote(config)
                              : "gzip -c " + quoted + " > " + quoted + ".1.gz && truncate -s 0 " + quoted;
  plan.timeout = kLogRotate.timeout;
  return plan;
}

Status malformed(std::string context) { return make_error(ErrorCode::malformed, std::move(context)); }

Status validate(const Plan& plan) {
  if (Status status = check_common(plan, kLogRotate, kPlanParams); !status) return status;
  const std::string_view path = plan.get("path"), root = plan.get("root"), config = plan.get("logrotate_config");
  const std::string_view writer = plan.get("writer_unit"), appends = plan.get("writer_appends");
  const std::string_view method = plan.get("method");
  if (!is_clean_path(plan.target.name)) return malformed("the target is not a mount point");
  if (plan.target.name != "/" && !is_below(path, plan.target.name))
    return malformed("path is not on the target filesystem");
  if (!is_log_root(root)) return malformed("root is not a directory of logs");
  if (!is_clean_path(path) || !is_below(path, root)) return malformed("path is not a clean path below root");
  if (is_journal_path(path)) return malformed("path belongs to the journal");
  if (!config.empty() && !is_logrotate_config(config))
    return malformed("logrotate_config is neither /etc/logrotate.conf nor in /etc/logrotate.d");
  if (!writer.empty() && !is_service_unit(writer)) return malformed("writer_unit is not the name of a service unit");
  if (appends != "0" && appends != "1" && !appends.empty()) return malformed("writer_appends is neither 0 nor 1");
  if (method != "auto" && method != "logrotate" && method != "copy")
    return malformed("method is not auto, logrotate or copy");
  if (method == "logrotate" && config.empty()) return malformed("method logrotate needs logrotate_config");
  const auto keep = parse_u64(plan.get("keep"));
  if (!keep || *keep > gib(1024).count) return malformed("keep is not a number of bytes up to 1TiB");
  return ok();
}

}  // namespace

const ActionInfo kLogRotate{
    .name = "log.rotate",
    .summary = "rotate the log file that fills a filesystem",
    .targets = kinds(EntityKind::filesystem),
    .params = kParams,
    .reversible = false,
    .local_safe = true,
    .capabilities = "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_LEASE CAP_SETGID CAP_SETUID",
    .timeout = std::chrono::seconds(120),
    .cost = "The writer goes on; a copytruncate may lose the lines of a moment.",
    .undo = "",
    .plan = plan,
    .validate = validate};

}  // namespace hostmedic
