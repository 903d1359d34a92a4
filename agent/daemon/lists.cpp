// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/lists.h"

#include <algorithm>
#include <tuple>

#include "agent/base/text.h"
#include "agent/daemon/daemon.h"
#include "detect/detector.h"
#include "detect/survey.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

json::object params_object(std::span<const detect::ParamSpec> specs) {
  json::object params;
  for (const detect::ParamSpec& spec : specs)
    params[spec.name] = {{"unit", to_string(spec.unit)},
                         {"default", spec.fallback},
                         {"min", spec.min},
                         {"max", spec.max},
                         {"doc", spec.doc}};
  return params;
}

json::array probes(const Daemon& daemon) {
  json::array rows;
  for (const auto& [name, probe] : daemon.pipeline().probes()) {
    json::object row{{"name", name}, {"state", probe.state}, {"reason", probe.reason}};
    for (const Attribute& attribute : probe.attributes) row.emplace(attribute.key, attribute.value);
    rows.push_back(std::move(row));
  }
  return rows;
}

json::array series(const Daemon& daemon) {
  json::array rows;
  daemon.pipeline().engine().host().each_series(
      [&](const SeriesDef& def, const Entity& entity, std::optional<double> value) {
        rows.push_back({{"entity", to_string(entity)},
                        {"name", def.name},
                        {"attributes", def.attributes},
                        {"unit", to_string(def.unit)},
                        {"instrument", to_string(def.instrument)},
                        {"value", value ? json::value(*value) : json::value(nullptr)}});
      });
  return rows;
}

json::array detectors(const Daemon&) {
  json::array rows;
  for (const detect::DetectorInfo* info : detect::all_detectors())
    rows.push_back({{"name", info->name}, {"summary", info->summary}, {"params", params_object(info->params)}});
  return rows;
}

json::array models(const Daemon& daemon) {
  json::array rows;
  std::vector<detect::ModelHealth> all = daemon.pipeline().engine().survey().scorer().health();
  all.push_back(daemon.pipeline().engine().behaviour().health());
  for (const detect::ModelHealth& model : all)
    rows.push_back({{"name", model.name},
                    {"summary", model.summary},
                    {"mode", to_string(model.mode)},
                    {"working", model.working},
                    {"reason", model.reason},
                    {"cost_ns", model.cost_ns},
                    {"bytes", model.bytes},
                    {"alarm_rate", model.alarm_rate}});
  return rows;
}

json::array groups(const Daemon& daemon) {
  json::array rows;
  for (const detect::GroupHealth& group : daemon.pipeline().engine().survey().groups())
    rows.push_back({{"entity", to_string(group.entity)},
                    {"series", group.series},
                    {"stale", group.stale},
                    {"complete", group.complete},
                    {"learning", group.score.learning},
                    {"suspicious", group.score.suspicious},
                    {"held", group.held},
                    {"score", group.score.page},
                    {"threshold", group.score.threshold},
                    {"probability", group.score.probability},
                    {"psi", group.drift_known ? json::value(group.psi) : json::value(nullptr)},
                    {"ks", group.drift_known ? json::value(group.ks) : json::value(nullptr)},
                    {"suspicions_a_day", group.suspicions_a_day}});
  return rows;
}

json::array thresholds(const Daemon& daemon) {
  json::array rows;
  for (const detect::ThresholdChange& change : daemon.pipeline().engine().survey().thresholds().changes())
    rows.push_back({{"at_unix_nano", to_ns(change.at)},
                    {"what", change.what},
                    {"before", change.before},
                    {"after", change.after},
                    {"why", change.why}});
  return rows;
}

json::array rules(const Daemon& daemon) {
  json::array rows;
  for (const detect::Rule& rule : daemon.engine_config().rules)
    rows.push_back({{"id", rule.id},
                    {"enabled", rule.enabled},
                    {"metric", rule.metric},
                    {"entity", rule.entity},
                    {"detector", rule.detector},
                    {"incident_kind", rule.incident_kind},
                    {"why", rule.why}});
  for (const detect::EventRule& rule : daemon.engine_config().event_rules)
    rows.push_back({{"id", rule.id},
                    {"enabled", rule.enabled},
                    {"metric", to_string(rule.kind)},
                    {"entity", rule.entity},
                    {"detector", "event"},
                    {"incident_kind", rule.incident_kind},
                    {"why", rule.why}});
  for (const detect::ConditionRule& rule : daemon.engine_config().condition_rules)
    rows.push_back({{"id", rule.id},
                    {"enabled", rule.enabled},
                    {"metric", rule.when},
                    {"entity", rule.entity},
                    {"detector", "condition"},
                    {"incident_kind", rule.incident_kind},
                    {"why", rule.why}});
  return rows;
}

