// SPDX-License-Identifier: Apache-2.0
// `hostmedic runbook`: which there are, what one says, and what it would do about an incident.
#include "actions/runbook/runbook.h"
#include "agent/base/text.h"
#include "agent/ctl/verbs.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

std::string seconds_at(const json::object& row, std::string_view key) {
  return format_duration(Duration(static_cast<std::int64_t>(number_at(row, key).value_or(0) * 1e9)));
}

std::string success_of(const json::object& row) {
  const double helped = number_at(row, "helped").value_or(0), failed = number_at(row, "failed").value_or(0);
  if (helped + failed < 0.5) return "not tried";
  return strf("%.0f%% of %.0f", 100 * helped / (helped + failed), helped + failed);
}

std::string tier_text(const json::object& row) { return text_at(row, "tier") + ", at most " + text_at(row, "ceiling"); }

std::string check_text(const json::object& verify) {
  const std::string check = text_at(verify, "check");
  if (check == "none") return "it only prepares: the next step follows when it is done";
  std::string text = check;
  if (check == "condition") text = text_at(verify, "condition");
  if (check.starts_with("series_"))
    text += " " + text_at(verify, "series") + strf(" by %g", number_at(verify, "bound").value_or(0));
  return text + ", within " + seconds_at(verify, "within_seconds") + " and for " + seconds_at(verify, "settle_seconds");
}

std::string step_text(const json::object& step, int number, const Look& look) {
  std::string head = text_at(step, "action", 64);
  for (const auto& [name, value] : object_at(step, "params"))
    if (const json::string* text = value.if_string())
      head += " " + printable(name, 64) + "=" + printable(std::string_view(*text), 200);
  std::string out = field(look, strf("step %d", number), head, Tone::strong);
  out += field(look, "", "proved by: " + check_text(object_at(step, "verify")));
  return out + field(look, "",
                     std::string(flag_at(step, "undo") ? "undone where it can be, else: " : "not undone; else: ") +
                         text_at(step, "on_failure", 32));
}

std::string render_runbook(const json::object& one, const Look& look) {
  std::string out = paint(look, Tone::strong, text_at(one, "name", 64)) + "\n";
  out += field(look, "summary", text_at(one, "summary", 1024));
  out += field(look, "treats", words_at(one, "kinds") + " on " + text_at(one, "entity"));
  if (const std::string when = text_at(one, "when", 2048); !when.empty()) out += field(look, "when", when);
  for (const json::value& each : array_at(one, "require"))
    if (const json::object* row = each.if_object())
      out += field(look, "requires", text_at(*row, "condition", 2048) + " (" + text_at(*row, "why") + ")");
  if (const std::string busy = words_at(one, "not_while"); !busy.empty()) out += field(look, "not while", busy);
  if (number_at(one, "cooldown_seconds").value_or(0) > 0)
    out += field(look, "cool-down", seconds_at(one, "cooldown_seconds"));
  if (const double most = number_at(one, "touched_most").value_or(0); most > 0)
    out += field(look, "touches", strf("at most %.0f entities", most));
  out += field(look, "tier here", tier_text(one));
  for (const json::value& each : array_at(one, "tiers"))
    if (const json::object* row = each.if_object())
      out += field(look, "", text_at(*row, "tier") + " on " + text_at(*row, "entity"));
  if (text_at(one, "choose") == "success") out += field(look, "chooses", "what most likely helps goes first");
  int number = 0;
  for (const json::value& each : array_at(one, "steps"))
    if (const json::object* row = each.if_object()) out += step_text(*row, ++number, look);
  if (const json::string* notes = one.contains("notes") ? one.at("notes").if_string() : nullptr)
    for (const std::string_view line : split(std::string_view(*notes), '\n'))
      if (!line.empty()) out += field(look, "notes", printable(line, 1024));
  return out + field(look, "from", text_at(one, "source", 1024));
}

std::string condition_text(const json::object& row, std::string_view label, const Look& look) {
  const json::value* const holds = row.if_contains("holds");
  const bool known = holds != nullptr && holds->is_bool(), yes = known && holds->get_bool();
  const std::string why = text_at(row, "why");
  return field(look, label,
               std::string(yes     ? "holds: "
                           : known ? "does not hold: "
                                   : "not known: ") +
                   text_at(row, "text", 1024) + (why.empty() ? "" : " (" + why + ")"),
               yes ? Tone::good : Tone::warning);
}

