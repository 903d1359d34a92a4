// SPDX-License-Identifier: Apache-2.0
// `hostmedic approve` and `hostmedic reject`: a human's word on a plan that waits for one.
#include <utility>

#include "agent/base/text.h"
#include "agent/ctl/brakes.h"
#include "agent/ctl/verbs.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

// The proposal whose incident begins with id; without an id, the only one.
Result<FleetPlan> find_waiting(const json::array& proposals, const std::string& id) {
  std::optional<FleetPlan> found;
  for (const json::value& one : proposals) {
    const json::object* row = one.if_object();
    const std::string incident = row == nullptr ? "" : text_at(*row, "incident_id", 64);
    if (row == nullptr || !incident.starts_with(id)) continue;
    if (found && id.empty())
      return make_error(ErrorCode::conflict, "several plans wait; say which, by the incident's id");
    if (found) return make_error(ErrorCode::conflict, "'" + id + "' begins more than one incident's id");
    auto read = waiting_from_value(one, "proposal");
    if (!read) return std::move(read).error();
    found = FleetPlan{text_at(*row, "host"), text_at(*row, "host_id"), text_at(*row, "host_name"), std::move(*read)};
  }
  if (!found && id.empty()) return make_error(ErrorCode::not_found, "no plan waits for approval");
  if (!found)
    return make_error(ErrorCode::not_found, "no plan of incident '" + printable(id, 64) + "' waits for approval");
  return std::move(*found);
}

std::string describe(const FleetPlan& found, const Look& look) {
  const WaitingPlan& waiting = found.plan;
  const Plan& plan = waiting.order.plan;
  std::string out;
  if (!found.host.empty()) out += field(look, "host", found.host_name + ", machine " + found.host_id);
  out += field(look, "incident", waiting.incident_id + ", " + printable(waiting.order.incident_kind, 64));
  out += field(look, "would do", printable(plan.what, 1024));
  if (!plan.command.empty()) out += field(look, "by hand", "$ " + printable(plan.command, 1024));
  out += field(look, "target", printable(to_string(plan.target), 300));
  // What counts, whatever the sentence above says of it: the agent wrote that.
  std::string exactly = plan.action;
  for (const Attribute& one : plan.parameters) exactly += " " + one.key + "=" + one.value;
  out += field(look, "exactly", printable(exactly, 1024));
  out += field(look, "undo", plan.undo.empty() ? "cannot be undone" : printable(plan.undo, 300));
  for (const Order& other : waiting.others)
    out += field(
        look, "or instead",
        strf("step %d, ", other.step + 1) + printable(other.plan.action, 64) + ": " + printable(other.plan.what, 300));
  out += field(look, "expires", relative(waiting.expires_at, look.now));
  return out;
}

// Either a proposal or the exit code of the failure that was told.
struct Found {
  std::optional<FleetPlan> waiting;
  Exit exit = Exit::fine;
};
Found look_up(Context& context, const std::string& id, const FleetWish& fleet) {
  if (!fleet.address.empty() && (fleet.certificate.empty() || fleet.key.empty()))
    return {std::nullopt, fail(context, {Exit::usage, "--fleet needs --certificate and --key, of who speaks",
                                         "made by: hostmedic-aggregator approver NAME"})};
  if (!fleet.address.empty()) context.ask = ask_fleet(fleet.address);
  Answer answer = ask_daemon(context.ask, {{"verb", "proposals"}});
  if (!answer.body) return {std::nullopt, fail(context, answer.failure)};
  auto waiting = find_waiting(array_at(*answer.body, "proposals"), id);
  if (waiting) return {std::move(*waiting), Exit::fine};
  const Exit exit = waiting.error().code == ErrorCode::malformed ? Exit::unavailable : Exit::negative;
  return {std::nullopt, fail(context, {exit, waiting.error().message(), "what waits: hostmedic list proposals"})};
}

// Another plan of the same proposal takes the place of the proposed one.
void take_instead(WaitingPlan& ret_waiting, std::size_t number) {
  std::swap(ret_waiting.order, ret_waiting.others[number]);
}

