// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"
#include "actions/catalog/container/container_name.h"
#include "actions/catalog/network/address.h"
#include "actions/catalog/network/lasts.h"
#include "actions/catalog/plan_check.h"
#include "actions/catalog/plan_params.h"

namespace hostmedic {
namespace {

constexpr ParamText kParams[] = {
    {"for", "4h", "it is released by itself after so long; 0s: when somebody says so"},
    {"allow", "none", "what it may still talk to: addresses, networks, or addresses with a port, with commas between"}};
constexpr std::string_view kPlanParams[] = {"for", "allow"};

Result<Plan> plan(const Incident& incident, const HostView&, std::span<const Attribute> params) {
  auto container = container_of(incident);
  if (!container) return container.error();
  Plan plan;
  plan.action = kContainerIsolate.name;
  plan.target = std::move(*container);
  if (Status timed = add_lasts(plan, kContainerIsolate, params); !timed) return std::move(timed).error();
  const std::string allow(setting(kContainerIsolate, params, "allow"));
  if (const auto places = parse_allowed(allow); !places) return Error(places.error()).in("allow");
  plan.parameters.push_back({"allow", allow});
  plan.what = "cut container " + plan.target.name + " off from the network, all but " +
              (allow == "none" ? "its own loopback" : allow);
  plan.command = "nsenter -t $(docker inspect -f '{{.State.Pid}}' " + plan.target.name + ") -n nft -f -";
  plan.undo = kContainerIsolate.undo;
  plan.timeout = kContainerIsolate.timeout;
  return plan;
}

Status validate(const Plan& plan) {
  if (Status status = check_common(plan, kContainerIsolate, kPlanParams); !status) return status;
  if (!is_container_name(plan.target.name))
    return make_error(ErrorCode::malformed, "the target is not the name of a container");
  if (const auto places = parse_allowed(plan.get("allow")); !places) return Error(places.error()).in("allow");
  return check_lasts(plan, Duration{}, std::chrono::hours(24 * 7));
}

}  // namespace

const ActionInfo kContainerIsolate{.name = "container.isolate",
                                   .summary = "cut a container off from the network, and let it run for evidence",
                                   .targets = kinds(EntityKind::container),
                                   .params = kParams,
                                   .reversible = true,
                                   .local_safe = false,
                                   .capabilities = "CAP_NET_ADMIN CAP_SYS_ADMIN CAP_SYS_PTRACE",
                                   .timeout = std::chrono::seconds(30),
                                   .cost = "Nobody reaches the container, and it reaches nobody but what is allowed.",
                                   .undo = "Its network is given back.",
                                   .plan = plan,
                                   .validate = validate};

}  // namespace hostmedic
