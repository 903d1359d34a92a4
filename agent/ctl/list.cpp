// SPDX-License-Identifier: Apache-2.0
// `hostmedic list`: what the agent has, as tables.
#include "agent/ctl/list.h"

#include "agent/base/bytes.h"
#include "agent/base/text.h"
#include "agent/ctl/verbs.h"
#include "agent/record/record_json.h"
#include "detect/correlate/explain.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

std::string value_text(const json::object& row) {
  const auto value = number_at(row, "value");
  if (!value) return "unknown";
  const auto unit = unit_from(text_at(row, "unit", 32));
  return unit ? detect::format_value(*value, *unit) : strf("%.6g", *value);
}

std::string series_name(const json::object& row) {
  const std::string attributes = text_at(row, "attributes");
  return text_at(row, "name") + (attributes.empty() ? "" : "{" + attributes + "}");
}

std::string detector_text(const json::object& row) {
  std::string out = text_at(row, "summary");
  for (const auto& [name, spec] : object_at(row, "params")) {
    const json::object* of = spec.if_object();
    if (of == nullptr) continue;
    out += "; " + printable(name, 64);
    if (const auto fallback = number_at(*of, "default")) out += strf("=%g", *fallback);
  }
  return out;
}

std::string probe_text(const json::object& row) {
  const std::string reason = text_at(row, "reason");
  std::string out = reason;
  for (const auto& [key, value] : row) {
    if (key == "name" || key == "state" || key == "reason" || !value.is_string()) continue;
    if (std::string_view(key).starts_with("probe.")) continue;  // said already
    out += (out.empty() ? "" : ", ") + printable(key, 64) + " " + printable(std::string_view(value.get_string()), 128);
  }
  return out;
}

struct Column {
  std::string heading;
  std::string (*text)(const json::object& row);
};
std::string name_of(const json::object& row) { return text_at(row, "name"); }
std::string id_of(const json::object& row) { return text_at(row, "id"); }
std::string entity_of(const json::object& row) { return text_at(row, "entity"); }
std::string state_of(const json::object& row) { return text_at(row, "state"); }
std::string doc_of(const json::object& row) { return text_at(row, "doc"); }

std::string rule_watches(const json::object& row) {
  return text_at(row, "metric") + " of " + text_at(row, "entity") + ", by " + text_at(row, "detector");
}
std::string rule_text(const json::object& row) {
  return text_at(row, "incident_kind") + (flag_at(row, "enabled") ? "" : " (off)") + ": " + text_at(row, "why");
}
std::string action_text(const json::object& row) {
  const std::string needs = text_at(row, "capabilities");
  return text_at(row, "summary") + "; " +
         (flag_at(row, "reversible") ? "undo: " + text_at(row, "undo") : "cannot be undone") +
         (needs.empty() ? "" : "; needs " + needs);
}
std::string target_of(const json::object& row) { return text_at(row, "target"); }
std::string tier_of(const json::object& row) { return text_at(row, "tier") + ", at most " + text_at(row, "ceiling"); }
std::string runbook_text(const json::object& row) {
  return text_at(row, "summary") + " For " + words_at(row, "kinds") + ": " + words_at(row, "steps") + " (" +
         text_at(row, "source") + ")";
}

std::string number(const json::object& row, std::string_view key) {
  const auto value = number_at(row, key);
  return value ? strf("%.3g", *value) : "?";
}
std::string mode_of(const json::object& row) { return text_at(row, "mode"); }
std::string model_state(const json::object& row) {
  if (text_at(row, "mode") == "off") return "-";
  const std::string reason = text_at(row, "reason");
  return (flag_at(row, "working") ? "working" : "out") + (reason.empty() ? "" : ": " + reason);
}
std::string model_cost(const json::object& row) {
  const double ns = number_at(row, "cost_ns").value_or(0);
  return (ns > 0 ? strf("%.0f ns", ns) : std::string("-")) + ", " + format_bytes(number_at(row, "bytes").value_or(0));
}
std::string alarms_of(const json::object& row) { return number(row, "alarm_rate") + " a day"; }
std::string group_state(const json::object& row) {
  if (flag_at(row, "suspicious")) return "suspicious";
  if (flag_at(row, "learning")) return "learning";
  return flag_at(row, "held") ? "watching, not learning" : "watching";
}
std::string group_series(const json::object& row) {
  const double stale = number_at(row, "stale").value_or(0);
  return number(row, "series") + (stale > 0 ? strf(" (%.0f stale)", stale) : "");
}
std::string group_complete(const json::object& row) {
  return strf("%.4g%%", 100 * number_at(row, "complete").value_or(0));
}
std::string group_score(const json::object& row) { return number(row, "score") + " of " + number(row, "threshold"); }
std::string group_drift(const json::object& row) {
  const auto psi = number_at(row, "psi");
  if (!psi) return "not known yet";
  return strf("%.2f", *psi) + (*psi > 0.25 ? " (drifted)" : "");
}
std::string group_suspicions(const json::object& row) { return number(row, "suspicions_a_day") + " a day"; }

std::string times_at(const json::object& row, std::string_view key) {
  const auto at = time_at(row, key);
  return at ? format_utc(*at).substr(0, 16) + "Z" : "";
}
std::string expected_when(const json::object& row) {
  const std::string from = times_at(row, "from_unix_nano"), until = times_at(row, "until_unix_nano");
  if (flag_at(row, "now")) return "now, until " + until;
  return from.empty() ? "by its schedule" : from + " to " + until;
}
std::string text_of_row(const json::object& row) { return text_at(row, "text"); }
std::string by_of(const json::object& row) { return text_at(row, "by"); }
std::string until_of(const json::object& row) { return times_at(row, "until_unix_nano"); }
std::string kind_of(const json::object& row) { return text_at(row, "kind"); }
std::string silence_by(const json::object& row) {
  const std::string reason = text_at(row, "reason");
  return text_at(row, "by") + (reason.empty() ? "" : ": " + reason);
}

