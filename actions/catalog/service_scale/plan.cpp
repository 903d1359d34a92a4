// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"
#include "actions/catalog/service_scale/instance.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr ParamText kParams[] = {
    {"direction", "out", "out: one more instance; in: one less"},
    {"most", "4", "instances there may be, at most 32"},
    {"least", "1", "instances that stay"},
    kLastsParam,
};
constexpr std::string_view kPlanParams[] = {"direction", "most", "least"};

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  const auto service = service_of(incident);
  if (!service) return service.error();
  const auto instance = instance_of(service->name);
  if (!instance)
    return make_error(ErrorCode::unsupported, service->name + " is not a numbered instance of a template (name@N)");
  auto plan = begin_plan(kServiceScale, *service, params);
  if (!plan) return plan;
  for (const std::string_view name : kPlanParams)
    plan->parameters.push_back({std::string(name), std::string(setting(kServiceScale, params, name))});
  const bool out = plan->get("direction") == "out";
  plan->what =
      out ? "start one more instance of " + instance->prefix + ", " + std::string(plan->get("most")) + " at most"
          : "stop one instance of " + instance->prefix + ", " + std::string(plan->get("least")) + " stay";
  plan->command = std::string("systemctl ") + (out ? "start " : "stop ") + shell_quote(instance->prefix) + "N";
  plan->undo = out ? "The instance is stopped again." : "The instance is started again.";
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_unit_plan(plan, kServiceScale, kPlanParams); !status) return status;
  const auto malformed = [](std::string context) { return make_error(ErrorCode::malformed, std::move(context)); };
  if (!instance_of(plan.target.name)) return malformed("the target is not a numbered instance of a template");
  if (plan.get("direction") != "out" && plan.get("direction") != "in")
    return malformed("direction is neither out nor in");
  const auto most = parse_u64(plan.get("most")), least = parse_u64(plan.get("least"));
  if (!most || *most < 1 || *most > kMostInstances) return malformed("most is not a number from 1 to 32");
  if (!least || *least < 1 || *least > *most) return malformed("least is not a number from 1 to most");
  return ok();
}

}  // namespace

std::optional<Instance> instance_of(std::string_view unit) {
  constexpr std::string_view kSuffix = ".service";
  const std::size_t at = unit.find('@');
  if (at == std::string_view::npos || at == 0 || !unit.ends_with(kSuffix)) return std::nullopt;
  const std::string_view text = unit.substr(at + 1, unit.size() - at - 1 - kSuffix.size());
  const auto number = parse_u64(text);
  if (!number || *number > 9999 || std::to_string(*number) != text) return std::nullopt;
  return Instance{std::string(unit.substr(0, at + 1)), *number};
}

std::string name_of(const Instance& instance) { return instance.prefix + std::to_string(instance.number) + ".service"; }

const ActionInfo kServiceScale{
    .name = "service.scale",
    .summary = "start or stop one instance of a templated service",
    .targets = kinds(EntityKind::service),
    .params = kParams,
    .reversible = true,
    .local_safe = false,
    .capabilities = "",
    .timeout = std::chrono::seconds(60),
    .cost = "A further instance takes memory and CPU; one less leaves its share to the others.",
    .undo = "That instance is stopped, or started, again.",
    .plan = plan,
    .validate = validate};

}  // namespace hostmedic
