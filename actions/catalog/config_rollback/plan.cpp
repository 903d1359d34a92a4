// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "actions/catalog/catalog.h"
#include "actions/catalog/config_rollback/store.h"
#include "actions/catalog/plan_check.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr ParamText kParams[] = {
    {"path", "auto", "the file; auto: the configuration file whose change is the likeliest cause"},
    {"apply", "reload", "reload: a running service is reloaded, another is restarted; restart"},
};
constexpr std::string_view kPlanParams[] = {"path", "apply"};

std::string setting(std::span<const Attribute> params, const ParamText& known) {
  for (const Attribute& param : params)
    if (param.key == known.name) return param.value;
  return std::string(known.fallback);
}

// "configuration /etc/nginx/nginx.conf of nginx.service was modified"
std::optional<std::string> changed_file(const Incident& incident) {
  if (incident.changes.empty()) return std::nullopt;
  const auto words = split(incident.changes.front().text, ' ');
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == "configuration" && is_kept_config(words[i + 1])) return std::string(words[i + 1]);
  return std::nullopt;
}

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  if (incident.root.kind != EntityKind::service)
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a service");
  std::string path = setting(params, kParams[0]);
  if (path == "auto") {
    const auto changed = changed_file(incident);
    if (!changed) return make_error(ErrorCode::not_found, "the likeliest cause is no change of a configuration file");
    path = *changed;
  }
  Plan plan;
  plan.action = kConfigRollback.name;
  plan.target = incident.root;
  plan.parameters = {{"path", path}, {"apply", setting(params, kParams[1])}};
  plan.what =
      "put " + path + " back to what was kept as good and " + std::string(plan.get("apply")) + " " + incident.root.name;
  plan.command = "cp " + shell_quote(std::string(kKnownGood) + path) + " " + shell_quote(path) + " && systemctl " +
                 std::string(plan.get("apply")) + " " + shell_quote(incident.root.name);
  plan.undo = "put the replaced content back and " + std::string(plan.get("apply")) + " " + incident.root.name;
  plan.timeout = kConfigRollback.timeout;
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_common(plan, kConfigRollback, kPlanParams); !status) return status;
  if (!is_service_unit(plan.target.name))
    return make_error(ErrorCode::malformed, "the target is not the name of a service unit");
  if (!is_kept_config(plan.get("path")))
    return make_error(ErrorCode::malformed, "path is no configuration file that may be put back");
  if (plan.get("apply") != "reload" && plan.get("apply") != "restart")
    return make_error(ErrorCode::malformed, "apply is neither reload nor restart");
  return ok();
}

}  // namespace

bool is_kept_config(std::string_view path) {
  constexpr std::string_view kNever[] = {"/etc/crypttab",  "/etc/fstab", "/etc/group",   "/etc/gshadow",
                                         "/etc/hostmedic", "/etc/pam.d", "/etc/passwd",  "/etc/security",
                                         "/etc/shadow",    "/etc/ssh",   "/etc/sudoers", "/etc/sudoers.d"};
  return is_clean_path(path) && is_below(path, "/etc") &&
         std::none_of(std::begin(kNever), std::end(kNever),
                      [&](std::string_view never) { return path == never || is_below(path, never); });
}

const ActionInfo kConfigRollback{
    .name = "config.rollback",
    .summary = "put a configuration file back to what was kept as good and reload its service",
    .targets = kinds(EntityKind::service),
    .params = kParams,
    .reversible = true,
    .local_safe = false,
    .capabilities = "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER",
    .timeout = std::chrono::seconds(60),
    .cost = "What was meant by the change is gone from the file; it is kept beside the actuator's ledger.",
    .undo = "The replaced content is put back and the service reloaded.",
    .plan = plan,
    .validate = validate};

}  // namespace hostmedic