std::string rehearsed_step(const json::object& step, const Look& look) {
  const std::string label = strf("step %d", static_cast<int>(number_at(step, "step").value_or(0)));
  const std::string none = text_at(step, "no_plan", 1024);
  if (text_at(step, "action", 64) == kNotifyStep) return field(look, label, none, Tone::strong);
  std::string out = field(look, label,
                          text_at(step, "action", 64) + strf("; %.0f%% of such are expected to help",
                                                             100 * number_at(step, "expected_success").value_or(0)),
                          Tone::strong);
  if (!none.empty()) return out + field(look, "", "does not apply: " + none);
  const json::object& plan = object_at(object_at(step, "order"), "plan");
  out += field(look, "", "would " + text_at(plan, "what", 1024));
  if (const std::string command = text_at(plan, "command", 1024); !command.empty())
    out += field(look, "", "$ " + command);
  if (const std::string undo = text_at(plan, "undo"); !undo.empty()) out += field(look, "", "undo: " + undo);
  out += field(look, "", "guard: " + text_at(step, "summary", 2048));
  for (const json::value& each : array_at(object_at(step, "verdict"), "answers"))
    if (const json::object* row = each.if_object())
      out += field(
          look, "",
          "  " + text_at(*row, "decision", 16) + " " + text_at(*row, "rule", 64) + ": " + text_at(*row, "reason"));
  return out;
}

}  // namespace

Exit list_runbooks(Context& context) {
  Answer answer = ask_daemon(context.ask, {{"verb", "list"}, {"what", "runbooks"}});
  if (!answer.body) return fail(context, answer.failure);
  const json::array& items = array_at(*answer.body, "items");
  if (context.json) {
    write_json(context, items);
    return Exit::fine;
  }
  Table table({"RUNBOOK", "TIER", "HELPED", "TREATS", "STEPS"});
  for (const json::value& each : items)
    if (const json::object* row = each.if_object())
      table.add({{text_at(*row, "name", 64), Tone::strong},
                 {tier_text(*row)},
                 {success_of(*row)},
                 {words_at(*row, "kinds")},
                 {words_at(*row, "steps")}});
  if (table.empty())
    say(context, "There are no runbooks.");
  else
    context.out << table.render(context.look);
  return Exit::fine;
}

Exit show_runbook(Context& context, const std::string& name) {
  Answer answer = ask_daemon(context.ask, {{"verb", "runbook"}, {"name", name}});
  if (!answer.body) return fail(context, answer.failure);
  const json::object& one = object_at(*answer.body, "runbook");
  if (context.json)
    write_json(context, one);
  else
    context.out << render_runbook(one, context.look);
  return Exit::fine;
}

Exit test_runbook(Context& context, const std::string& name, const std::string& incident) {
  Answer answer = ask_daemon(context.ask, {{"verb", "runbook-test"}, {"name", name}, {"id", incident}});
  if (!answer.body) return fail(context, answer.failure);
  const json::object& body = *answer.body;
  if (context.json) {
    write_json(context, body);
    return Exit::fine;
  }
  const Look& look = context.look;
  context.out << "Runbook " << printable(name, 64) << ", as it would treat this now. Nothing is done.\n"
              << field(look, "incident",
                       text_at(body, "incident_id", 64) + ": " + text_at(body, "incident", 1024) +
                           (flag_at(body, "open") ? "" : " (it is over)"));
  const std::string unfit = text_at(body, "unfit", 1024);
  context.out << field(look, "fits", unfit.empty() ? "yes" : "no: " + unfit, unfit.empty() ? Tone::good : Tone::bad);
  for (const auto& [key, label] : {std::pair("when", "when"), std::pair("require", "requires")})
    for (const json::value& each : array_at(body, key))
      if (const json::object* row = each.if_object()) context.out << condition_text(*row, label, look);
  for (const json::value& each : array_at(body, "steps"))
    if (const json::object* row = each.if_object()) context.out << rehearsed_step(*row, look);
  return Exit::fine;
}

}  // namespace hostmedic
