// SPDX-License-Identifier: Apache-2.0
#include "agent/config/runbook_config.h"

#include <algorithm>

#include "actions/guard/busy.h"
#include "agent/base/text.h"
#include "agent/config/condition_text.h"
#include "agent/config/files.h"
#include "agent/config/runbook_keys.h"
#include "detect/correlate/signal.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostSteps = 8, kMostRequirements = 8;
constexpr Limits kName{.form = Form::name};
constexpr Limits kWithin{.least = 1, .most = 3600};

#define FIELD(member) [](auto& part) -> auto& { return part.member; }
const Key<Runbook> kRunbookKeys[] = {
    key<Runbook, FIELD(name)>("", "name", kName, false, "Names it; the policy's [[tier]] refers to it."),
    key<Runbook, FIELD(summary)>("", "summary", {}, false, "What it does, in one sentence."),
    key<Runbook, FIELD(kinds)>("", "kinds", kName, false, "Kinds of incidents that it treats."),
    key<Runbook, FIELD(entity)>("", "entity", {}, false, "Pattern over the incident's root."),
    key<Runbook, FIELD(not_while)>("", "not_while", {.form = Form::name, .most_items = 16}, false,
                                   "Kinds of busy work that it must not disturb."),
    key<Runbook, FIELD(cooldown)>("", "cooldown", {.least = 0, .most = 7 * 86400}, false,
                                  "Between two of its actions on one target, where the policy asks for less."),
    key<Runbook, FIELD(touched_most)>("", "touched_most", {.least = 0, .most = 1000}, false,
                                      "So many entities may feel one action; 0: what the policy says."),
    key<Runbook, FIELD(choose)>("", "choose", {}, false,
                                "Which of the steps that apply goes first: in order, or what most likely helps."),
    key<Runbook, FIELD(ceiling)>("", "ceiling", {}, false, "Never further than this, whatever the policy says."),
};
const Key<Requirement> kRequirementKeys[] = {
    key<Requirement, FIELD(why)>("", "why", {}, false, "The reason, told when it does not hold."),
};
const Key<Step> kStepKeys[] = {
    key<Step, FIELD(action)>(
        "", "action", kName, false,
        "Entry of the catalogue, `hostmedic list actions`; or \"notify\", to tell people the parameter _text_."),
    key<Step, FIELD(timeout)>("", "timeout", {.least = 1, .most = 900}, false, "For the effect."),
    key<Step, FIELD(on_failure)>("", "on_failure", {}, false, "What follows when the step is not proved."),
    key<Step, FIELD(undo)>("", "undo", {}, false, "Undone when it is not proved, where the action can be."),
};
const Key<Check> kCheckKeys[] = {
    key<Check, FIELD(subject)>("", "check", {}, false, "What proves the step."),
    key<Check, FIELD(series)>("", "series", kName, false, "Series of the incident's root, for the checks of a series."),
    key<Check, FIELD(attributes)>("", "attributes", {}, false, "Its attributes, exactly."),
    key<Check, FIELD(bound)>("", "bound", {.least = -1e15, .most = 1e15}, false, "The limit, or the least fall."),
    key<Check, FIELD(settle)>("", "settle", {.least = 0, .most = 3600}, false, "Must hold this long without a break."),
    key<Check, FIELD(within)>("", "within", kWithin, false, "Must begin to hold in this time."),
};
#undef FIELD

void need(const Node& table, std::string_view name, std::string_view what, const Place& place) {
  if (find_member(table, name) == nullptr)
    place.error(table.at, std::string(what) + " needs the key '" + std::string(name) + "'");
}

void read_check(const Member& member, const Place& place, Check& check) {
  if (member.value.kind != Node::Kind::table) return place.error(member.at, "expected the table [step.verify]");
  const Special condition{"condition", [&](const Member& text) { read_condition(text, place, check.condition); }};
  read_table<Check>(member.value, "", check_keys(), std::span(&condition, 1), place, check);
  need(member.value, "check", "[step.verify]", place);
  if (check.subject == Check::Subject::condition) need(member.value, "condition", "this check", place);
  const bool of_series = check.subject == Check::Subject::series_below ||
                         check.subject == Check::Subject::series_above || check.subject == Check::Subject::series_fell;
  if (!of_series) return;
  need(member.value, "series", "this check", place);
  need(member.value, "bound", "this check", place);
}

