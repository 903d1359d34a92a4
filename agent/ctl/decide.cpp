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

constexpr std::size_t kMostOthers = 8;  // as many as a runbook has steps; each has a key of one digit

struct Waiting {
  std::string incident_id;
  Order order;
  std::vector<Order> others;  // that may be approved instead
  std::optional<WallTime> expires_at;
};

// The proposal whose incident begins with id; without an id, the only one.
Result<Waiting> find_waiting(const json::array& proposals, const std::string& id) {
  std::optional<Waiting> found;
  for (const json::value& one : proposals) {
    const json::object* row = one.if_object();
    const std::string incident = row == nullptr ? "" : text_at(*row, "incident_id", 64);
    if (row == nullptr || !incident.starts_with(id)) continue;
    if (found && id.empty())
      return make_error(ErrorCode::conflict, "several plans wait; say which, by the incident's id");
    if (found) return make_error(ErrorCode::conflict, "'" + id + "' begins more than one incident's id");
    const json::value* order = row->if_contains("order");
    if (order == nullptr) return make_error(ErrorCode::malformed, "the proposal has no order");
    auto read = order_from_value(*order, "order");
    if (!read) return std::move(read).error();
    found = Waiting{incident, std::move(*read), {}, time_at(*row, "expires_at_unix_nano")};
    for (const json::value& other : array_at(*row, "others"))
      if (auto more = order_from_value(other, "others"); more && found->others.size() < kMostOthers)
        found->others.push_back(std::move(*more));
  }
  if (!found && id.empty()) return make_error(ErrorCode::not_found, "no plan waits for approval");
  if (!found)
    return make_error(ErrorCode::not_found, "no plan of incident '" + printable(id, 64) + "' waits for approval");
  return std::move(*found);
}

std::string describe(const Waiting& waiting, const Look& look) {
  const Plan& plan = waiting.order.plan;
  std::string out = field(look, "incident", waiting.incident_id + ", " + printable(waiting.order.incident_kind, 64));
  out += field(look, "would do", printable(plan.what, 1024));
  if (!plan.command.empty()) out += field(look, "by hand", "$ " + printable(plan.command, 1024));
  out += field(look, "target", printable(to_string(plan.target), 300));
  out += field(look, "undo", plan.undo.empty() ? "cannot be undone" : printable(plan.undo, 300));
  for (const Order& other : waiting.others)
    out += field(
        look, "or instead",
        strf("step %d, ", other.step + 1) + printable(other.plan.action, 64) + ": " + printable(other.plan.what, 300));
  if (waiting.expires_at) out += field(look, "expires", relative(*waiting.expires_at, look.now));
  return out;
}

// Either a proposal or the exit code of the failure that was told.
struct Found {
  std::optional<Waiting> waiting;
  Exit exit = Exit::fine;
};
Found look_up(Context& context, const std::string& id) {
  Answer answer = ask_daemon(context.ask, {{"verb", "proposals"}});
  if (!answer.body) return {std::nullopt, fail(context, answer.failure)};
  auto waiting = find_waiting(array_at(*answer.body, "proposals"), id);
  if (waiting) return {std::move(*waiting), Exit::fine};
  const Exit exit = waiting.error().code == ErrorCode::malformed ? Exit::unavailable : Exit::negative;
  return {std::nullopt, fail(context, {exit, waiting.error().message(), "what waits: hostmedic list proposals"})};
}

// Another plan of the same proposal takes the place of the proposed one.
void take_instead(Waiting& ret_waiting, std::size_t number) {
  std::swap(ret_waiting.order, ret_waiting.others[number]);
}

// What --step and --action ask for; false: the proposal has none such.
bool take_wished(Waiting& ret_waiting, const ApproveWish& wish) {
  const auto meant = [&](const Order& order) {
    return (wish.step == 0 || order.step + 1 == wish.step) && (wish.action.empty() || order.plan.action == wish.action);
  };
  if (meant(ret_waiting.order)) return true;
  for (std::size_t i = 0; i < ret_waiting.others.size(); ++i)
    if (meant(ret_waiting.others[i])) return take_instead(ret_waiting, i), true;
  return false;
}

// The person's word: y, n, or e to take another plan of the proposal and be asked again.
bool person_approves(Context& context, Waiting& ret_waiting) {
  constexpr int kMostQuestions = 16;
  const bool choice = !ret_waiting.others.empty();
  for (int i = 0; i < kMostQuestions; ++i) {
    context.out << describe(ret_waiting, context.look);
    const char key =
        context.one_key(choice ? "Approve this plan? (y)es, (n)o, (e)dit" : "Approve this plan? (y)es, (n)o");
    if (key == 'y' || key == 'Y') return true;
    if (!choice || (key != 'e' && key != 'E')) return false;
    for (std::size_t n = 0; n < ret_waiting.others.size(); ++n)
      context.out << strf("  %zu  ", n + 1) << printable(ret_waiting.others[n].plan.what, 300) << '\n';
    const char chosen = context.one_key("Which one instead?");
    const std::size_t number = static_cast<std::size_t>(chosen - '1');
    if (chosen >= '1' && number < ret_waiting.others.size()) take_instead(ret_waiting, number);
  }
  return false;
}

}  // namespace

Exit approve(Context& context, const ApproveWish& wish) {
  Found found = look_up(context, wish.id);
  if (!found.waiting) return found.exit;
  Waiting& waiting = *found.waiting;
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
    if (!person_approves(context, waiting)) {
      say(context, "Not approved; it goes on waiting.");
      return Exit::negative;
    }
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

Exit reject(Context& context, const std::string& id, const std::string& reason) {
  const Found found = look_up(context, id);
  if (!found.waiting) return found.exit;
  const Answer decided =
      ask_daemon(context.ask, {{"verb", "reject"}, {"id", found.waiting->incident_id}, {"reason", reason}});
  if (!decided.body) return fail(context, decided.failure);
  say(context, "Rejected: " + printable(found.waiting->order.plan.what, 1024));
  return Exit::fine;
}

}  // namespace hostmedic
