// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/certificate_renew/units.h"
#include "actions/catalog/plan_check.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr ParamText kParams[] = {
    {"unit", "", "the service that renews it, such as certbot.service"},
    {"reload", "none", "services that load it again then, separated by commas"},
    {"near", "30d", "nothing is done while it is valid for longer than this"},
};
constexpr std::string_view kPlanParams[] = {"unit", "reload", "near", "path"};

Status malformed(std::string context) { return make_error(ErrorCode::malformed, std::move(context)); }

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  if (incident.root.kind != EntityKind::certificate)
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a certificate");
  if (!is_clean_path(incident.root.name))
    return make_error(ErrorCode::unsupported, "'" + incident.root.name + "' is not the file of a certificate");
  Plan plan;
  plan.action = kCertificateRenew.name;
  plan.target = incident.root;
  for (const ParamText& known : kParams) {
    std::string value(known.fallback);
    for (const Attribute& param : params)
      if (param.key == known.name) value = param.value;
    plan.parameters.push_back({std::string(known.name), value});
  }
  plan.parameters.push_back({"path", incident.root.name});
  const std::string unit(plan.get("unit"));
  plan.what = "renew " + incident.root.name + " by " + unit;
  if (plan.get("reload") != "none") plan.what += ", then reload " + std::string(plan.get("reload"));
  plan.command = "systemctl start " + shell_quote(unit);
  for (const std::string& user : units_of(plan.get("reload"))) {
    plan.command += " && systemctl reload " + shell_quote(user);
  }
  plan.timeout = kCertificateRenew.timeout;
  return plan;
}

Status validate(const Plan& plan) {
  constexpr std::size_t kMostUsers = 8;
  if (Status status = check_common(plan, kCertificateRenew, kPlanParams); !status) return status;
  if (!is_clean_path(plan.get("path")) || plan.get("path") != plan.target.name)
    return malformed("path is not the target's file");
  if (!is_service_unit(plan.get("unit"))) return malformed("unit is not the name of a service unit");
  const std::vector<std::string> users = units_of(plan.get("reload"));
  for (const std::string& user : users)
    if (!is_service_unit(user)) return malformed("reload names what is not a service unit");
  if (users.size() > kMostUsers) return malformed("reload names more than 8 units");
  const auto near = parse_duration(plan.get("near"));
  if (!near || *near > std::chrono::hours(24 * 90)) return malformed("near is not a duration up to 90d");
  return ok();
}

}  // namespace

std::vector<std::string> units_of(std::string_view list) {
  std::vector<std::string> units;
  if (list == "none") return units;
  for (const std::string_view unit : split(list, ',')) units.emplace_back(trim(unit));
  return units;
}

const ActionInfo kCertificateRenew{
    .name = "certificate.renew",
    .summary = "run the unit that renews a certificate, then reload its users",
    .targets = kinds(EntityKind::certificate),
    .params = kParams,
    .reversible = false,
    .local_safe = false,
    .capabilities = "",
    .timeout = std::chrono::seconds(180),
    .cost = "Whoever signs it counts requests; its users read their configuration again.",
    .undo = "",
    .plan = plan,
    .validate = validate};

}  // namespace hostmedic
