// SPDX-License-Identifier: Apache-2.0
// `hostmedic undo`, `hostmedic reenable` and `hostmedic rearm`: a human takes something back, or trusts it again.
#include <algorithm>
#include <thread>

#include "agent/base/text.h"
#include "agent/ctl/brakes.h"
#include "agent/ctl/case_file.h"
#include "agent/ctl/verbs.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

const Outcome* outcome_of(const CaseFile& file, const std::string& key) {
  const auto found = std::ranges::find(file.outcomes, key, &Outcome::key);
  return found == file.outcomes.end() ? nullptr : &*found;
}

bool was_taken_back(const CaseFile& file, const std::string& key) {
  return std::ranges::any_of(file.orders, [&](const Order& order) {
    const Outcome* outcome = order.undoes == key ? outcome_of(file, order.key) : nullptr;
    return outcome != nullptr && outcome->result == OutcomeResult::done;
  });
}

// The last order of the incident that changed something and can be taken back; empty: there is none.
std::string last_undoable(const CaseFile& file) {
  for (auto order = file.orders.rbegin(); order != file.orders.rend(); ++order) {
    const Outcome* outcome = outcome_of(file, order->key);
    const bool acted = outcome != nullptr && outcome->result != OutcomeResult::refused &&
                       outcome->result != OutcomeResult::unnecessary && outcome->result != OutcomeResult::expired;
    if (acted && order->undoes.empty() && !order->plan.undo.empty() && !was_taken_back(file, order->key))
      return order->key;
  }
  return {};
}

// The order's key, or nothing and the exit code of the failure that was told.
struct Named {
  std::string key;
  Exit exit = Exit::fine;
};
Named order_of(Context& context, const std::string& id) {
  if (is_order_key(id)) return {id, Exit::fine};
  Answer answer = ask_daemon(context.ask, {{"verb", "incident"}, {"id", id}});
  if (!answer.body) {
    if (answer.failure.exit == Exit::negative) answer.failure.remedy = "list them: hostmedic incidents --all";
    return {{}, fail(context, answer.failure)};
  }
  const auto file = case_file_from(*answer.body, json::object());
  if (!file)
    return {
        {},
        fail(context, {Exit::unavailable, "the incident cannot be read: " + printable(file.error().message(), 300),
                       "name the order by its key of 24 digits: hostmedic explain --verbose " + printable(id, 64)})};
  const std::string key = last_undoable(*file);
  if (!key.empty()) return {key, Exit::fine};
  return {{},
          fail(context, {Exit::negative, "nothing that was done about incident " + file->incident.id + " can be undone",
                         "what was done: hostmedic explain " + file->incident.id})};
}

// Tells the actuator alone, which acts; the daemon hears it from there.
Exit tell(Context& context, const ActuatorRequest& request, const std::string& done) {
  const Answer answer = tell_actuator(context, request);
  if (!answer.body) return fail(context, answer.failure);
  say(context, done);
  return Exit::fine;
}

// Asks again for a while when the actuator has something else at hand: that is mostly over within a second.
Result<ActuatorAnswer> ask_until_free(Context& context, const ActuatorRequest& request) {
  constexpr int kMostAsked = 40;
  constexpr auto kPause = std::chrono::milliseconds(250);
  for (int asked = 1;; ++asked) {
    auto answer = context.ask_actuator(request);
    const bool busy = answer && answer->outcome && answer->outcome->text == kBusy;
    if (!busy || asked == kMostAsked) return answer;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

Exit undo(Context& context, const std::string& id, const std::string& reason) {
  const Named named = order_of(context, id);
  if (named.key.empty()) return named.exit;
  ActuatorRequest request;
  request.kind = RequestKind::undo;
  request.key = named.key;
  request.by = context.who;
  request.reason = reason;
  const auto answer = ask_until_free(context, request);
  if (!answer) return fail(context, failure_of_actuator(answer.error()));
  if (!answer->outcome) return fail(context, {Exit::unavailable, "the actuator's answer has no outcome", ""});
  const Outcome& outcome = *answer->outcome;
  const std::string text = printable(outcome.text, 1024);
  if (outcome.result != OutcomeResult::done && outcome.result != OutcomeResult::unnecessary)
    return fail(context, {Exit::negative, "not undone, " + std::string(to_string(outcome.result)) + ": " + text,
                          "order " + named.key + " is still in force"});
  say(context, "Undone: " + text +
                   "\nIt is not done again on this target until it is allowed: hostmedic reenable ACTION TARGET");
  return Exit::fine;
}

Exit reenable(Context& context, const std::string& action, const std::string& target) {
  ActuatorRequest request;
  request.kind = RequestKind::reenable;
  request.action = action;
  const auto entity = entity_from(target);
  if (!entity || find_action(action) == nullptr)
    return fail(context,
                {Exit::usage,
                 entity ? "no action '" + printable(action, 64) + "'" : "'" + printable(target, 64) + "' is no entity",
                 "such as: hostmedic reenable service.restart service:nginx.service"});
  request.target = *entity;
  return tell(context, request, printable(action, 64) + " may be done again on " + printable(target, 256));
}

Exit rearm(Context& context, const std::string& runbook) {
  ActuatorRequest request;
  request.kind = RequestKind::rearm;
  request.runbook = runbook;
  return tell(context, request,
              "runbook " + printable(runbook, 256) + " is armed again; what failed before is forgiven");
}

}  // namespace hostmedic
