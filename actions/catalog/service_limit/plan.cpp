// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"
#include "actions/catalog/service_limit/limits.h"

namespace hostmedic {
namespace {

constexpr ParamText kParams[] = {
    {"cpu_quota", "keep", "CPUQuota: 5% and more (100% is one CPU), none, or a factor of the present value: x1.5"},
    {"memory_high", "keep", "MemoryHigh: 16MiB and more, none, or a factor"},
    {"memory_max", "keep", "MemoryMax: 16MiB and more, none, or a factor"},
    {"io_weight", "keep", "IOWeight: 1 to 10000, none, or a factor"},
    {"tasks_max", "keep", "TasksMax: 16 and more, none, or a factor"},
    kLastsParam,
};
constexpr std::string_view kPlanParams[] = {"cpu_quota", "memory_high", "memory_max", "io_weight", "tasks_max"};

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  const auto service = service_of(incident);
  if (!service) return service.error();
  auto plan = begin_plan(kServiceLimit, *service, params);
  if (!plan) return plan;
  std::string assignments, words;
  for (const LimitInfo& limit : known_limits()) {
    const std::string text(setting(kServiceLimit, params, limit.param));
    if (text == "keep") continue;
    plan->parameters.push_back({std::string(limit.param), text});
    const std::string name = limit.param == "cpu_quota" ? "CPUQuota" : std::string(limit.property);
    assignments += " " + name + "=" + (text == "none" ? "infinity" : text);
    words += (words.empty() ? "" : ", ") + name + " " + text;
  }
  if (words.empty()) return make_error(ErrorCode::malformed, "the runbook names no limit to set");
  plan->what = "set for " + service->name + ": " + words;
  plan->command = "systemctl set-property --runtime " + shell_quote(service->name) + assignments;
  plan->undo = "The limits become what they were.";
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_unit_plan(plan, kServiceLimit, kPlanParams); !status) return status;
  if (plan.parameters.empty()) return make_error(ErrorCode::malformed, "no limit is named");
  for (const LimitInfo& limit : known_limits()) {
    const std::string_view text = plan.get(limit.param);
    if (text.empty()) continue;
    if (const auto wish = parse_wish(limit, text); !wish) return wish.error();
  }
  for (const Attribute& parameter : plan.parameters)
    if (parameter.value.empty()) return make_error(ErrorCode::malformed, parameter.key + " is empty");
  return ok();
}

}  // namespace

const ActionInfo kServiceLimit{.name = "service.limit",
                               .summary = "raise or lower the limits of a service",
                               .targets = kinds(EntityKind::service),
                               .params = kParams,
                               .reversible = true,
                               .local_safe = false,
                               .capabilities = "",
                               .timeout = std::chrono::seconds(30),
                               .cost =
                                   "Lowered, the service is slower, or ended by the kernel at its memory limit; "
                                   "raised, it takes from others.",
                               .undo = "Each limit becomes exactly what it was.",
                               .plan = plan,
                               .validate = validate};

}  // namespace hostmedic