// A parameter's text is checked by the action itself when it plans; here its name is.
void read_params(const Member& member, std::span<const ParamText> params, const Place& place, Step& step) {
  if (member.value.kind != Node::Kind::table) return place.error(member.at, "expected the table [step.params]");
  std::vector<std::string_view> known;
  for (const ParamText& param : params) known.push_back(param.name);
  for (const Member& param : member.value.members) {
    std::string value;
    if (std::find(known.begin(), known.end(), param.name) == known.end()) {
      place.error(param.at, unknown_text("parameter of " + step.action + ":", param.name, known));
    } else if (auto wrong = read_value(param.value, {}, value)) {
      place.error(wrong->at, param.name + ": " + wrong->message);
    } else {
      step.params.push_back({param.name, value});
    }
  }
}

void read_notify(const Node& table, const Member* params, const Place& place, Step& step, Runbook& runbook) {
  constexpr ParamText kText[] = {{"text", "", ""}};
  constexpr std::size_t kMostText = 400;
  if (params != nullptr) read_params(*params, kText, place, step);
  const std::string text = step.params.empty() ? std::string() : step.params.front().value;
  if (text.empty() || text.size() > kMostText)
    place.error(table.at, strf("notify needs the parameter 'text', of at most %zu bytes", kMostText));
  for (const char* name : {"verify", "timeout", "undo", "on_failure"})
    if (find_member(table, name) != nullptr)
      place.error(position_of(table, name), std::string(name) + ": notify does nothing that could be proved or undone");
  step.verify.subject = Check::Subject::none;
  runbook.steps.push_back(std::move(step));
}

void read_step(const Node& table, const Place& place, Runbook& runbook) {
  if (runbook.steps.size() == kMostSteps) return place.error(table.at, "more than 8 steps");
  Step step;
  const Member* params = nullptr;
  const Special specials[] = {
      {"verify", [&](const Member& member) { read_check(member, place, step.verify); }},
      {"params", [&](const Member& member) { params = &member; }},
  };
  read_table<Step>(table, "", step_keys(), specials, place, step);
  need(table, "action", "a [[step]]", place);
  if (step.action == kNotifyStep) return read_notify(table, params, place, step, runbook);
  need(table, "verify", "a [[step]]", place);
  const ActionInfo* action = find_action(step.action);
  if (action == nullptr) {
    std::vector<std::string_view> known{kNotifyStep};
    for (const ActionInfo* info : all_actions()) known.push_back(info->name);
    if (!step.action.empty()) place.error(position_of(table, "action"), unknown_text("action", step.action, known));
    return;
  }
  if (params != nullptr) read_params(*params, action->params, place, step);
  for (const ParamText& param : action->params)
    if (param.fallback.empty() && (params == nullptr || find_member(params->value, param.name) == nullptr))
      place.error(table.at, step.action + " needs the parameter '" + std::string(param.name) + "'");
  if (step.verify.subject == Check::Subject::unit_active && !has(action->targets, EntityKind::service))
    place.error(position_of(table, "verify"),
                "unit_active is a check of services, and " + step.action + " treats none");
  if (find_member(table, "undo") != nullptr && step.undo && !action->reversible)
    place.error(position_of(table, "undo"), step.action + " cannot be undone");
  runbook.steps.push_back(std::move(step));
}

void read_requirement(const Node& table, const Place& place, Runbook& runbook) {
  if (runbook.requirements.size() == kMostRequirements) return place.error(table.at, "more than 8 [[require]]");
  Requirement requirement;
  const Special condition{"condition", [&](const Member& text) { read_condition(text, place, requirement.condition); }};
  read_table<Requirement>(table, "", requirement_keys(), std::span(&condition, 1), place, requirement);
  need(table, "condition", "a [[require]]", place);
  need(table, "why", "a [[require]]", place);
  runbook.requirements.push_back(std::move(requirement));
}

// A kind that no rule of ours opens may be one of a rule to come: worth knowing, no fault.
void look_at_kinds(const Node& root, std::span<const std::string> known, const Place& place) {
  const Node* const kinds = find_member(root, "kinds");
  if (kinds == nullptr || known.empty()) return;
  const std::vector<std::string_view> names(known.begin(), known.end());
  for (const Node& kind : kinds->items)
    if (kind.kind == Node::Kind::text && std::ranges::find(known, kind.text) == known.end())
      place.diagnostics.notice(place.file, kind.at,
                               unknown_text("kind of incident", kind.text, names) + " (no rule opens such)");
}

void look_at_busy_kinds(const Node& root, const Place& place) {
  const Node* const kinds = find_member(root, "not_while");
  std::vector<std::string_view> known;
  for (const guard::BusyKind& kind : guard::busy_kinds()) known.push_back(kind.name);
  for (const Node& kind : kinds != nullptr ? kinds->items : std::vector<Node>())
    if (kind.kind == Node::Kind::text && !guard::is_busy_kind(kind.text))
      place.error(kind.at, unknown_text("kind of busy work", kind.text, known));
}

