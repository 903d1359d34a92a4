// SPDX-License-Identifier: Apache-2.0
// `hostmedic explain` and `hostmedic show`.
#include "agent/ctl/explain.h"

#include <algorithm>

#include "agent/base/text.h"
#include "agent/ctl/incidents.h"
#include "agent/ctl/verbs.h"
#include "agent/record/record_json.h"
#include "detect/correlate/explain.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

std::string safe(std::string_view text, std::size_t most = 1024) { return printable(text, most); }
std::string safe(const Entity& entity) { return safe(to_string(entity), 300); }

std::string names(const std::vector<Entity>& entities) {
  std::string out;
  for (const Entity& entity : entities) out += (out.empty() ? "" : ", ") + safe(entity);
  return out;
}

std::string names(const std::vector<Affected>& affected) {
  std::string out;
  for (const Affected& one : affected) out += (out.empty() ? "" : ", ") + safe(one.entity);
  return out;
}

std::string section(const Look& look, std::string_view title) { return "\n" + paint(look, Tone::strong, title) + "\n"; }

std::string heading(const Incident& incident, const Look& look) {
  std::string out = paint(look, Tone::strong, safe(incident.summary)) + "\n";
  const auto paragraph = [&](std::string_view label, const std::string& text, Tone tone = Tone::plain) {
    if (!text.empty()) out += field(look, label, text, tone);
  };
  paragraph("incident", safe(incident.id, 32) + ", " + safe(incident.kind, 64));
  paragraph("state",
            std::string(to_string(incident.state)) + ", severity " + std::string(to_string(incident.severity)) +
                strf(", %.0f%% sure", 100 * incident.confidence),
            tone_of(incident.state));
  std::string since = clock_time(incident.fault_at, look.now) + ", " + relative(incident.fault_at, look.now) +
                      "; noticed " + format_duration(incident.opened_at - incident.fault_at) + " later";
  if (incident.closed_at)
    since += "; over " + format_duration(*incident.closed_at - incident.fault_at) + " after it began";
  paragraph("since", since);
  paragraph("root", safe(incident.root));
  paragraph("caused by", names(incident.causes));
  paragraph("also hit", names(incident.affected));
  paragraph("diagnosis", safe(incident.diagnosis));
  return out;
}

std::string evidence(const Incident& incident, const Look& look) {
  std::string out = section(look, "Evidence");
  for (const Anomaly& anomaly : incident.anomalies) {
    std::string text = safe(anomaly.evidence);
    if (text.empty()) text = safe(anomaly.entity) + ": " + safe(anomaly.signal);
    out += "  " + wrap(look, text, 2) + "\n";
    std::string detail = safe(anomaly.signal);
    if (anomaly.value) {
      detail += " " + detect::format_value(*anomaly.value, anomaly.unit);
      if (anomaly.expected) detail += ", compared with " + detect::format_value(*anomaly.expected, anomaly.unit);
    }
    detail += "; rule " + safe(anomaly.rule, 64) + strf(", %.0f%% sure", 100 * anomaly.probability) + ", " +
              offset(anomaly.since_wall, incident.fault_at);
    if (anomaly.proof) detail += ", proof by itself";
    detail += anomaly.firing ? "" : ", quiet again";
    out += "    " + paint(look, Tone::dim, wrap(look, detail, 4)) + "\n";
  }
  if (incident.anomalies.empty()) out += "  none kept\n";
  return out;
}

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

std::string plan(const CaseFile& file, const Look& look) {
  std::string out = section(look, "Plan");
  const auto text = plan_of(file);
  if (!text) {
    std::string why = "no plan was made";
    for (const TimelineEntry& entry : file.incident.timeline)
      if (entry.text.starts_with("no runbook") || entry.text.starts_with("no step")) why = entry.text;
    return out + "  " + wrap(look, safe(why), 2) + "\n";
  }
  out +=
      field(look, "  runbook", safe(text->runbook, 64) + (text->step.empty() ? "" : ", step " + safe(text->step, 8)));
  out += field(look, "  would do", safe(text->what));
  if (!text->command.empty()) out += field(look, "  by hand", "$ " + safe(text->command));
  return out + field(look, "  undo", text->undo.empty() ? "cannot be undone" : safe(text->undo));
}

