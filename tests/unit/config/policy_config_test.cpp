// SPDX-License-Identifier: Apache-2.0
#include "agent/config/policy_config.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/unit/config/files.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;

namespace {

guard::Policy good(const std::string& text) {
  const auto loaded = parse_policy(text, "policy.toml");
  CAPTURE(text);
  for (const std::string& line : texts(loaded.diagnostics)) MESSAGE(line);
  REQUIRE(loaded.ok());
  return loaded.config;
}

}  // namespace

TEST_CASE("without a word the policy observes") {
  const guard::Policy policy = good("");
  CHECK(policy.tier == Tier::observe);
  CHECK(policy.tiers.empty());
  CHECK(guard::tier_of(policy, "service-restart", {EntityKind::service, "nginx.service"}) == Tier::observe);
}

TEST_CASE("every part of the policy is read") {
  const guard::Policy policy = good(R"(
[guard]
tier = "suggest"
confidence_act = 0.95
confidence_reversible = 0.6
per_target_count = 2
per_target_window = "30m"
per_runbook_count = 4
per_runbook_window = "2h"
per_host_count = 8
per_host_window = "3h"
cooldown = "1m"
cooldown_most = "10m"
touched_most = 3
touched_share_most = 0.5
boot_grace = "0s"
crash_loop_restarts = 7
crash_loop_window = "5m"
protected = ["service:postgresql*"]
log_roots = ["/var/log", "/srv/log"]
never_block = ["192.0.2.*", "aggregator.example"]
busy_processes = ["backup:nightly-*"]
disarm_failures = 2
disarm_share = 0.4
disarm_window = "2d"
need_lease = true
clean_roots = ["/var/tmp"]

[[tier]]
runbook = "service-restart"
entity = "service:nginx.service"
tier = "auto"

[[tier]]
runbook = "filesystem-logs"
tier = "approve"

[[exclusion]]
name = "month-end"
days = ["mon", "sun"]
from = "22:30"
to = "04:00"
entity = "service:billing*"
)");
  CHECK(policy.tier == Tier::suggest);
  CHECK(policy.confidence_act == doctest::Approx(0.95));
  CHECK(policy.confidence_reversible == doctest::Approx(0.6));
  CHECK(policy.per_target.count == 2);
  CHECK(policy.per_target.window == 30min);
  CHECK(policy.per_runbook.count == 4);
  CHECK(policy.per_runbook.window == 2h);
  CHECK(policy.per_host.count == 8);
  CHECK(policy.per_host.window == 3h);
  CHECK(policy.cooldown == 1min);
  CHECK(policy.cooldown_most == 10min);
  CHECK(policy.touched_most == 3);
  CHECK(policy.touched_share_most == doctest::Approx(0.5));
  CHECK(policy.boot_grace == 0s);
  CHECK(policy.crash_loop_restarts == 7);
  CHECK(policy.crash_loop_window == 5min);
  CHECK(policy.protected_entities == std::vector<std::string>{"service:postgresql*"});
  CHECK(policy.log_roots == std::vector<std::string>{"/var/log", "/srv/log"});
  CHECK(policy.never_block == std::vector<std::string>{"192.0.2.*", "aggregator.example"});
  CHECK(policy.busy_processes == std::vector<std::string>{"backup:nightly-*"});
  CHECK(policy.disarm_failures == 2);
  CHECK(policy.disarm_share == doctest::Approx(0.4));
  CHECK(policy.disarm_window == 48h);
  CHECK(policy.need_lease);
  CHECK(policy.clean_roots == std::vector<std::string>{"/var/tmp"});
  REQUIRE(policy.tiers.size() == 2);
  CHECK(policy.tiers[0].tier == Tier::automatic);
  CHECK(policy.tiers[1].entity == "*");
  REQUIRE(policy.exclusions.size() == 1);
  CHECK(policy.exclusions[0].days == 0x41);
  CHECK(policy.exclusions[0].from_minute == 22 * 60 + 30);
  CHECK(policy.exclusions[0].to_minute == 240);
}

TEST_CASE("tier at the top is for everything") {
  CHECK(good("tier = \"auto\"").tier == Tier::automatic);
  CHECK(good("tier = \"approve\"\n[guard]\nboot_grace = \"0s\"\n").tier == Tier::approve);
}

