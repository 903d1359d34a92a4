// SPDX-License-Identifier: Apache-2.0
// script.run: a script that root put into the directory of scripts, in a unit that is shut but for what the script
// declares.
#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/script_run/script_args.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::string_view kDirectory = "/etc/hostmedic/scripts.d/";
constexpr std::string_view kTarget = "{target}", kNone = "-";
constexpr ParamText kParams[] = {
    {"script", "", "a file in /etc/hostmedic/scripts.d"},
    {"args", "-", "up to 8 words; {target} is the name of what is treated"},
    {"undo", "-", "a script that takes it back, called with the same words; none: it cannot be taken back"}};
constexpr std::string_view kPlanParams[] = {"script", "args", "undo"};

std::string with_target(std::string_view text, std::string_view target) {
  std::string filled(text);
  for (std::size_t at = 0; (at = filled.find(kTarget, at)) != std::string::npos; at += target.size())
    filled.replace(at, kTarget.size(), target);
  return filled;
}

std::string command_of(std::string_view script, std::string_view args) {
  return std::string(kDirectory) + std::string(script) + (args.empty() ? "" : " ") + std::string(args);
}

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  Plan plan;
  plan.action = kScriptRun.name;
  plan.target = incident.root;
  for (const Attribute& param : params) {
    if (param.value == kNone) continue;
    plan.parameters.push_back(
        {param.key, param.key == "args" ? with_target(param.value, incident.root.name) : param.value});
  }
  const std::string_view script = plan.get("script"), undo = plan.get("undo");
  if (script.empty()) return make_error(ErrorCode::malformed, "no script is named");
  const auto args = script_arguments(plan.get("args"));
  if (!args) return args.error();
  plan.what = "run root's script " + printable(script, 64) + " for " + to_string(incident.root);
  plan.command = command_of(script, plan.get("args"));
  if (!undo.empty()) plan.undo = "by running root's script " + printable(undo, 64);
  plan.timeout = kScriptRun.timeout;
  return plan;
}

Status validate(const Plan& plan) {
  const auto malformed = [](const char* why) { return make_error(ErrorCode::malformed, why); };
  if (Status status = check_common(plan, kScriptRun, kPlanParams); !status) return status;
  if (!is_script_name(plan.get("script"))) return malformed("script is not the name of a file");
  if (!plan.get("undo").empty() && !is_script_name(plan.get("undo")))
    return malformed("undo is not the name of a file");
  if (const auto args = script_arguments(plan.get("args")); !args) return args.error();
  if (plan.target.kind == EntityKind::service && !is_service_unit(plan.target.name))
    return malformed("the target is not the name of a service unit");
  return ok();
}

}  // namespace

const ActionInfo kScriptRun{
    .name = "script.run",
    .summary = "run a script that root put into /etc/hostmedic/scripts.d",
    .targets = kinds(EntityKind::host, EntityKind::filesystem, EntityKind::block_device, EntityKind::network_interface,
                     EntityKind::service, EntityKind::container, EntityKind::process, EntityKind::endpoint,
                     EntityKind::certificate, EntityKind::package),
    .params = kParams,
    .reversible = false,
    .local_safe = false,
    .capabilities = "",
    .timeout = std::chrono::seconds(60),
    .cost = "What the script does.",
    .undo = "",
    .plan = plan,
    .validate = validate};

}  // namespace hostmedic
