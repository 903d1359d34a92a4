// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/package_rollback/versions.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"

namespace hostmedic {
namespace {

constexpr std::string_view kPlanParams[] = {"package", "version", "from", "network"};
constexpr ParamText kParams[] = {{"network", "yes", "whether the version may be fetched from a repository: yes, no"}};

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  if (incident.root.kind != EntityKind::service && incident.root.kind != EntityKind::package)
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is neither a service nor a package");
  // The likeliest cause first: what is no upgrade of a package there is not looked behind.
  if (incident.changes.empty()) return make_error(ErrorCode::not_found, "nothing was changed shortly before");
  const RecentChange& change = incident.changes.front();
  const auto upgrade = upgrade_from(change.text);
  if (!upgrade || change.entity.kind != EntityKind::package)
    return make_error(ErrorCode::not_found, "the likeliest cause is no upgrade of a package: " + change.text);
  const std::string network(setting(kPackageRollback, params, "network"));
  Plan plan;
  plan.action = kPackageRollback.name;
  plan.target = incident.root;
  plan.parameters = {
      {"package", upgrade->package}, {"version", upgrade->from}, {"from", upgrade->to}, {"network", network}};
  plan.what = "put package " + upgrade->package + " back from " + upgrade->to + " to " + upgrade->from;
  plan.command = "apt-get install --allow-downgrades " + upgrade->package + "=" + upgrade->from;
  plan.undo = "install " + upgrade->package + " " + upgrade->to + " again";
  plan.timeout = kPackageRollback.timeout;
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_common(plan, kPackageRollback, kPlanParams); !status) return status;
  if (!is_apt_package(plan.get("package"))) return make_error(ErrorCode::malformed, "package is no name of a package");
  if (is_vital_package(plan.get("package")))
    return make_error(ErrorCode::denied, std::string(plan.get("package")) + " is never put back by itself");
  if (!is_apt_version(plan.get("version")) || !is_apt_version(plan.get("from")) ||
      plan.get("version") == plan.get("from"))
    return make_error(ErrorCode::malformed, "version and from are not two versions");
  if (plan.get("network") != "yes" && plan.get("network") != "no")
    return make_error(ErrorCode::malformed, "network is neither yes nor no");
  if (plan.target.kind == EntityKind::service ? !is_service_unit(plan.target.name)
                                              : plan.target.name != plan.get("package"))
    return make_error(ErrorCode::malformed, "the target is neither a service unit nor the package");
  return ok();
}

}  // namespace

const ActionInfo kPackageRollback{
    .name = "package.rollback",
    .summary = "install the previous version of a package whose upgrade broke something",
    .targets = kinds(EntityKind::service, EntityKind::package),
    .params = kParams,
    .reversible = true,
    .local_safe = false,
    .capabilities = "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SYS_CHROOT",
    .timeout = std::chrono::minutes(5),
    .cost = "The package's services are restarted; what the newer version has converted stays converted.",
    .undo = "The newer version is installed again.",
    .plan = plan,
    .validate = validate};

}  // namespace hostmedic
