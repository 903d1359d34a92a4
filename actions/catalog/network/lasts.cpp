// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/network/lasts.h"

#include "actions/catalog/plan_params.h"
#include "agent/base/parse.h"

namespace hostmedic {

Status add_lasts(Plan& plan, const ActionInfo& info, std::span<const Attribute> params) {
  const std::string text(setting(info, params, "for"));
  const auto lasts = parse_duration(text);
  if (!lasts) return Error(lasts.error()).in("for");
  plan.parameters.push_back({"for", text});
  plan.lasts = *lasts;
  return ok();
}

Status check_lasts(const Plan& plan, Duration least, Duration most) {
  const auto lasts = parse_duration(plan.get("for"));
  if (!lasts) return Error(lasts.error()).in("for");
  if (*lasts < least || *lasts > most)
    return make_error(ErrorCode::malformed,
                      "for is not within " + format_duration(least) + " to " + format_duration(most));
  if (*lasts % std::chrono::seconds(1) != Duration{})
    return make_error(ErrorCode::malformed, "for is not a number of whole seconds");
  // What hostmedic-effect is told has no Plan.lasts.
  if (plan.lasts != Duration{} && plan.lasts != *lasts)
    return make_error(ErrorCode::malformed, "the plan does not last as long as it says");
  return ok();
}

std::chrono::seconds lasts_of(const Plan& plan) {
  return std::chrono::duration_cast<std::chrono::seconds>(parse_duration(plan.get("for")).value_or(Duration{}));
}

}  // namespace hostmedic
