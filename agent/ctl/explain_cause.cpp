// SPDX-License-Identifier: Apache-2.0
// Parts of `hostmedic explain`: why this root, who suffers, what was seen.
#include <algorithm>

#include "agent/base/text.h"
#include "agent/ctl/explain_parts.h"
#include "agent/ctl/spark.h"
#include "detect/correlate/explain.h"

namespace hostmedic {

namespace {

constexpr Duration kFresh = std::chrono::minutes(1);  // an older reading is not "now"
constexpr std::size_t kBarColumns = 8, kSparkColumns = 24, kMostEntityColumns = 40;

std::string entity_cell(const Entity& entity) { return fitted(safe(entity), kMostEntityColumns); }

// The line of numbers below a sentence: "usual 12-38/s, now 412/s".
std::string numbers(const View& view, const Anomaly& anomaly, const CaseTrace* trace) {
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  const auto value = [&](double number) { return detect::format_value(number, anomaly.unit); };
  if (anomaly.normal_low && anomaly.normal_high)
    add("usual " + range_text(*anomaly.normal_low, *anomaly.normal_high, anomaly.unit));
  else if (anomaly.expected)
    add("limit " + value(*anomaly.expected));
  if (trace != nullptr && view.look.now - trace->points.back().at < kFresh)
    add("now " + value(trace->points.back().value));
  else if (anomaly.value)
    add("was " + value(*anomaly.value));
  if (anomaly.proof) add("proof by itself");
  if (anomaly.since_wall != view.incident().fault_at) add(offset(anomaly.since_wall, view.incident().fault_at));
  if (!anomaly.firing) add("quiet again");
  if (view.full())
    add(safe(anomaly.signal) +
        strf(", rule %s, %.0f%% sure", safe(anomaly.rule, 64).c_str(), 100 * anomaly.probability));
  return out;
}

std::string curve(const View& view, const Anomaly& anomaly, const CaseTrace& trace) {
  return sparkline(trace.points,
                   {.from = trace.points.front().at,
                    .to = trace.points.back().at,
                    .fault = view.incident().fault_at,
                    .low = anomaly.normal_low,
                    .high = anomaly.normal_high,
                    .direction = anomaly.direction,
                    .columns = kSparkColumns},
                   view.look.utf8);
}

}  // namespace

std::string root_part(const View& view) {
  const std::vector<Candidate>& all = view.incident().candidates;
  if (all.empty()) return {};
  Table table({}, 2);
  for (const Candidate& one : all) {
    const bool root = one.entity == view.incident().root;
    table.add({{bar(one.score, kBarColumns, view.look.utf8)},
               {strf("%3.0f%%", 100 * one.score)},
               {entity_cell(one.entity), root ? Tone::strong : Tone::plain},
               {safe(one.why, view.text(160)), root ? Tone::plain : Tone::dim}});
  }
  return section(view.look, all.size() > 1 ? "Why it, and not the others" : "Why it") + table.render(view.look);
}

std::string affected_part(const View& view) {
  const std::vector<Affected>& all = view.incident().affected;
  if (all.empty()) return {};
  const std::size_t shown = std::min(all.size(), view.rows(5));
  std::string out = section(view.look, strf("Affected (%zu)", all.size()));
  for (std::size_t i = 0; i < shown; ++i) {
    const Affected& one = all[i];
    const std::string path = one.path.empty() ? "" : "by way of " + safe(one.path, view.text(300));
    std::string text = safe(one.entity);
    // Most symptoms begin with whose they are.
    if (one.symptom.starts_with(to_string(one.entity))) text.clear();
    if (!one.symptom.empty()) text += (text.empty() ? "" : ": ") + safe(one.symptom, view.text(160));
    out += "  " + wrap(view.look, text, 4) + "\n";
    if (!path.empty()) out += "    " + paint(view.look, Tone::dim, wrap(view.look, path, 4)) + "\n";
  }
  return out + and_more(view, all.size(), shown);
}

std::string evidence_part(const View& view) {
  const std::vector<Anomaly>& all = view.incident().anomalies;
  std::string out = section(view.look, "Evidence");
  if (all.empty()) return out + "  none kept\n";
  const std::size_t shown = std::min(all.size(), view.rows(5));
  bool numeric = false;
  for (std::size_t i = 0; i < shown; ++i) {
    const Anomaly& anomaly = all[i];
    std::string text = safe(anomaly.evidence, view.text(240));
    if (text.empty()) text = safe(anomaly.entity) + ": " + safe(anomaly.signal);
    const CaseTrace* trace = trace_of(view.file, anomaly);
    const std::string drawn = trace == nullptr ? "" : curve(view, anomaly, *trace);
    const std::string said = numbers(view, anomaly, trace);
    numeric |= anomaly.value.has_value();
    if (drawn.empty()) {
      out += "  " + wrap(view.look, text + (said.empty() ? "" : " (" + said + ")"), 2) + "\n";
      continue;
    }
    out += "  " + wrap(view.look, text, 2) + "\n    " + drawn + "  " +
           paint(view.look, Tone::dim, wrap(view.look, said, 4 + columns_of(drawn) + 2)) + "\n";
  }
  out += and_more(view, all.size(), shown);
  if (numeric && view.file.traces.empty() && !view.file.no_traces.empty())
    out += "  " + paint(view.look, Tone::dim, "no curves: " + safe(view.file.no_traces, 160)) + "\n";
  return out;
}

}  // namespace hostmedic