std::string from_of(const json::object& row) { return text_at(row, "from"); }
std::string relation_of(const json::object& row) { return text_at(row, "relation"); }
std::string to_of(const json::object& row) { return text_at(row, "to"); }
std::string told_at(const json::object& row) { return times_at(row, "told_at_unix_nano"); }
std::string told_of(const json::object& row) { return number(row, "told"); }

struct Kind {
  std::string_view what;
  std::vector<Column> columns;
};
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> kKinds{
      {"probes", {{"PROBE", name_of}, {"STATE", state_of}, {"DETAIL", probe_text}}},
      {"series", {{"ENTITY", entity_of}, {"VALUE", value_text}, {"SERIES", series_name}}},
      {"detectors", {{"DETECTOR", name_of}, {"WHAT IT FINDS", detector_text}}},
      {"models",
       {{"MODEL", name_of},
        {"MODE", mode_of},
        {"HEALTH", model_state},
        {"COST PER SERIES", model_cost},
        {"ALONE IT WOULD SUSPECT", alarms_of}}},
      {"groups",
       {{"GROUP", entity_of},
        {"STATE", group_state},
        {"SERIES", group_series},
        {"COMPLETE", group_complete},
        {"SCORE", group_score},
        {"DRIFT (PSI)", group_drift},
        {"SUSPICIONS", group_suspicions}}},
      {"rules", {{"RULE", id_of}, {"WATCHES", rule_watches}, {"OPENS", rule_text}}},
      {"actions", {{"ACTION", name_of}, {"TARGET", target_of}, {"WHAT IT DOES", action_text}}},
      {"runbooks", {{"RUNBOOK", name_of}, {"TIER", tier_of}, {"WHAT IT DOES", runbook_text}}},
      {"guard", {{"RULE", name_of}, {"MEANING", doc_of}}},
      {"expected", {{"NAME", name_of}, {"WHEN", expected_when}, {"WHAT", text_of_row}, {"BY", by_of}}},
      {"relations",
       {{"FROM", from_of}, {"RELATION", relation_of}, {"TO", to_of}, {"TOLD LAST", told_at}, {"TIMES", told_of}}},
      {"silences", {{"ENTITIES", entity_of}, {"KINDS", kind_of}, {"UNTIL", until_of}, {"BY", silence_by}}},
  };
  return kKinds;
}

Exit list_proposals(Context& context) {
  Answer answer = ask_daemon(context.ask, {{"verb", "proposals"}});
  if (!answer.body) return fail(context, answer.failure);
  const json::array& proposals = array_at(*answer.body, "proposals");
  if (context.json) {
    write_json(context, proposals);
    return Exit::fine;
  }
  const bool fleet = std::ranges::any_of(proposals, [](const json::value& one) {
    return one.is_object() && !text_at(one.get_object(), "host_name").empty();
  });
  Table table(fleet ? std::vector<std::string>{"INCIDENT", "HOST", "EXPIRES", "PLAN"}
                    : std::vector<std::string>{"INCIDENT", "EXPIRES", "PLAN"});
  for (const json::value& one : proposals) {
    if (!one.is_object()) continue;
    const json::object& row = one.get_object();
    const auto expires = time_at(row, "expires_at_unix_nano");
    std::vector<Cell> cells{{text_at(row, "incident_id", 64), Tone::strong},
                            {expires ? relative(*expires, context.look.now) : "?"},
                            {text_at(object_at(object_at(row, "order"), "plan"), "what", 1024)}};
    if (fleet) cells.insert(cells.begin() + 1, Cell{text_at(row, "host_name")});
    table.add(std::move(cells));
  }
  if (table.empty())
    say(context, "Nothing waits for approval.");
  else
    context.out << table.render(context.look);
  return Exit::fine;
}

}  // namespace

const std::vector<std::string>& listable() {
  static const std::vector<std::string> kWhat{"probes",   "series",    "detectors", "models", "groups",
                                              "rules",    "actions",   "runbooks",  "guard",  "expected",
                                              "silences", "relations", "proposals"};
  return kWhat;
}

std::string render_list(std::string_view what, const json::array& items, const Look& look) {
  for (const Kind& kind : kinds()) {
    if (kind.what != what) continue;
    std::vector<std::string> headings;
    for (const Column& column : kind.columns) headings.push_back(column.heading);
    Table table(std::move(headings));
    for (const json::value& item : items) {
      if (!item.is_object()) continue;
      std::vector<Cell> row;
      for (const Column& column : kind.columns) row.push_back({column.text(item.get_object())});
      row.front().tone = Tone::strong;
      table.add(std::move(row));
    }
    return table.empty() ? "" : table.render(look);
  }
  return {};
}

Exit list_things(Context& context, const std::string& what) {
  if (what == "proposals") return list_proposals(context);
  Answer answer = ask_daemon(context.ask, {{"verb", "list"}, {"what", what}});
  if (!answer.body) return fail(context, answer.failure);
  const json::array& items = array_at(*answer.body, "items");
  if (context.json)
    write_json(context, items);
  else if (items.empty())
    say(context, "No " + what + " yet.");
  else
    context.out << render_list(what, items, context.look);
  return Exit::fine;
}

}  // namespace hostmedic