TEST_CASE("mistakes in the policy are told with their place") {
  const std::pair<const char*, const char*> wrongs[] = {
      {"tier = \"full\"", "policy.toml:1:8: tier: expected one of observe, suggest, approve, auto, found \"full\""},
      {"tier = 3", "policy.toml:1:1: expected tables, written as [[tier]]"},
      {"[[tier]]\nrunbook = \"x\"", "policy.toml:1:1: a [[tier]] needs the key 'tier'"},
      {"[[tier]]\ntier = \"auto\"\nrunbok = \"x\"", "policy.toml:3:1: unknown key 'runbok', did you mean 'runbook'?"},
      {"[guard]\ncooldwon = \"1s\"", "policy.toml:2:1: unknown key 'cooldwon', did you mean 'cooldown'?"},
      {"[guard]\nper_target_count = 2.5",
       "policy.toml:2:20: per_target_count: expected a whole number, found a number"},
      {"[guard]\nper_target_count = -1", "policy.toml:2:20: per_target_count: expected a value within 0 to 1000"},
      {"[guard]\nconfidence_act = 0.6", "policy.toml:1:1: confidence_reversible is above confidence_act"},
      {"[guard]\nconfidence_act = nan", "policy.toml:2:18: confidence_act: expected a value within 0 to 1"},
      {"[guard]\ncooldown = \"1h\"", "policy.toml:1:1: cooldown_most is shorter than cooldown"},
      {"[guard]\nbusy_processes = [\"siesta:cat\"]",
       "policy.toml:2:18: 'siesta:cat' is not a kind of work and the name of a process, such as "
       "\"backup:nightly-*\""},
      {"[guard]\nlog_roots = [\"/var/log/\"]",
       "policy.toml:2:14: log_roots: expected an absolute path such as \"/var/log\", without \"..\" and without a "
       "slash "
       "at the end, found \"/var/log/\""},
      {"[[exclusion]]\nfrom = \"01:00\"", "policy.toml:1:1: an [[exclusion]] needs the key 'name'"},
      {"[[exclusion]]\nname = \"n\"\nfrom = \"25:00\"",
       "policy.toml:3:8: from: expected a time of the day such as \"22:00\", found \"25:00\""},
      {"[[exclusion]]\nname = \"n\"\ndays = [\"monday\"]",
       "policy.toml:3:9: days: expected a day: mon, tue, wed, thu, fri, sat or sun, found \"monday\""},
      {"exclusion = [1]", "policy.toml:1:14: expected a table, written as [[exclusion]]"},
  };
  for (const auto& [text, wanted] : wrongs) {
    CAPTURE(text);
    const auto loaded = parse_policy(text, "policy.toml");
    CHECK_FALSE(loaded.ok());
    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(to_string(loaded.diagnostics[0]) == wanted);
  }
}

TEST_CASE("a policy that others could have written is refused") {
  const TempDir dir;
  const std::string path = dir.write("policy.toml", "tier = \"auto\"\n");
  CHECK(load_policy(path, false).ok());
  const auto safe = load_policy(path, true);
  CHECK(safe.ok() == (::geteuid() == 0));
  const std::string open = dir.write("open.toml", "tier = \"auto\"\n", 0664);
  const auto refused = load_policy(open, true);
  CHECK_FALSE(refused.ok());
  CHECK(to_string(refused.diagnostics.back()).find("may be written by others than root") != std::string::npos);
  CHECK(load_policy(open, false).ok());
  const std::string link = dir.path() + "/link.toml";
  REQUIRE(::symlink(path.c_str(), link.c_str()) == 0);
  CHECK_FALSE(load_policy(link, true).ok());
  const std::string inside = dir.write("sub/policy.toml", "");
  REQUIRE(::chmod((dir.path() + "/sub").c_str(), 0777) == 0);
  CHECK_FALSE(load_policy(inside, true).ok());
}

TEST_CASE("a missing policy observes, with a word about it") {
  const TempDir dir;
  const auto loaded = load_policy(dir.path() + "/none.toml", true);
  CHECK(loaded.ok());
  CHECK(loaded.config.tier == Tier::observe);
  REQUIRE(loaded.diagnostics.size() == 1);
  CHECK_FALSE(loaded.diagnostics[0].error);
}