Tone tone_of(std::string_view decision) {
  if (decision == "allow") return Tone::good;
  return decision == "deny" ? Tone::bad : Tone::warning;
}

// The first rule with the strictest answer decides; it is marked.
std::string rules(const std::vector<RuleAnswer>& answers, const Look& look) {
  Decision strictest = Decision::allow;
  for (const RuleAnswer& answer : answers) strictest = std::max(strictest, answer.decision);
  Table table({}, 2);
  bool marked = strictest == Decision::allow;
  for (const RuleAnswer& answer : answers) {
    const std::string_view decision = to_string(answer.decision);
    const bool decides = !marked && answer.decision == strictest;
    marked = marked || decides;
    table.add({{decides ? ">" : " ", Tone::strong},
               {std::string(decision), tone_of(decision)},
               {safe(answer.rule, 64), decides ? Tone::strong : Tone::plain},
               {safe(answer.reason) + (decides ? "   <- decides" : ""), decides ? Tone::strong : Tone::plain}});
  }
  return table.render(look);
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

std::string guard_text(const Incident& incident, const Look& look) {
  std::string out = section(look, "Guard");
  const TimelineEntry* entry = last_entry(incident, TimelineKind::verdict);
  if (entry == nullptr) return out + "  was not asked\n";
  out += "  " + wrap(look, safe(entry->text) + " (" + offset(entry->at, incident.fault_at) + ")", 2) + "\n";
  return out + rules(answers_of(*entry), look);
}

std::string outcome_text(const Outcome& outcome, const Look& look) {
  const bool good = outcome.result == OutcomeResult::done || outcome.result == OutcomeResult::unnecessary;
  std::string text = std::string(to_string(outcome.result)) + ": " + safe(outcome.text) + ", took " +
                     format_duration(outcome.ended_at - outcome.started_at);
  std::string out = field(look, "  outcome", text, good ? Tone::good : Tone::bad);
  std::string measured;
  for (const Attribute& detail : outcome.details)
    measured += (measured.empty() ? "" : ", ") + safe(detail.key, 64) + " " + safe(detail.value, 128);
  if (!measured.empty()) out += field(look, "  measured", measured);
  if (!outcome.verdict.answers.empty())
    out += field(look, "  actuator", "its own guard: " + safe(outcome.verdict.summary()));
  return out;
}

std::string orders(const CaseFile& file, const Look& look) {
  std::string out = section(look, "Orders");
  if (file.orders.empty()) return out + "  none was given: nothing was changed on this host\n";
  for (const Order& order : file.orders) {
    std::string text =
        safe(order.key, 32) + " " + offset(order.issued_at, file.incident.fault_at) + ": " + safe(order.plan.what);
    out += "  " + wrap(look, text, 2) + "\n";
    if (!order.approved_by.empty()) out += field(look, "  approved by", safe(order.approved_by, 64));
    const auto outcome = std::find_if(file.outcomes.begin(), file.outcomes.end(),
                                      [&](const Outcome& one) { return one.key == order.key; });
    out += outcome == file.outcomes.end() ? field(look, "  outcome", "not known yet") : outcome_text(*outcome, look);
  }
  const TimelineEntry* verified = last_entry(file.incident, TimelineKind::verified);
  return out + field(look, "  verified", verified == nullptr ? "not yet" : safe(verified->text),
                     verified == nullptr                             ? Tone::plain
                     : attribute_of(*verified, "result") == "failed" ? Tone::bad
                                                                     : Tone::good);
}

std::string timeline(const Incident& incident, const Look& look) {
  std::string out = section(look, "Timeline");
  Table table({}, 2);
  for (const TimelineEntry& entry : incident.timeline)
    table.add(
        {{offset(entry.at, incident.fault_at), Tone::dim}, {std::string(to_string(entry.kind))}, {safe(entry.text)}});
  return out + table.render(look);
}

}  // namespace

