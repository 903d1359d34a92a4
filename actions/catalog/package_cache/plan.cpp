// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"

namespace hostmedic {
namespace {

constexpr std::string_view kCache = "/var/cache";

Result<Plan> plan(const Incident& incident, const HostView& host, std::span<const Attribute>) {
  if (incident.root.kind != EntityKind::filesystem)
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a filesystem");
  if (const std::string mount = mount_of(kCache, host); mount != incident.root.name)
    return make_error(ErrorCode::not_found, "the package manager's cache is not on " + incident.root.name);
  Plan plan;
  plan.action = kPackageCacheClean.name;
  plan.target = incident.root;
  plan.what = "remove the packages that the package manager has fetched and installed";
  plan.command = "apt-get clean";
  plan.timeout = kPackageCacheClean.timeout;
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_common(plan, kPackageCacheClean, {}); !status) return status;
  if (!is_clean_path(plan.target.name)) return make_error(ErrorCode::malformed, "the target is not a mount point");
  if (plan.target.name != kCache && !is_below(kCache, plan.target.name) && !is_below(plan.target.name, kCache))
    return make_error(ErrorCode::malformed, "the target does not hold the package manager's cache");
  return ok();
}

}  // namespace

const ActionInfo kPackageCacheClean{.name = "package_cache.clean",
                                    .summary = "remove fetched packages from the package manager's cache",
                                    .targets = kinds(EntityKind::filesystem),
                                    .params = {},
                                    .reversible = false,
                                    .local_safe = true,
                                    .capabilities = "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER",
                                    .timeout = std::chrono::seconds(60),
                                    .cost = "A package that is wanted again is fetched again.",
                                    .undo = "",
                                    .plan = plan,
                                    .validate = validate};

}  // namespace hostmedic
