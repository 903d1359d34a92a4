// SPDX-License-Identifier: Apache-2.0
// evidence.collect: what is known of a service, a container or a group of processes now, before it is gone.
#include "actions/catalog/catalog.h"
#include "actions/catalog/container/container_name.h"
#include "actions/catalog/evidence_collect/manifest.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr ParamText kParams[] = {{"most_bytes", "32MiB", "of all that is collected, before it is packed"},
                                 {"journal", "15m", "of the journal, back from now"}};
// package: the actuator adds it, whatever came.
constexpr std::string_view kPlanParams[] = {"most_bytes", "journal", "package"};

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  if (!has(kEvidenceCollect.targets, incident.root.kind))
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a service, container or process");
  const auto most = parse_bytes(setting(kEvidenceCollect, params, "most_bytes"));
  const auto journal = parse_duration(setting(kEvidenceCollect, params, "journal"));
  if (!most) return Error(most.error()).in("most_bytes");
  if (!journal) return Error(journal.error()).in("journal");
  Plan plan;
  plan.action = kEvidenceCollect.name;
  plan.target = incident.root;
  // Processes of a container are seen in its scope, which is no service.
  if (!container_id_of(incident.root.name).empty())
    if (auto container = container_of(incident)) plan.target = std::move(*container);
  plan.parameters = {{"most_bytes", strf("%llu", static_cast<unsigned long long>(most->count))},
                     {"journal", strf("%lld", static_cast<long long>(*journal / std::chrono::seconds(1)))}};
  plan.what = "collect evidence about " + to_string(plan.target) + ", at most " + format_bytes(*most);
  plan.command = "hostmedic evidence list";
  plan.timeout = kEvidenceCollect.timeout;
  return plan;
}

Status validate(const Plan& plan) {
  const auto malformed = [](const char* why) { return make_error(ErrorCode::malformed, why); };
  if (Status status = check_common(plan, kEvidenceCollect, kPlanParams); !status) return status;
  if (plan.target.kind == EntityKind::service && !is_service_unit(plan.target.name))
    return malformed("the target is not the name of a service unit");
  if (plan.target.name.empty() || plan.target.name.find('/') != std::string::npos)
    return malformed("the target is not a name");
  const auto most = parse_u64(plan.get("most_bytes"));
  if (!most || *most < kib(64).count || *most > mib(256).count)
    return malformed("most_bytes is not within 64KiB to 256MiB");
  const auto journal = parse_u64(plan.get("journal"));
  if (!journal || *journal > 7ULL * 86'400) return malformed("journal is not within 7 days");
  if (!plan.get("package").empty() && !is_package_name(plan.get("package")))
    return malformed("package is not the name of one");
  return ok();
}

}  // namespace

const ActionInfo kEvidenceCollect{.name = "evidence.collect",
                                  .summary = "keep what is known of a service, container or process before it is gone",
                                  .targets = kinds(EntityKind::service, EntityKind::container, EntityKind::process),
                                  .params = kParams,
                                  .reversible = false,
                                  .local_safe = true,
                                  .capabilities = "CAP_DAC_READ_SEARCH CAP_SYS_PTRACE",
                                  .timeout = std::chrono::seconds(60),
                                  .cost = "Some reading, and at most 512MiB of disk for all packages together.",
                                  .undo = "",
                                  .looks_only = true,
                                  .plan = plan,
                                  .validate = validate};

}  // namespace hostmedic