const TimelineEntry* last_entry(const Incident& incident, TimelineKind kind) {
  const auto found = std::find_if(incident.timeline.rbegin(), incident.timeline.rend(),
                                  [&](const TimelineEntry& entry) { return entry.kind == kind; });
  return found == incident.timeline.rend() ? nullptr : &*found;
}

std::string_view attribute_of(const TimelineEntry& entry, std::string_view key) {
  for (const Attribute& attribute : entry.attributes)
    if (attribute.key == key) return attribute.value;
  return {};
}

Result<CaseFile> case_file_from(const json::object& incident, const json::object& proposals) {
  CaseFile file;
  const json::value* value = incident.if_contains("incident");
  if (value == nullptr) return make_error(ErrorCode::malformed, "the answer has no incident");
  auto read = incident_from_value(*value, "incident");
  if (!read) return std::move(read).error();
  file.incident = std::move(*read);
  for (const json::value& one : array_at(incident, "orders")) {
    auto order = order_from_value(one, "order");
    if (!order) return std::move(order).error();
    file.orders.push_back(std::move(*order));
  }
  std::stable_sort(file.orders.begin(), file.orders.end(),
                   [](const Order& a, const Order& b) { return a.issued_at < b.issued_at; });
  for (const json::value& one : array_at(incident, "outcomes")) {
    auto outcome = outcome_from_value(one, "outcome");
    if (!outcome) return std::move(outcome).error();
    file.outcomes.push_back(std::move(*outcome));
  }
  for (const json::value& one : array_at(proposals, "proposals")) {
    const json::object* row = one.if_object();
    if (row == nullptr || text_at(*row, "incident_id", 64) != file.incident.id || !row->contains("order")) continue;
    auto order = order_from_value(*row->if_contains("order"), "proposal");
    if (!order) return std::move(order).error();
    file.proposal =
        Proposal{file.incident.id, std::move(*order), time_at(*row, "expires_at_unix_nano").value_or(WallTime{})};
  }
  return file;
}

std::string render_case(const CaseFile& file, const Look& look) {
  std::string out = heading(file.incident, look) + evidence(file.incident, look) + plan(file, look) +
                    guard_text(file.incident, look) + orders(file, look) + timeline(file.incident, look) +
                    section(look, "What happens next");
  for (const std::string& sentence : what_next(file, look)) out += "  " + wrap(look, sentence, 2) + "\n";
  return out;
}

Exit explain_incident(Context& context, const std::string& id) {
  Answer answer = ask_daemon(context.ask, {{"verb", "incident"}, {"id", id}});
  if (!answer.body) {
    if (answer.failure.exit == Exit::negative) answer.failure.remedy = "list them: hostmedic incidents --all";
    return fail(context, answer.failure);
  }
  Answer proposals = ask_daemon(context.ask, {{"verb", "proposals"}});
  if (!proposals.body) return fail(context, proposals.failure);
  if (context.json) {
    json::object out = *answer.body;
    out["proposal"] = nullptr;
    const std::string full = text_at(object_at(*answer.body, "incident"), "id", 64);
    for (const json::value& one : array_at(*proposals.body, "proposals"))
      if (one.is_object() && text_at(one.get_object(), "incident_id", 64) == full) out["proposal"] = one;
    write_json(context, out);
    return Exit::fine;
  }
  auto file = case_file_from(*answer.body, *proposals.body);
  if (!file)
    return fail(context, {Exit::unavailable, "the incident cannot be read: " + printable(file.error().message(), 300),
                          "see it raw: hostmedic explain --json " + printable(id, 64)});
  context.out << render_case(*file, context.look);
  return Exit::fine;
}

}  // namespace hostmedic
