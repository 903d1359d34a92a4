// SPDX-License-Identifier: Apache-2.0
// service.kill_process, process.terminate and memory.relieve: the end of one process. Which one, the effect decides
// within the bounds that the plan names.
#include <algorithm>

#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"
#include "agent/base/bytes.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic {
namespace {

constexpr ParamText kGrace{"grace", "10s", "time to end by itself after SIGTERM, before SIGKILL; at most 60s"};
constexpr ParamText kLeast{"least", "0", "it must take so many bytes, descriptors, threads or percent of one CPU"};
constexpr ParamText kKillParams[] = {
    {"victim", "largest_memory", "which of its processes: largest_memory, most_fds, most_threads, most_cpu, main"},
    kLeast,
    kGrace,
};
constexpr ParamText kTerminateParams[] = {
    {"victim", "largest_memory", "which of the group: largest_memory, most_fds, most_threads, most_cpu"},
    {"unit", "any", "only a process of this systemd unit"},
    kLeast,
    kGrace,
};
constexpr ParamText kRelieveParams[] = {
    {"need", "auto", "bytes to be freed; auto: down to 85% of the host's memory, or a tenth of it"},
    {"least_share", "0.2", "the victim must hold at least this share of what all processes take"},
    kGrace,
};
// Beside them the effect's own: who is spared by the policy, and the main process as systemd names it.
constexpr std::string_view kKillPlanParams[] = {"victim", "least", "grace", "spare", "main_pid"};
constexpr std::string_view kTerminatePlanParams[] = {"victim", "unit", "least", "grace", "spare"};
constexpr std::string_view kRelievePlanParams[] = {"need", "least_share", "grace", "spare", "unit"};
constexpr std::string_view kVictims[] = {"largest_memory", "most_fds", "most_threads", "most_cpu"};
constexpr Duration kMostGrace = std::chrono::seconds(60);

Status malformed(std::string context) { return make_error(ErrorCode::malformed, std::move(context)); }

std::string_view in_words(std::string_view victim) {
  if (victim == "most_fds") return "the process with most descriptors";
  if (victim == "most_threads") return "the process with most threads";
  if (victim == "most_cpu") return "the process that uses most CPU time";
  if (victim == "main") return "the main process";
  return "the process that takes most memory";
}

void take(Plan& plan, const ActionInfo& info, std::span<const Attribute> params, std::string_view name) {
  plan.parameters.push_back({std::string(name), std::string(setting(info, params, name))});
}

std::string by_signals(const Plan& plan) { return " (SIGTERM, after " + std::string(plan.get("grace")) + " SIGKILL)"; }

Result<Plan> plan_kill(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  const auto service = service_of(incident);
  if (!service) return service.error();
  auto plan = begin_plan(kServiceKillProcess, *service, params);
  if (!plan) return plan;
  for (const ParamText& param : kKillParams) take(*plan, kServiceKillProcess, params, param.name);
  const bool main = plan->get("victim") == "main";
  plan->what = "end " + std::string(in_words(plan->get("victim"))) + " of " + service->name + by_signals(*plan);
  plan->command = "systemctl kill " + std::string(main ? "--kill-whom=main " : "") + shell_quote(service->name);
  return plan;
}

Result<Plan> plan_terminate(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  const Entity* group = incident.root.kind == EntityKind::process ? &incident.root : nullptr;
  if (group == nullptr) {
    const auto cause = std::ranges::find(incident.causes, EntityKind::process, &Entity::kind);
    if (cause == incident.causes.end())
      return make_error(ErrorCode::unsupported, to_string(incident.root) + " is no process, and none is its cause");
    group = &*cause;
  }
  auto plan = begin_plan(kProcessTerminate, *group, params);
  if (!plan) return plan;
  for (const ParamText& param : kTerminateParams) take(*plan, kProcessTerminate, params, param.name);
  plan->what =
      "end " + std::string(in_words(plan->get("victim"))) + " among those named " + group->name + by_signals(*plan);
  plan->command = "pkill --newest --exact " + shell_quote(group->name);
  return plan;
}

Result<std::uint64_t> needed(const HostView& host, std::string_view need) {
  constexpr double kGoal = 0.85, kLeastPart = 0.1;
  if (need != "auto") {
    const auto bytes = parse_bytes(need);
    if (!bytes) return Error(bytes.error()).in("need");
    return bytes->count;
  }
  const Entity here{};
  const auto limit = host.value(here, metric::kMemoryLimit.name),
             used = host.value(here, metric::kMemoryUtilization.name);
  if (!limit || !used) return make_error(ErrorCode::not_found, "the host's memory is not known");
  return static_cast<std::uint64_t>(std::max(*used - kGoal, kLeastPart) * *limit);
}

Result<Plan> plan_relieve(const Incident& incident, const HostView& host, std::span<const Attribute> params) {
  const auto service = service_of(incident);
  if (!service && incident.root.kind != EntityKind::host) return service.error();
  const auto need = needed(host, setting(kMemoryRelieve, params, "need"));
  if (!need) return need.error();
  auto plan = begin_plan(kMemoryRelieve, incident.root.kind == EntityKind::host ? incident.root : *service, params);
  if (!plan) return plan;
  plan->parameters.push_back({"need", strf("%llu", static_cast<unsigned long long>(*need))});
  take(*plan, kMemoryRelieve, params, "least_share");
  take(*plan, kMemoryRelieve, params, "grace");
  // What is known to cause it bounds the choice.
  if (service) plan->parameters.push_back({"unit", service->name});
  plan->what = "end the smallest process " + (service ? "of " + service->name + " " : std::string()) + "that gives " +
               format_bytes(Bytes{*need}) + " of memory back" + by_signals(*plan);
  plan->command = "ps -eo pid,rss,comm --sort=-rss | head";
  return plan;
}

Status check_ending(const Plan& plan) {
  const auto grace = parse_duration(plan.get("grace"));
  if (!grace || *grace > kMostGrace) return malformed("grace is not a duration up to 60s");
  if (*grace >= plan.timeout) return malformed("grace is as long as the time limit");
  const std::string_view unit = plan.get("unit"), main = plan.get("main_pid");
  if (!unit.empty() && unit != "any" && !is_service_unit(unit)) return malformed("unit is not the name of a service");
  if (!main.empty() && !parse_u64(main)) return malformed("main_pid is not a number");
  return ok();
}

Status check_choice(const Plan& plan, bool main_too) {
  const std::string_view victim = plan.get("victim");
  if (std::ranges::find(kVictims, victim) == std::end(kVictims) && !(main_too && victim == "main"))
    return malformed("victim is not one of those known");
  if (!parse_u64(plan.get("least"))) return malformed("least is not a number");
  return check_ending(plan);
}

Status validate_kill(const Plan& plan) {
  if (Status status = check_unit_plan(plan, kServiceKillProcess, kKillPlanParams); !status) return status;
  return check_choice(plan, true);
}

Status validate_terminate(const Plan& plan) {
  if (Status status = check_common(plan, kProcessTerminate, kTerminatePlanParams); !status) return status;
  const std::string& name = plan.target.name;
  // "(other executables)" stands for all that are not shown by name.
  if (name.empty() || name.size() > 64 || name == "(other executables)" || name == "(unnamed)" ||
      printable(name, 64) != name)
    return malformed("the target is not the name of a process");
  return check_choice(plan, false);
}

Status validate_relieve(const Plan& plan) {
  if (Status status = check_unit_plan(plan, kMemoryRelieve, kRelievePlanParams); !status) return status;
  if (plan.target.kind == EntityKind::service && plan.get("unit") != plan.target.name)
    return malformed("unit is not the target");
  const auto need = parse_u64(plan.get("need"));
  if (!need || *need < mib(1).count || *need > gib(64 * 1024).count)
    return malformed("need is not a number of bytes from 1MiB to 64TiB");
  const auto share = parse_double(plan.get("least_share"));
  if (!share || *share < 0.05 || *share > 1) return malformed("least_share is not within 0.05 and 1");
  return check_ending(plan);
}

}  // namespace