// Notes may have several lines, which no other text may.
void read_notes(const Member& member, const Place& place, Runbook& runbook) {
  if (member.value.kind != Node::Kind::text || member.value.text.size() > 8192)
    return place.error(member.value.at, "notes: expected a text of at most 8KiB");
  runbook.notes.clear();
  for (const std::string_view line : split(member.value.text, '\n')) runbook.notes += printable(line, 1024) + "\n";
}

Runbook read_runbook(const Node& root, const std::string& file, std::span<const std::string> known_kinds,
                     Diagnostics& diagnostics) {
  const Place place{file, diagnostics};
  Runbook runbook;
  runbook.source = file + ":1";
  const Special specials[] = {
      {"step",
       [&](const Member& member) {
         each_table(member, place, [&](const Node& table) { read_step(table, place, runbook); });
       }},
      {"require",
       [&](const Member& member) {
         each_table(member, place, [&](const Node& table) { read_requirement(table, place, runbook); });
       }},
      {"when", [&](const Member& member) { read_condition(member, place, runbook.when); }},
      {"notes", [&](const Member& member) { read_notes(member, place, runbook); }},
  };
  read_table<Runbook>(root, "", runbook_keys(), specials, place, runbook);
  for (const std::string_view name : {"name", "kinds", "step"}) need(root, name, "a runbook", place);
  if (find_member(root, "kinds") != nullptr && runbook.kinds.empty())
    place.error(position_of(root, "kinds"), "kinds: expected at least one kind of incident");
  look_at_kinds(root, known_kinds, place);
  look_at_busy_kinds(root, place);
  return runbook;
}

}  // namespace

std::span<const Key<Runbook>> runbook_keys() { return kRunbookKeys; }
std::span<const Key<Requirement>> requirement_keys() { return kRequirementKeys; }
std::span<const Key<Step>> step_keys() { return kStepKeys; }
std::span<const Key<Check>> check_keys() { return kCheckKeys; }

std::vector<std::string> default_runbook_dirs() {
  return {"/usr/share/hostmedic/runbooks", "/etc/hostmedic/runbooks.d"};
}

std::vector<std::string> incident_kinds(const detect::EngineConfig& engine) {
  std::vector<std::string> kinds{std::string(detect::kSystemic)};
  for (const auto& rule : engine.rules) kinds.push_back(rule.incident_kind);
  for (const auto& rule : engine.event_rules) kinds.push_back(rule.incident_kind);
  for (const auto& rule : engine.condition_rules) kinds.push_back(rule.incident_kind);
  for (int i = 0; i < kEntityKindCount; ++i)
    kinds.push_back(std::string(to_string(static_cast<EntityKind>(i))) + ".unusual");
  std::ranges::sort(kinds);
  kinds.erase(std::ranges::unique(kinds).begin(), kinds.end());
  return kinds;
}

Loaded<Runbook> parse_runbook(std::string_view text, const std::string& file,
                              std::span<const std::string> known_kinds) {
  Loaded<Runbook> loaded;
  Diagnostics diagnostics;
  loaded.config = read_runbook(parse_toml(text, file, diagnostics), file, known_kinds, diagnostics);
  loaded.diagnostics = std::move(diagnostics).take();
  return loaded;
}

Loaded<std::vector<Runbook>> load_runbooks(std::span<const std::string> dirs,
                                           std::span<const std::string> known_kinds) {
  Loaded<std::vector<Runbook>> loaded;
  Diagnostics diagnostics;
  std::vector<Runbook>& all = loaded.config;
  for (const std::string& dir : dirs) {
    std::vector<Runbook> here;
    for (const std::string& file : toml_files(dir, diagnostics)) {
      Runbook runbook = read_runbook(load_toml(file, diagnostics), file, known_kinds, diagnostics);
      const auto same = [&](const Runbook& other) { return other.name == runbook.name; };
      if (const auto twin = std::find_if(here.begin(), here.end(), same); twin != here.end())
        diagnostics.error(file, {1, 1}, "the name '" + runbook.name + "' is also used by " + twin->source);
      std::erase_if(all, same);
      here.push_back(std::move(runbook));
    }
    all.insert(all.begin(), std::make_move_iterator(here.begin()), std::make_move_iterator(here.end()));
  }
  loaded.diagnostics = std::move(diagnostics).take();
  return loaded;
}

}  // namespace hostmedic
