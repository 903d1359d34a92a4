// SPDX-License-Identifier: Apache-2.0
// `hostmedic approve` and `hostmedic reject`: a human's word on a plan that waits for one.
#include "agent/base/text.h"
#include "agent/ctl/brakes.h"
#include "agent/ctl/verbs.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

struct Waiting {
  std::string incident_id;
  Order order;
  std::optional<WallTime> expires_at;
};

// The proposal whose incident begins with id.
Result<Waiting> find_waiting(const json::array& proposals, const std::string& id) {
  std::optional<Waiting> found;
  for (const json::value& one : proposals) {
    const json::object* row = one.if_object();
    const std::string incident = row == nullptr ? "" : text_at(*row, "incident_id", 64);
    if (row == nullptr || id.empty() || !incident.starts_with(id)) continue;
    if (found) return make_error(ErrorCode::conflict, "'" + id + "' begins more than one incident's id");
    const json::value* order = row->if_contains("order");
    if (order == nullptr) return make_error(ErrorCode::malformed, "the proposal has no order");
    auto read = order_from_value(*order, "order");
    if (!read) return std::move(read).error();
    found = Waiting{incident, std::move(*read), time_at(*row, "expires_at_unix_nano")};
  }
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

}  // namespace

Exit approve(Context& context, const std::string& id, bool without_asking) {
  const Found found = look_up(context, id);
  if (!found.waiting) return found.exit;
  const Waiting& waiting = *found.waiting;
  if (!without_asking) {
    if (!context.confirm)
      return fail(context,
                  {Exit::usage, "nobody at a terminal can be asked", "say --yes to approve without a question"});
    context.out << describe(waiting, context.look);
    if (!context.confirm("Approve this plan?")) {
      say(context, "Not approved; it goes on waiting.");
      return Exit::negative;
    }
  }
  // The actuator first: it believes no word of the daemon about a human.
  ActuatorRequest request;
  request.kind = RequestKind::approve;
  request.key = waiting.order.key;
  const Answer taken = tell_actuator(context, request);
  if (!taken.body) return fail(context, taken.failure);
  const Answer decided = ask_daemon(context.ask, {{"verb", "approve"}, {"id", waiting.incident_id}});
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
