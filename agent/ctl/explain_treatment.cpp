// SPDX-License-Identifier: Apache-2.0
// Parts of `hostmedic explain`: the plan, the guard's verdict, the orders and their effect, the timeline.
#include <algorithm>

#include "agent/base/text.h"
#include "agent/ctl/explain_parts.h"

namespace hostmedic {

namespace {

struct PlanText {
  std::string runbook, step, what, command, undo;
};

// A proposal is the present plan, else the timeline's last one, else that of the last order.
std::optional<PlanText> plan_of(const CaseFile& file) {
  const auto of_order = [](const Order& order) {
    return PlanText{order.runbook, strf("%d", order.step + 1), order.plan.what, order.plan.command, order.plan.undo};
  };
  if (file.proposal) return of_order(file.proposal->order);
  if (const TimelineEntry* entry = last_entry(file.incident, TimelineKind::planned))
    return PlanText{std::string(attribute_of(*entry, "runbook")), std::string(attribute_of(*entry, "step")),
                    entry->text, std::string(attribute_of(*entry, "command")),
                    std::string(attribute_of(*entry, "undo"))};
  if (!file.orders.empty()) return of_order(file.orders.back());
  return std::nullopt;
}

Tone tone_of(std::string_view decision) {
  if (decision == "allow") return Tone::good;
  return decision == "deny" ? Tone::bad : Tone::warning;
}

// The first rule with the strictest answer decides; it is marked. Those that allow are only counted in the brief form.
std::string rules(const std::vector<RuleAnswer>& answers, const View& view) {
  Decision strictest = Decision::allow;
  for (const RuleAnswer& answer : answers) strictest = std::max(strictest, answer.decision);
  Table table({}, 2);
  bool marked = strictest == Decision::allow;
  int allowing = 0;
  for (const RuleAnswer& answer : answers) {
    if (!view.full() && answer.decision == Decision::allow) {
      ++allowing;
      continue;
    }
    const std::string_view decision = to_string(answer.decision);
    const bool decides = !marked && answer.decision == strictest;
    marked = marked || decides;
    table.add({{decides ? ">" : " ", Tone::strong},
               {std::string(decision), tone_of(decision)},
               {safe(answer.rule, 64), decides ? Tone::strong : Tone::plain},
               {safe(answer.reason) + (decides ? "   <- decides" : ""), decides ? Tone::strong : Tone::plain}});
  }
  std::string out = table.empty() ? "" : table.render(view.look);
  if (allowing > 0 && strictest != Decision::allow)
    out += strf("     %d rule%s\n", allowing, allowing == 1 ? " allows" : "s allow");
  return out;
}

// A verdict entry carries one attribute for each rule: "deny: reason".
std::vector<RuleAnswer> answers_of(const TimelineEntry& entry) {
  std::vector<RuleAnswer> answers;
  for (const Attribute& attribute : entry.attributes) {
    RuleAnswer answer{attribute.key, Decision::allow, attribute.value};
    for (const Decision decision : {Decision::allow, Decision::hold, Decision::deny}) {
      const std::string prefix = std::string(to_string(decision)) + ": ";
      if (!attribute.value.starts_with(prefix)) continue;
      answer.decision = decision;
      answer.reason = attribute.value.substr(prefix.size());
    }
    answers.push_back(std::move(answer));
  }
  return answers;
}

std::string outcome_text(const Outcome& outcome, const View& view) {
  const Look& look = view.look;
  const bool good = outcome.result == OutcomeResult::done || outcome.result == OutcomeResult::unnecessary;
  std::string text = std::string(to_string(outcome.result)) + ": " + safe(outcome.text) + ", took " +
                     format_duration(outcome.ended_at - outcome.started_at);
  std::string out = field(look, "  outcome", text, good ? Tone::good : Tone::bad);
  std::string measured;
  for (const Attribute& detail : outcome.details)
    measured += (measured.empty() ? "" : ", ") + safe(detail.key, 64) + " " + safe(detail.value, 128);
  if (!measured.empty()) out += field(look, "  measured", measured);
  if (!outcome.verdict.answers.empty() && (view.full() || outcome.verdict.decision != Decision::allow))
    out += field(look, "  actuator", "its own guard: " + safe(outcome.verdict.summary()));
  return out;
}

}  // namespace

// What would be done. Once an order was given, the order says it.
std::string plan_part(const View& view) {
  if (!view.full() && !view.file.orders.empty()) return {};
  std::string out = section(view.look, "Plan");
  const auto text = plan_of(view.file);
  if (!text) {
    std::string why = "no plan was made";
    for (const TimelineEntry& entry : view.incident().timeline)
      if (entry.text.starts_with("no runbook") || entry.text.starts_with("no step")) why = entry.text;
    return out + "  " + wrap(view.look, safe(why), 2) + "\n";
  }
  out += field(view.look, "  would do", safe(text->what));
  if (!text->command.empty()) out += field(view.look, "  by hand", "$ " + safe(text->command));
  const std::string runbook =
      safe(text->runbook, 64) + (text->step.empty() ? "" : ", step " + safe(text->step, 8)) + "; ";
  return out + field(view.look, "  runbook",
                     runbook + (text->undo.empty() ? "it cannot be undone" : "undo: " + safe(text->undo)));
}

std::string guard_part(const View& view) {
  const TimelineEntry* entry = last_entry(view.incident(), TimelineKind::verdict);
  if (entry == nullptr) return view.full() ? section(view.look, "Guard") + "  was not asked\n" : "";
  const std::vector<RuleAnswer> answers = answers_of(*entry);
  std::string out = section(view.look, "Guard");
  // What a no says is in the table.
  const bool allowed = std::ranges::all_of(answers, [](const RuleAnswer& a) { return a.decision == Decision::allow; });
  if (allowed || view.full())
    out +=
        "  " + wrap(view.look, safe(entry->text) + " (" + offset(entry->at, view.incident().fault_at) + ")", 2) + "\n";
  return out + rules(answers, view);
}

std::string orders_part(const View& view) {
  const CaseFile& file = view.file;
  if (file.orders.empty() && !view.full())
    return field(view.look, "  orders", "none was given: nothing was changed on this host");
  std::string out = section(view.look, "Orders");
  if (file.orders.empty()) return out + "  none was given: nothing was changed on this host\n";
  const std::size_t hidden = file.orders.size() - std::min(file.orders.size(), view.rows(3));
  if (hidden > 0) out += "  " + paint(view.look, Tone::dim, strf("%zu earlier: --verbose", hidden)) + "\n";
  for (std::size_t i = hidden; i < file.orders.size(); ++i) {
    const Order& order = file.orders[i];
    std::string text =
        safe(order.key, 32) + " " + offset(order.issued_at, file.incident.fault_at) + ": " + safe(order.plan.what);
    out += "  " + wrap(view.look, text, 2) + "\n";
    if (!order.plan.command.empty() && view.full())
      out += field(view.look, "  by hand", "$ " + safe(order.plan.command));
    if (!order.approved_by.empty()) out += field(view.look, "  approved by", safe(order.approved_by, 64));
    const auto outcome = std::find_if(file.outcomes.begin(), file.outcomes.end(),
                                      [&](const Outcome& one) { return one.key == order.key; });
    out +=
        outcome == file.outcomes.end() ? field(view.look, "  outcome", "not known yet") : outcome_text(*outcome, view);
  }
  const TimelineEntry* verified = last_entry(file.incident, TimelineKind::verified);
  return out + field(view.look, "  verified", verified == nullptr ? "not yet" : safe(verified->text),
                     verified == nullptr                             ? Tone::plain
                     : attribute_of(*verified, "result") == "failed" ? Tone::bad
                                                                     : Tone::good);
}

std::string timeline_part(const View& view) {
  if (!view.full()) return {};
  std::string out = section(view.look, "Timeline");
  Table table({}, 2);
  for (const TimelineEntry& entry : view.incident().timeline)
    table.add({{offset(entry.at, view.incident().fault_at), Tone::dim},
               {std::string(to_string(entry.kind))},
               {safe(entry.text)}});
  return out + table.render(view.look);
}

}  // namespace hostmedic