// What --step and --action ask for; false: the proposal has none such.
bool take_wished(WaitingPlan& ret_waiting, const ApproveWish& wish) {
  const auto meant = [&](const Order& order) {
    return (wish.step == 0 || order.step + 1 == wish.step) && (wish.action.empty() || order.plan.action == wish.action);
  };
  if (meant(ret_waiting.order)) return true;
  for (std::size_t i = 0; i < ret_waiting.others.size(); ++i)
    if (meant(ret_waiting.others[i])) return take_instead(ret_waiting, i), true;
  return false;
}

// The person's word: y, n, or e to take another plan of the proposal and be asked again.
bool person_approves(Context& context, FleetPlan& ret_found) {
  constexpr int kMostQuestions = 16;
  WaitingPlan& waiting = ret_found.plan;
  const bool choice = !waiting.others.empty();
  for (int i = 0; i < kMostQuestions; ++i) {
    context.out << describe(ret_found, context.look);
    const char key =
        context.one_key(choice ? "Approve this plan? (y)es, (n)o, (e)dit" : "Approve this plan? (y)es, (n)o");
    if (key == 'y' || key == 'Y') return true;
    if (!choice || (key != 'e' && key != 'E')) return false;
    for (std::size_t n = 0; n < waiting.others.size(); ++n)
      context.out << strf("  %zu  ", n + 1) << printable(waiting.others[n].plan.what, 300) << '\n';
    const char chosen = context.one_key("Which one instead?");
    const std::size_t number = static_cast<std::size_t>(chosen - '1');
    if (chosen >= '1' && number < waiting.others.size()) take_instead(waiting, number);
  }
  return false;
}

}  // namespace

Exit approve(Context& context, const ApproveWish& wish) {
  Found found = look_up(context, wish.id, wish.fleet);
  if (!found.waiting) return found.exit;
  WaitingPlan& waiting = found.waiting->plan;
  const std::string proposed = waiting.order.key;
  if (!take_wished(waiting, wish))
    return fail(context, {Exit::negative, "the proposal has no such step that applies now",
                          "what it has: hostmedic approve " + waiting.incident_id});
  if (wish.id.empty() && wish.yes)
    return fail(context, {Exit::usage, "--yes needs the incident's id", "what waits: hostmedic list proposals"});
  if (!wish.yes) {
    if (!context.one_key)
      return fail(context,
                  {Exit::usage, "nobody at a terminal can be asked", "say --yes to approve without a question"});
    if (!person_approves(context, *found.waiting)) {
      say(context, "Not approved; it goes on waiting.");
      return Exit::negative;
    }
  }
  if (!wish.fleet.address.empty()) {
    SignedWord word;
    word.approves = true;
    return say_from_afar(context, wish.fleet, *found.waiting, std::move(word));
  }
  // The actuator first: it believes no word of the daemon about a human.
  ActuatorRequest request;
  request.kind = RequestKind::approve;
  request.key = waiting.order.key;
  request.plan = waiting.order.plan;
  const Answer taken = tell_actuator(context, request);
  if (!taken.body) return fail(context, taken.failure);
  json::object word{{"verb", "approve"}, {"id", waiting.incident_id}};
  if (waiting.order.key != proposed) word["key"] = waiting.order.key;
  const Answer decided = ask_daemon(context.ask, word);
  if (decided.body) {
    say(context, "Approved: " + printable(waiting.order.plan.what, 1024) + "\nWatch it: hostmedic explain " +
                     waiting.incident_id);
    return Exit::fine;
  }
  // What stays in the actuator would otherwise approve the same order for a quarter of an hour.
  request.kind = RequestKind::reject;
  const Answer undone = tell_actuator(context, request);
  if (!undone.body) context.err << "actuator: the approval could not be taken back: " << undone.failure.cause << '\n';
  return fail(context, decided.failure);
}

Exit reject(Context& context, const RejectWish& wish) {
  const Found found = look_up(context, wish.id, wish.fleet);
  if (!found.waiting) return found.exit;
  if (!wish.fleet.address.empty()) {
    SignedWord word;
    word.reason = printable(wish.reason, 300);
    return say_from_afar(context, wish.fleet, *found.waiting, std::move(word));
  }
  const WaitingPlan& waiting = found.waiting->plan;
  const Answer decided =
      ask_daemon(context.ask, {{"verb", "reject"}, {"id", waiting.incident_id}, {"reason", wish.reason}});
  if (!decided.body) return fail(context, decided.failure);
  say(context, "Rejected: " + printable(waiting.order.plan.what, 1024));
  return Exit::fine;
}

}  // namespace hostmedic
