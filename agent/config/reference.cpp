// SPDX-License-Identifier: Apache-2.0
#include "agent/config/reference.h"

#include "agent/base/text.h"
#include "agent/config/agent_keys.h"
#include "agent/config/aggregator_keys.h"
#include "agent/config/policy_keys.h"
#include "agent/config/runbook_keys.h"

namespace hostmedic {
namespace {

constexpr std::string_view kAgentHead =
    R"(Hostmedic: the agent. See hostmedic.toml(5).

Every key is here, commented, at its default. Files in conf.d/ are read after this one, in the order
of their names, and win key by key. Durations and sizes are written with their unit: "30s", "64MiB".
`hostmedic check` finds mistakes; `systemctl reload hostmedic` takes over what is right and keeps the
old configuration otherwise. What the agent may do by itself is said in policy.toml.)";

constexpr std::string_view kAgentTail =
    R"(A rule says which detector watches which series. `hostmedic list rules` shows all of them. A table
with the id of a known rule changes what it names and leaves the rest:

[[rule]]
id = "filesystem-nearly-full"
params = { limit = 0.95 }

[[event_rule]]
id = "service-failed"
entity = "service:nginx*"

A new rule needs an id, a metric, a detector and an incident_kind:

[[rule]]
id = "queue-too-long"
metric = "system.disk.pending_operations"
detector = "above_for"
params = { limit = 64, hold = "30s" }
incident_kind = "disk.saturated"

A rule may have a condition instead; hostmedic-rules(5) tells what can be said:

[[rule]]
id = "shop-errors"
entity = "service:shop*"
when = "error_rate > 5% and request_rate > 1/s and p99_latency > 2s for 30s"
incident_kind = "http.errors"
severity = "error"

What is known to be unusual at certain times is neither told nor learnt from. Errors while there is ten
times the traffic are told all the same; `hostmedic expect` is for once:

[[expected]]
name = "backup"
schedule = "30 2 * * *"
for = "90m"
zone = "UTC"
series = "system.disk.*"
shadow = true

[[expected]]
name = "sale"
from = "2026-11-27 08:00"
to = "2026-11-28"
entity = "service:shop*"
series = "hostmedic.http.*"
factor = 10

Active checks and exporters are asked by hostmedic-check.service, which has no rights on this host:

[[check]]
id = "shop"
url = "https://shop.example/health"
interval = "10s"
contains = "ok"
service = "nginx.service"

[[check]]
id = "raid"
url = "exec:raid"
interval = "1m"

[[scrape]]
id = "postgres"
url = "http://127.0.0.1:9187/metrics"
allow = ["pg_stat_activity_count", "pg_locks_count"]
service = "postgresql.service")";

constexpr std::string_view kPolicyHead =
    R"(Hostmedic: what the agent may do by itself. See hostmedic-policy.toml(5).

The guard evaluates this file twice: in the agent, for the explanation, and in the actuator, for effect.
It must belong to root and nobody else may write to it. Every key is here, commented, at its default:
the agent observes, says what it would have done, and does nothing.)";

constexpr std::string_view kPolicyTail =
    R"(Autonomy for one runbook and some entities; the last table that matches wins. The tiers are observe,
suggest, approve and auto. tier = "auto" at the top of the file, instead of tables, is for everything.

[[tier]]
runbook = "service-restart"
entity = "service:nginx.service"
tier = "auto"

No action without a human in a window, in UTC; it may go over midnight:

[[exclusion]]
name = "month-end"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "22:00"
to = "04:00"
entity = "service:billing*")";

constexpr std::string_view kAggregatorHead =
    R"(Hostmedic: the aggregator. See hostmedic-aggregator(8).

Every key is here, commented, at its default. Durations and sizes are written with their unit: "30s",
"64MiB". `hostmedic-aggregator init` makes the certificates.)";

// Each line commented.
void add_comment(std::string& out, std::string_view text) {
  for (const std::string_view line : split(text, '\n')) {
    out += line.empty() ? "#" : "# ";
    out += line;
    out += '\n';
  }
}

