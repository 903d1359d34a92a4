// SPDX-License-Identifier: Apache-2.0
#include "agent/config/reference.h"

#include <doctest/doctest.h>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "agent/config/agent_config.h"
#include "agent/config/aggregator_config.h"
#include "agent/config/policy_config.h"
#include "tests/unit/config/files.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

// Every commented key becomes a key; text and examples stay comments.
std::string uncommented(const std::string& reference) {
  std::string out;
  for (const std::string_view line : split(reference, '\n')) {
    const bool key = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    out += std::string(key ? line.substr(1) : line) + "\n";
  }
  return out;
}

std::string shipped(const std::string& name) {
  auto text = read_file(std::string(HM_SHIPPED "/etc/") + name, mib(1));
  REQUIRE(text.has_value());
  return *text;
}

}  // namespace

TEST_CASE("the shipped files are what the tables print") {
  CHECK(shipped("hostmedic.toml") == print_reference(ConfigFile::agent));
  CHECK(shipped("policy.toml") == print_reference(ConfigFile::policy));
  CHECK(shipped("aggregator.toml") == print_reference(ConfigFile::aggregator));
}

TEST_CASE("the shipped files set nothing") {
  CHECK(changed_keys(AgentConfig{}, parse_agent_config(print_reference(ConfigFile::agent), "a").config).empty());
  for (const ConfigFile file : {ConfigFile::agent, ConfigFile::policy, ConfigFile::aggregator}) {
    const std::string reference = print_reference(file);
    for (const std::string_view line : split(reference, '\n'))
      CHECK((line.empty() || line[0] == '#' || line[0] == '['));
  }
}

TEST_CASE("every key at its printed default is valid and is the default") {
  const auto agent = parse_agent_config(uncommented(print_reference(ConfigFile::agent)), "a");
  for (const std::string& line : texts(agent.diagnostics)) MESSAGE(line);
  REQUIRE(agent.ok());
  CHECK(changed_keys(AgentConfig{}, agent.config).empty());
  const auto policy = parse_policy(uncommented(print_reference(ConfigFile::policy)), "p");
  for (const std::string& line : texts(policy.diagnostics)) MESSAGE(line);
  CHECK(policy.ok());
  CHECK(policy.config.tier == Tier::observe);
  CHECK(policy.config.per_host.count == guard::Policy{}.per_host.count);
  const auto aggregator = parse_aggregator_config(uncommented(print_reference(ConfigFile::aggregator)), "g");
  CHECK(aggregator.ok());
  CHECK(aggregator.config.listen == AggregatorConfig{}.listen);
}

TEST_CASE("the examples in the shipped files are valid") {
  const auto example = [](ConfigFile file) {
    const std::string all = print_reference(file);
    std::string out;
    bool inside = false;
    for (const std::string_view line : split(all, '\n')) {
      if (line.starts_with("# [[")) inside = true;
      if (line == "#" || line.empty()) inside = false;
      if (inside) out += std::string(line.substr(2)) + "\n";
    }
    return out;
  };
  const std::string agent = example(ConfigFile::agent), policy = example(ConfigFile::policy);
  CAPTURE(agent);
  CAPTURE(policy);
  CHECK(changed_keys(AgentConfig{}, parse_agent_config(agent, "a").config).size() == 8);
  CHECK(parse_agent_config(agent, "a").ok());
  const auto loaded = parse_policy(policy, "p");
  CHECK(loaded.ok());
  CHECK(loaded.config.tiers.size() == 1);
  CHECK(loaded.config.exclusions.size() == 1);
}

TEST_CASE("every key is described for the manual") {
  for (const ConfigFile file : {ConfigFile::agent, ConfigFile::policy, ConfigFile::aggregator}) {
    for (const KeyText& row : reference_rows(file)) {
      CAPTURE(row.name);
      CHECK_FALSE(row.doc.empty());
      CHECK(row.doc.size() > 8);
      CHECK_FALSE(row.type.empty());
      CHECK_FALSE(row.fallback.empty());
    }
  }
  CHECK(runbook_reference_rows().size() > 10);
}
