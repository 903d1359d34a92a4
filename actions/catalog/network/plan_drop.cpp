// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "actions/catalog/catalog.h"
#include "actions/catalog/network/lasts.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"
#include "agent/base/parse.h"

namespace hostmedic {
namespace {

constexpr std::uint64_t kMostDropped = 1000;
constexpr ParamText kParams[] = {{"state", "close_wait", "close_wait: the peer has closed; or established"},
                                 {"local_port", "0", "of this host's end; 0: any"},
                                 {"remote_port", "0", "of the peer's end; 0: any"},
                                 {"idle", "5m", "for so long no data came or went"},
                                 {"most", "100", "so many at most, the idlest first"}};
constexpr std::string_view kPlanParams[] = {"state", "local_port", "remote_port", "idle", "most"};

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  if (incident.root.kind != EntityKind::service)
    return make_error(ErrorCode::unsupported, to_string(incident.root) + " is not a service");
  Plan plan;
  plan.action = kConnectionsDrop.name;
  plan.target = incident.root;
  for (const ParamText& param : kParams)
    plan.parameters.push_back({std::string(param.name), std::string(setting(kConnectionsDrop, params, param.name))});
  plan.what = "drop connections of " + plan.target.name + " that are " + std::string(plan.get("state")) +
              " and idle for " + std::string(plan.get("idle"));
  plan.command = "ss -K state " + std::string(plan.get("state") == "established" ? "established" : "close-wait") +
                 "  # those of " + plan.target.name;
  plan.timeout = kConnectionsDrop.timeout;
  return plan;
}

Status validate(const Plan& plan) {
  const auto malformed = [](const char* text) { return Status(make_error(ErrorCode::malformed, text)); };
  if (Status status = check_common(plan, kConnectionsDrop, kPlanParams); !status) return status;
  if (!is_service_unit(plan.target.name)) return malformed("the target is not the name of a service unit");
  const std::string_view state = plan.get("state");
  if (state != "close_wait" && state != "established") return malformed("state is neither close_wait nor established");
  const auto local = parse_u64(plan.get("local_port")), remote = parse_u64(plan.get("remote_port")),
             most = parse_u64(plan.get("most"));
  if (!local || *local > 65535 || !remote || *remote > 65535) return malformed("a port is not within 0 to 65535");
  if (state == "established" && *local == 0 && *remote == 0)
    return malformed("of those that are established a port must be named");
  if (!most || *most == 0 || *most > kMostDropped) return malformed("most is not within 1 to 1000");
  const auto idle = parse_duration(plan.get("idle"));
  if (!idle || *idle < std::chrono::seconds(1) || *idle > std::chrono::hours(24))
    return malformed("idle is not within 1s to 24h");
  return ok();
}

}  // namespace

const ActionInfo kConnectionsDrop{.name = "connections.drop",
                                  .summary = "end the idlest connections of a service",
                                  .targets = kinds(EntityKind::service),
                                  .params = kParams,
                                  .reversible = false,
                                  .local_safe = false,
                                  .capabilities = "CAP_NET_ADMIN",
                                  .timeout = std::chrono::seconds(30),
                                  .cost = "The service and its peers see these connections reset.",
                                  .undo = "",
                                  .plan = plan,
                                  .validate = validate};

}  // namespace hostmedic