// Breaks a sentence into lines of at most 98 characters.
std::string wrapped(const std::string& text) {
  constexpr std::size_t kWidth = 98;
  std::string out;
  std::size_t width = 0;
  for (const std::string_view word : split(text, ' ')) {
    if (width > 0 && width + 1 + word.size() > kWidth) {
      out += '\n';
      width = 0;
    } else if (width > 0) {
      out += ' ';
      ++width;
    }
    out += word;
    width += word.size();
  }
  return out;
}

void add_keys(std::string& out, const std::vector<KeyText>& rows) {
  std::string table;
  for (const KeyText& row : rows) {
    if (row.table.starts_with("[")) continue;  // shown as an example in the tail
    if (row.table != table) {
      table = row.table;
      out += "\n[" + table + "]\n";
    }
    out += "\n";
    add_comment(out, wrapped(row.doc + " (" + row.type + (row.restart ? "; needs a restart)" : ")")));
    out += "#" + row.name + " = " + row.fallback + "\n";
  }
}

void append(std::vector<KeyText>& rows, std::vector<KeyText> more, const std::string& table) {
  for (KeyText& row : more) {
    row.table = table;
    rows.push_back(std::move(row));
  }
}

}  // namespace

std::vector<KeyText> reference_rows(ConfigFile file) {
  std::vector<KeyText> rows;
  switch (file) {
    case ConfigFile::agent:
      rows = key_texts(agent_keys());
      rows.push_back({"[detect.models]", "NAME", "one of off, shadow, trial, serving", "as shipped",
                      "Whether the model of that name runs, and whether its word counts; `hostmedic list detectors "
                      "--health` names them.",
                      true});
      append(rows, key_texts(rule_keys()), "[[rule]]");
      rows.push_back({"[[rule]]", "params", "table", "{}",
                      "Parameters of the detector by name; `hostmedic list detectors` shows them.", false});
      rows.push_back({"[[rule]]", "when", "condition", "\"\"",
                      "In place of metric, attributes, detector, params and weight: a condition over any series, see "
                      "hostmedic-rules(5). Such a rule has a probability, 0.8 if it says none.",
                      false});
      append(rows, key_texts(event_rule_keys()), "[[event_rule]]");
      append(rows, key_texts(expected_keys()), "[[expected]]");
      append(rows, key_texts(active_check_keys()), "[[check]]");
      append(rows, key_texts(scrape_keys()), "[[scrape]]");
      break;
    case ConfigFile::policy:
      rows = key_texts(policy_keys());
      append(rows, key_texts(tier_keys()), "[[tier]]");
      append(rows, key_texts(exclusion_keys()), "[[exclusion]]");
      break;
    case ConfigFile::aggregator: rows = key_texts(aggregator_keys()); break;
  }
  return rows;
}

std::vector<KeyText> runbook_reference_rows() {
  std::vector<KeyText> rows = key_texts(runbook_keys());
  rows.push_back({"", "notes", "text", "\"\"", "For the human; may have several lines.", false});
  rows.push_back({"", "when", "condition", "\"\"", "Must hold for it to be taken; see *hostmedic-rules*(5).", false});
  rows.push_back({"[[require]]", "condition", "condition", "", "Must hold before any step is taken.", false});
  append(rows, key_texts(requirement_keys()), "[[require]]");
  append(rows, key_texts(step_keys()), "[[step]]");
  rows.push_back({"[[step]]", "params", "table", "{}",
                  "Parameters of the action by name; `hostmedic list actions` shows them.", false});
  append(rows, key_texts(check_keys()), "[step.verify]");
  rows.push_back(
      {"[step.verify]", "condition", "condition", "", "What must come to hold, for the check of that name.", false});
  return rows;
}

std::string print_reference(ConfigFile file) {
  std::string out = "# SPDX-License-Identifier: Apache-2.0\n";
  std::string_view head, tail;
  switch (file) {
    case ConfigFile::agent: head = kAgentHead, tail = kAgentTail; break;
    case ConfigFile::policy: head = kPolicyHead, tail = kPolicyTail; break;
    case ConfigFile::aggregator: head = kAggregatorHead; break;
  }
  add_comment(out, head);
  add_keys(out, reference_rows(file));
  if (!tail.empty()) {
    out += "\n";
    add_comment(out, tail);
  }
  return out;
}

}  // namespace hostmedic
