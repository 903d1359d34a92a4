// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"

namespace hostmedic {
namespace {

constexpr std::string_view kName = "/hostmedic.reserve";
constexpr ParamText kParams[] = {{"path", "/var/lib/hostmedic-actuator/hostmedic.reserve",
                                  "the reserve, which root has made; called hostmedic.reserve"}};
constexpr std::string_view kPlanParams[] = {"path"};

// No other file of root's is given up, whoever asks. Not directly in "/", which the effect would have to write to.
bool is_reserve(std::string_view path) {
  return is_clean_path(path) && path.ends_with(kName) && path != kName && !is_system_path(path);
}

Result<Plan> plan(const Incident& incident, const HostView& host, std::span<const Attribute> params) {
  if (incident.root.kind != EntityKind::filesystem)
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a filesystem");
  std::string path(kParams[0].fallback);
  for (const Attribute& param : params)
    if (param.key == kParams[0].name) path = param.value;
  if (!is_reserve(path)) return make_error(ErrorCode::malformed, "'" + path + "' is not called hostmedic.reserve");
  if (const std::string mount = mount_of(path, host); mount != incident.root.name)
    return make_error(ErrorCode::not_found, "the reserve " + path + " is not on " + incident.root.name);
  Plan plan;
  plan.action = kReserveRelease.name;
  plan.target = incident.root;
  plan.parameters = {{"path", path}};
  plan.what = "give up the reserve " + path;
  plan.command = "rm " + shell_quote(path);
  plan.undo = "make the reserve again, once there is room";
  plan.timeout = kReserveRelease.timeout;
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_common(plan, kReserveRelease, kPlanParams); !status) return status;
  const std::string_view path = plan.get("path");
  if (!is_clean_path(plan.target.name)) return make_error(ErrorCode::malformed, "the target is not a mount point");
  if (!is_reserve(path)) return make_error(ErrorCode::malformed, "path is not that of a reserve");
  if (!is_below(path, plan.target.name))
    return make_error(ErrorCode::malformed, "path is not on the target filesystem");
  return ok();
}

}  // namespace

const ActionInfo kReserveRelease{
    .name = "reserve.release",
    .summary = "give up a file that was made to hold room for an emergency",
    .targets = kinds(EntityKind::filesystem),
    .params = kParams,
    .reversible = true,
    .local_safe = true,
    .capabilities = "",
    .timeout = std::chrono::seconds(30),
    .cost = "The next emergency finds no reserve until it is made again.",
    .undo = "The reserve is made again, if that leaves a twentieth of the filesystem free.",
    .plan = plan,
    .validate = validate};

}  // namespace hostmedic