const ActionInfo kServiceKillProcess{.name = "service.kill_process",
                                     .summary = "end one process of a service",
                                     .targets = kinds(EntityKind::service),
                                     .params = kKillParams,
                                     .reversible = false,
                                     .local_safe = false,
                                     .capabilities = "CAP_DAC_READ_SEARCH CAP_KILL",
                                     .timeout = std::chrono::seconds(90),
                                     .cost = "What that process was doing is lost; the others of the service go on.",
                                     .undo = "",
                                     .plan = plan_kill,
                                     .validate = validate_kill};

const ActionInfo kProcessTerminate{.name = "process.terminate",
                                   .summary = "end one process of a group of the same name",
                                   .targets = kinds(EntityKind::process),
                                   .params = kTerminateParams,
                                   .reversible = false,
                                   .local_safe = false,
                                   .capabilities = "CAP_DAC_READ_SEARCH CAP_KILL",
                                   .timeout = std::chrono::seconds(90),
                                   .cost = "What that process was doing is lost.",
                                   .undo = "",
                                   .plan = plan_terminate,
                                   .validate = validate_terminate};

const ActionInfo kMemoryRelieve{.name = "memory.relieve",
                                .summary = "end the smallest process that gives enough memory back",
                                .targets = kinds(EntityKind::host, EntityKind::service),
                                .params = kRelieveParams,
                                .reversible = false,
                                .local_safe = false,
                                .capabilities = "CAP_KILL",
                                .timeout = std::chrono::seconds(90),
                                .cost = "What that process was doing is lost; no other is touched.",
                                .undo = "",
                                .plan = plan_relieve,
                                .validate = validate_relieve};

}  // namespace hostmedic