// What the configuration says and what people added; `until` where its window is open or will be, once.
json::array expected(const Daemon& daemon) {
  json::array rows;
  const WallTime now = daemon.now().wall;
  const auto add = [&](const std::vector<detect::ExpectedEntry>& entries) {
    for (const detect::ExpectedEntry& entry : entries) {
      const bool once = !entry.schedule.cron;
      if (once && entry.schedule.until <= now) continue;
      const auto until = entry.schedule.ends(now);
      json::object row{{"name", entry.name},       {"text", detect::describe(entry)},
                       {"entity", entry.entity},   {"series", entry.series},
                       {"shadow", entry.shadow},   {"factor", entry.factor},
                       {"now", until.has_value()}, {"by", entry.by.empty() ? "the configuration" : entry.by}};
      if (once) row["from_unix_nano"] = to_ns(entry.schedule.from);
      if (once || until) row["until_unix_nano"] = to_ns(until.value_or(entry.schedule.until));
      rows.push_back(std::move(row));
    }
  };
  add(daemon.engine_config().expected);
  add(daemon.pipeline().expected());
  return rows;
}

json::array silences(const Daemon& daemon) {
  json::array rows;
  for (const Silence& silence : daemon.pipeline().brakes().silences)
    if (silence.until > daemon.now().wall)
      rows.push_back({{"entity", silence.entity},
                      {"kind", silence.kind},
                      {"until_unix_nano", to_ns(silence.until)},
                      {"by", silence.by},
                      {"reason", silence.reason}});
  return rows;
}

json::array relations(const Daemon& daemon) {
  std::vector<detect::Edge> edges = daemon.pipeline().engine().graph().edges();
  std::ranges::sort(edges, {}, [](const detect::Edge& edge) { return std::tie(edge.from, edge.relation, edge.to); });
  const Now now = daemon.now();
  json::array rows;
  for (const detect::Edge& edge : edges)
    rows.push_back({{"from", to_string(edge.from)},
                    {"relation", to_string(edge.relation)},
                    {"to", to_string(edge.to)},
                    {"told_at_unix_nano", to_ns(now.wall) - (now.mono - edge.last).count()},
                    {"told", edge.told}});
  return rows;
}

json::array actions(const Daemon&) {
  json::array rows;
  for (const ActionInfo* info : all_actions())
    rows.push_back({{"name", info->name},
                    {"summary", info->summary},
                    {"target", to_string(info->targets)},
                    {"reversible", info->reversible},
                    {"capabilities", info->capabilities},
                    {"cost", info->cost},
                    {"undo", info->undo}});
  return rows;
}

// What came of its steps in the kinds of incidents that it treats; older outcomes count less.
std::pair<double, double> outcomes_of(const Runbook& runbook, const std::vector<ExperienceRow>& rows) {
  double helped = 0, failed = 0;
  for (const ExperienceRow& row : rows) {
    if (std::ranges::find(runbook.kinds, row.subject) == runbook.kinds.end()) continue;
    if (std::ranges::find(runbook.steps, row.action, &Step::action) == runbook.steps.end()) continue;
    helped += row.record.helped;
    failed += row.record.failed;
  }
  return {helped, failed};
}

json::array runbooks(const Daemon& daemon) {
  json::array rows;
  const std::vector<ExperienceRow> experience = daemon.pipeline().experience().rows();
  for (const Runbook& runbook : daemon.pipeline().runbooks()) {
    const auto [helped, failed] = outcomes_of(runbook, experience);
    json::array steps, kinds;
    for (const Step& step : runbook.steps) steps.push_back(json::value(step.action));
    for (const std::string& kind : runbook.kinds) kinds.push_back(json::value(kind));
    rows.push_back({{"name", runbook.name},
                    {"summary", runbook.summary},
                    {"kinds", std::move(kinds)},
                    {"steps", std::move(steps)},
                    {"helped", helped},
                    {"failed", failed},
                    {"ceiling", to_string(runbook.ceiling)},
                    {"tier", to_string(guard::tier_of(daemon.pipeline().policy(), runbook.name, Entity{}))},
                    {"source", runbook.source}});
  }
  return rows;
}

json::array guard_rules(const Daemon&) {
  json::array rows;
  for (const guard::RuleInfo& rule : guard::rules()) rows.push_back({{"name", rule.name}, {"doc", rule.doc}});
  return rows;
}

struct List {
  std::string_view what;
  json::array (*rows)(const Daemon& daemon);
};
constexpr List kLists[] = {
    {"probes", probes},       {"series", series},     {"detectors", detectors},   {"models", models},
    {"groups", groups},       {"rules", rules},       {"thresholds", thresholds}, {"actions", actions},
    {"runbooks", runbooks},   {"guard", guard_rules}, {"expected", expected},     {"silences", silences},
    {"relations", relations},
};

}  // namespace

Result<json::array> list_rows(const Daemon& daemon, std::string_view what) {
  std::string known;
  for (const List& list : kLists) {
    if (list.what == what) return list.rows(daemon);
    known += (known.empty() ? "" : ", ") + std::string(list.what);
  }
  return make_error(ErrorCode::not_found, "can list " + known);
}

}  // namespace hostmedic
