// SPDX-License-Identifier: Apache-2.0
// The shipped rules: each group fires on its fault, and is quiet on what is similar and healthy.
#include "detect/rules/defaults.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "detect/rules/condition.h"

using namespace hostmedic;

TEST_CASE("every shipped condition can be read, and has its reason") {
  const detect::EngineConfig config = detect::default_engine_config();
  CHECK(config.condition_rules.size() > 80);
  std::set<std::string> ids;
  for (const detect::ConditionRule& rule : config.condition_rules) {
    const auto parsed = detect::parse_condition(rule.when);
    CAPTURE(rule.id);
    INFO(detect::show_fault(rule.when, parsed.fault));
    CHECK(parsed.condition.has_value());
    CHECK(rule.why.size() > 10);
    CHECK(ids.insert(rule.id).second);
  }
  CHECK(detect::Engine::make(config).has_value());
}
