// SPDX-License-Identifier: Apache-2.0
// [[rule]] with `when`.
#include <doctest/doctest.h>

#include <algorithm>

#include "agent/config/agent_config.h"
#include "tests/unit/config/files.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {
constexpr const char* kNew = R"(
[[rule]]
id = "shop-errors"
entity = "service:shop*"
when = """
error_rate > 5%
and p99_latency > 2s"""
incident_kind = "http.errors"
severity = "critical"
)";

std::string first_fault(const std::string& text) {
  const auto loaded = parse_agent_config(text, "a.toml");
  return loaded.diagnostics.empty() ? "" : texts(loaded.diagnostics)[0];
}
}  // namespace

TEST_CASE("a rule with a condition is added, and changed by a later table") {
  const auto loaded =
      parse_agent_config(std::string(kNew) + "[[rule]]\nid = \"shop-errors\"\nprobability = 0.5\n", "a");
  for (const std::string& line : texts(loaded.diagnostics)) MESSAGE(line);
  REQUIRE(loaded.ok());
  const auto& rules = loaded.config.engine.condition_rules;
  const auto rule = std::ranges::find(rules, "shop-errors", &detect::ConditionRule::id);
  REQUIRE(rule != rules.end());
  CHECK(rule->when == "error_rate > 5%\nand p99_latency > 2s");
  CHECK(rule->severity == Severity::critical);
  CHECK(rule->probability == doctest::Approx(0.5));
  const auto changes = changed_keys(AgentConfig{}, loaded.config);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].key == "rule shop-errors");
}

TEST_CASE("a fault in a condition is told with its place in the file") {
  const std::string head = "[[rule]]\nid = \"x\"\nincident_kind = \"k\"\n";
  CHECK(first_fault(head + "when = \"load_per_cpu > 90%\"").empty());
  CHECK(first_fault(head + "when = \"system.uptime > 64MiB\"") ==
        "a.toml:4:23: when: seconds and bytes do not go together");
  CHECK(first_fault(head + "when = 'system.uptime > 64MiB'").starts_with("a.toml:4:23: "));
  CHECK(first_fault(head + "when = \"\"\"system.uptime > 64MiB\"\"\"").starts_with("a.toml:4:25: "));
  CHECK(first_fault(head + "when = \"\"\"\nload_per_cpu > 4\n  and system.uptime > 64MiB\n\"\"\"") ==
        "a.toml:6:21: when: seconds and bytes do not go together");
  CHECK(first_fault(head + "when = \"\"\"load_per_cpu > 4\n  and system.uptime > 64MiB\n\"\"\"")
            .starts_with("a.toml:5:21: "));
  CHECK(first_fault(head + "when = 5").starts_with("a.toml:4:8: when: expected a condition"));
  CHECK(first_fault(head + "when = \"load_per_cpu > 4\"\ndetector = \"above_for\"").find("unknown key 'detector'") !=
        std::string::npos);
  CHECK(first_fault("[[rule]]\nid = \"x\"\nwhen = \"load_per_cpu > 4\"").find("needs the key 'incident_kind'") !=
        std::string::npos);
  CHECK(first_fault("[[rule]]\nid = \"filesystem-full\"\nincident_kind = \"k\"\nwhen = \"load_per_cpu > 4\"") ==
        "a.toml:2:6: 'filesystem-full' is a rule with a detector and has no `when`");
}
