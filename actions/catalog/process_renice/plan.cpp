// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr ParamText kParams[] = {
    {"nice", "10", "from 1 to 19: who is nicer already is left alone"},
    {"io", "keep", "keep, low (best effort, the last level) or idle (only when nobody else wants the disk)"},
    {"lasts", "30m", "taken back by itself after so long; 0s: it stays"},
};
constexpr std::string_view kPlanParams[] = {"nice", "io", "spare"};

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  const auto service = service_of(incident);
  const bool group = incident.root.kind == EntityKind::process;
  const bool host = !service && incident.root.kind == EntityKind::host;
  if (!group && !host && !service) return service.error();
  auto plan = begin_plan(kProcessRenice, group || host ? incident.root : *service, params);
  if (!plan) return plan;
  const std::string nice(setting(kProcessRenice, params, "nice")), io(setting(kProcessRenice, params, "io"));
  plan->parameters = {{"nice", nice}, {"io", io}};
  plan->what = "let " +
               (host ? std::string("the busiest process")
                     : std::string("the processes ") + (group ? "named " : "of ") + plan->target.name) +
               " wait for others: nice " + nice + (io == "keep" ? "" : ", disk " + io);
  const std::string which =
      host ? "ps -eo pid= --sort=-pcpu | head -1"
           : std::string("pgrep ") + (group ? "--exact " : "--cgroup /system.slice/") + shell_quote(plan->target.name);
  plan->command = "renice -n " + nice + " -p $(" + which + ")";
  plan->undo = "Each process that still is as it was set gets back what it had.";
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_unit_plan(plan, kProcessRenice, kPlanParams); !status) return status;
  const auto malformed = [](std::string context) { return make_error(ErrorCode::malformed, std::move(context)); };
  if (plan.target.kind == EntityKind::process && (plan.target.name.empty() || plan.target.name.front() == '('))
    return malformed("the target is not the name of a process");
  const auto nice = parse_u64(plan.get("nice"));
  if (!nice || *nice < 1 || *nice > 19) return malformed("nice is not a number from 1 to 19");
  const std::string_view io = plan.get("io");
  if (io != "keep" && io != "low" && io != "idle") return malformed("io is not keep, low or idle");
  return ok();
}

}  // namespace

const ActionInfo kProcessRenice{.name = "process.renice",
                                .summary = "let processes wait for others that want the CPU or the disk",
                                .targets = kinds(EntityKind::host, EntityKind::service, EntityKind::process),
                                .params = kParams,
                                .reversible = true,
                                .local_safe = true,
                                .capabilities = "CAP_SYS_NICE",
                                .timeout = std::chrono::seconds(30),
                                .cost = "They are slower while others want the same; alone they are as fast as before.",
                                .undo = "Each process gets back the priority it had.",
                                .plan = plan,
                                .validate = validate};

}  // namespace hostmedic
