// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr Duration kLeastAge = std::chrono::hours(1);
constexpr std::uint64_t kMostFiles = 100'000;
constexpr ParamText kParams[] = {
    {"clean_root", "", "the directory below which old files are removed; one of the policy's clean_roots"},
    {"min_age", "10d", "removed is only what was neither changed nor read for so long; at least 1h"},
    {"free", "1GiB", "no more is removed than to gain so much"},
    {"most_files", "10000", "nor more files than this"},
    {"used_above", "0.8",
     "nothing is removed while less of the filesystem's space and inodes is in use than this share"},
};
constexpr std::string_view kPlanParams[] = {"clean_root", "min_age", "free", "most_files", "used_above"};

std::string setting(std::span<const Attribute> params, const ParamText& known) {
  for (const Attribute& param : params)
    if (param.key == known.name) return param.value;
  return std::string(known.fallback);
}

// Where what is old may be useless.
bool is_clean_root(std::string_view root) {
  constexpr std::string_view kNever[] = {"/",    "/home", "/media", "/mnt",     "/opt",
                                         "/run", "/srv",  "/var",   "/var/lib", "/var/log"};
  if (!is_clean_path(root) || is_journal_path(root) || is_system_path(root) || is_below(root, "/home")) return false;
  return std::find(std::begin(kNever), std::end(kNever), root) == std::end(kNever);
}

Result<Plan> plan(const Incident& incident, const HostView& host, std::span<const Attribute> params) {
  if (incident.root.kind != EntityKind::filesystem)
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a filesystem");
  const std::string root = setting(params, kParams[0]);
  if (!is_clean_root(root)) return make_error(ErrorCode::malformed, "'" + root + "' is no directory to clean");
  if (const std::string mount = mount_of(root, host); mount != incident.root.name)
    return make_error(ErrorCode::not_found, root + " is on " + (mount.empty() ? "an unknown filesystem" : mount) +
                                                ", not on " + incident.root.name);
  Plan plan;
  plan.action = kFilesClean.name;
  plan.target = incident.root;
  for (const ParamText& known : kParams) plan.parameters.push_back({std::string(known.name), setting(params, known)});
  plan.what = "remove files below " + root + " that nobody used for " + std::string(plan.get("min_age")) +
              ", the largest first, until " + std::string(plan.get("free")) + " are free";
  plan.command = "find " + shell_quote(root) + " -xdev -type f -links 1 -mtime +DAYS -atime +DAYS -ctime +DAYS -delete";
  plan.timeout = kFilesClean.timeout;
  return plan;
}

Status malformed(std::string context) { return make_error(ErrorCode::malformed, std::move(context)); }

Status validate(const Plan& plan) {
  if (Status status = check_common(plan, kFilesClean, kPlanParams); !status) return status;
  if (!is_clean_path(plan.target.name)) return malformed("the target is not a mount point");
  const std::string_view root = plan.get("clean_root");
  if (!is_clean_root(root)) return malformed("clean_root is no directory to clean");
  if (root != plan.target.name && !is_below(root, plan.target.name))
    return malformed("clean_root is not on the target filesystem");
  const auto age = parse_duration(plan.get("min_age"));
  if (!age || *age < kLeastAge) return malformed("min_age is not a duration of at least 1h");
  const auto free = parse_bytes(plan.get("free"));
  if (!free || *free == Bytes{0}) return malformed("free is not a number of bytes");
  const auto files = parse_u64(plan.get("most_files"));
  if (!files || *files < 1 || *files > kMostFiles) return malformed("most_files is not within 1 to 100000");
  const auto used = parse_double(plan.get("used_above"));
  if (!used || *used < 0.5 || *used > 1) return malformed("used_above is not within 0.5 to 1");
  return ok();
}

}  // namespace

const ActionInfo kFilesClean{
    .name = "files.clean",
    .summary = "remove files that nobody used for long below a directory that the policy names",
    .targets = kinds(EntityKind::filesystem),
    .params = kParams,
    .reversible = false,
    .local_safe = true,
    .capabilities = "CAP_DAC_OVERRIDE CAP_FOWNER CAP_LEASE",
    .timeout = std::chrono::seconds(120),
    .cost = "The files are gone; the walk reads every directory below the root.",
    .undo = "",
    .plan = plan,
    .validate = validate};

}  // namespace hostmedic
