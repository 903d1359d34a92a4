// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_service.h"

#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {

using guard::TargetState;

std::string words_of(const std::string& unit, const UnitStatus& status) {
  std::string text = unit + " is " + printable(status.active_state, 40) + " (" + printable(status.sub_state, 40);
  if (!status.result.empty() && status.result != "success") text += ", " + printable(status.result, 40);
  return text + ")";
}

TargetState look_at_unit(const std::string& unit, const EffectContext& context, UnitStatus& ret_status,
                         std::string& ret_text) {
  auto status = context.manager.status(unit);
  if (!status) {
    ret_text = status.error().message();
    return status.error().code == ErrorCode::not_found ? TargetState::gone : TargetState::unknown;
  }
  ret_status = std::move(*status);
  if (ret_status.load_state != "loaded") {
    ret_text = unit + " is " + printable(ret_status.load_state, 40);
    return TargetState::gone;
  }
  ret_text = words_of(unit, ret_status);
  return TargetState::faulty;
}

Outcome run_job(const std::string& unit, UnitJob job, Duration most, const EffectContext& context) {
  const std::string name(to_string(job));
  const MonoTime begin = mono_now();
  const Status ended = context.manager.job(unit, job, most);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(mono_now() - begin).count();

  Outcome outcome;
  outcome.details.push_back({"took_ms", strf("%lld", static_cast<long long>(took))});
  const auto status = context.manager.status(unit);
  if (status) {
    outcome.details.push_back({"active_state", printable(status->active_state, 40)});
    outcome.details.push_back({"main_pid", strf("%u", status->main_pid)});
    outcome.details.push_back({"restarts", strf("%u", status->restarts)});
  }
  if (!ended) {
    const bool late = ended.error().code == ErrorCode::timeout;
    outcome.result = late ? OutcomeResult::timed_out : OutcomeResult::failed;
    outcome.text = name + " of " + unit + ": " + ended.error().message();
  } else if (!status) {
    outcome.result = OutcomeResult::failed;
    outcome.text = name + " done, but then: " + status.error().message();
  } else {
    // A service of type oneshot has done its work and is inactive again.
    const bool ended_well = status->active_state == "inactive" && status->result == "success";
    const bool stopped = status->active_state == "inactive" || status->active_state == "failed";
    const bool as_wanted = job == UnitJob::stop ? stopped : status->active_state == "active" || ended_well;
    outcome.result = as_wanted ? OutcomeResult::done : OutcomeResult::failed;
    outcome.text = "after the " + name + " " + words_of(unit, *status);
  }
  return outcome;
}

}  // namespace hostmedic
