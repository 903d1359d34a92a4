// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "agent/base/parse.h"
#include "detect/model/names.h"

namespace hostmedic {
namespace {

constexpr ParamText kParams[] = {
    {"least", "64MiB", "a service is reloaded only if its deleted files hold so much"},
    {"growing", "any", "only: applies only while a deleted file is seen to be half of the growth; any: always"}};
constexpr std::string_view kPlanParams[] = {"least"};
constexpr Duration kFactsAge = std::chrono::seconds(10);
constexpr double kLeastShare = 0.5;

std::string setting(std::span<const Attribute> params, const ParamText& known) {
  for (const Attribute& param : params)
    if (param.key == known.name) return param.value;
  return std::string(known.fallback);
}

bool is_grown_by_deleted(const Entity& filesystem, const HostView& host) {
  return std::ranges::any_of(host.growing_files(filesystem, kFactsAge), [](const Event* file) {
    return file->get(attr::kFilePath).ends_with(kDeletedMark) &&
           parse_double(file->get(attr::kFileGrowthShare)).value_or(0) >= kLeastShare;
  });
}

Result<Plan> plan(const Incident& incident, const HostView& host, std::span<const Attribute> params) {
  if (incident.root.kind != EntityKind::filesystem)
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a filesystem");
  const std::string least = setting(params, kParams[0]), growing = setting(params, kParams[1]);
  if (growing != "any" && growing != "only") return make_error(ErrorCode::malformed, "growing is not any or only");
  if (growing == "only" && !is_grown_by_deleted(incident.root, host))
    return make_error(ErrorCode::not_found, "no deleted file is seen to grow on " + to_string(incident.root));
  Plan plan;
  plan.action = kDeletedFilesReopen.name;
  plan.target = incident.root;
  plan.parameters = {{"least", least}};
  plan.what = "reload the service that holds the most room in deleted files on " + incident.root.name;
  plan.command = "lsof +L1 " + shell_quote(incident.root.name) + "; systemctl reload UNIT";
  plan.timeout = kDeletedFilesReopen.timeout;
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_common(plan, kDeletedFilesReopen, kPlanParams); !status) return status;
  if (!is_clean_path(plan.target.name)) return make_error(ErrorCode::malformed, "the target is not a mount point");
  const auto least = parse_bytes(plan.get("least"));
  if (!least || *least < mib(1)) return make_error(ErrorCode::malformed, "least is not a size of at least 1MiB");
  return ok();
}

}  // namespace

const ActionInfo kDeletedFilesReopen{
    .name = "deleted_files.reopen",
    .summary = "reload the service that holds the room of deleted files, so that it closes them",
    .targets = kinds(EntityKind::filesystem),
    .params = kParams,
    .reversible = false,
    .local_safe = false,
    .capabilities = "CAP_DAC_READ_SEARCH CAP_SYS_PTRACE",
    .timeout = std::chrono::seconds(60),
    .cost = "The service reads its configuration again.",
    .undo = "",
    .plan = plan,
    .validate = validate};

}  // namespace hostmedic
