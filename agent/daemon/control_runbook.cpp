// SPDX-License-Identifier: Apache-2.0
// The verbs about runbooks: what one says, and what it would do about an incident.
#include <algorithm>
#include <boost/json/array.hpp>

#include "agent/base/text.h"
#include "agent/daemon/control_api.h"
#include "agent/daemon/control_fields.h"
#include "agent/daemon/daemon.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace json = boost::json;
using namespace control;

namespace {

const Runbook* find_runbook(const Daemon& daemon, const std::string& name) {
  const std::vector<Runbook>& all = daemon.pipeline().runbooks();
  const auto found = std::ranges::find(all, name, &Runbook::name);
  return found == all.end() ? nullptr : &*found;
}

Error no_runbook(const std::string& name) {
  return make_error(ErrorCode::not_found, "there is no runbook '" + name + "'");
}

json::array texts(const std::vector<std::string>& all) {
  json::array rows;
  for (const std::string& one : all) rows.push_back(json::string(one));
  return rows;
}

json::object step_json(const Step& step) {
  json::object params;
  for (const Attribute& one : step.params) params[one.key] = one.value;
  const Check& check = step.verify;
  return {{"action", step.action},
          {"params", std::move(params)},
          {"timeout_seconds", to_seconds(step.timeout)},
          {"on_failure", to_string(step.on_failure)},
          {"undo", step.undo},
          {"verify",
           {{"check", to_string(check.subject)},
            {"series", check.series},
            {"attributes", check.attributes},
            {"condition", check.condition},
            {"bound", check.bound},
            {"settle_seconds", to_seconds(check.settle)},
            {"within_seconds", to_seconds(check.within)}}}};
}

json::object runbook_json(const Daemon& daemon, const Runbook& runbook) {
  json::array steps, requirements, tiers;
  for (const Step& step : runbook.steps) steps.push_back(step_json(step));
  for (const Requirement& one : runbook.requirements)
    requirements.push_back({{"condition", one.condition}, {"why", one.why}});
  const guard::Policy& policy = daemon.pipeline().policy();
  for (const guard::TierRule& rule : policy.tiers)
    if (glob_match(rule.runbook, runbook.name))
      tiers.push_back({{"runbook", rule.runbook}, {"entity", rule.entity}, {"tier", to_string(rule.tier)}});
  return {{"name", runbook.name},
          {"summary", runbook.summary},
          {"kinds", texts(runbook.kinds)},
          {"entity", runbook.entity},
          {"when", runbook.when},
          {"require", std::move(requirements)},
          {"not_while", texts(runbook.not_while)},
          {"cooldown_seconds", to_seconds(runbook.cooldown)},
          {"touched_most", runbook.touched_most},
          {"choose", to_string(runbook.choose)},
          {"ceiling", to_string(runbook.ceiling)},
          {"tier", to_string(guard::tier_of(policy, runbook.name, Entity{}))},
          {"tiers", std::move(tiers)},
          {"steps", std::move(steps)},
          {"notes", runbook.notes},
          {"source", runbook.source}};
}

json::object condition_json(const RehearsedCondition& one) {
  return {{"condition", one.condition},
          {"why", one.why},
          {"holds", one.holds ? json::value(*one.holds) : json::value(nullptr)},
          {"text", one.text}};
}

json::array conditions_json(const std::vector<RehearsedCondition>& all) {
  json::array rows;
  for (const RehearsedCondition& one : all) rows.push_back(condition_json(one));
  return rows;
}

json::array steps_json(const std::vector<RehearsedStep>& steps) {
  json::array rows;
  for (const RehearsedStep& step : steps) {
    json::object row{{"step", step.step + 1}, {"action", step.action}, {"expected_success", step.expected}};
    if (step.order) {
      row["order"] = to_json_object(*step.order);
      row["verdict"] = to_json_object(step.verdict);
      row["summary"] = step.verdict.summary();
    } else {
      row["no_plan"] = step.no_plan;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

json::object ControlApi::runbook(const json::object& request) const {
  const std::string name = text_of(request, "name");
  const Runbook* const found = find_runbook(daemon_, name);
  if (found == nullptr) return refusal(no_runbook(name));
  json::object answer = accepted();
  answer["runbook"] = runbook_json(daemon_, *found);
  return answer;
}

boost::asio::awaitable<json::object> ControlApi::rehearse(const json::object& request) {
  const std::string name = text_of(request, "name");
  auto stored = co_await daemon_.stored_incident(text_of(request, "id"));
  if (!stored) co_return refusal(stored.error());
  const Runbook* const found = find_runbook(daemon_, name);
  if (found == nullptr) co_return refusal(no_runbook(name));
  const auto& live = daemon_.pipeline().incidents();
  const auto known = live.find(stored->incident.id);
  const Rehearsal all = daemon_.pipeline().rehearse(*found, known == live.end() ? stored->incident : known->second);
  json::object answer = accepted();
  answer["incident_id"] = stored->incident.id;
  answer["incident"] = stored->incident.summary;
  answer["open"] = !stored->incident.closed_at;
  answer["unfit"] = all.unfit;
  answer["when"] = conditions_json(all.when);
  answer["require"] = conditions_json(all.requirements);
  answer["steps"] = steps_json(all.steps);
  co_return answer;
}

}  // namespace hostmedic
