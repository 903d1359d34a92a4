// SPDX-License-Identifier: Apache-2.0
#include "agent/config/runbook_config.h"

#include <doctest/doctest.h>

#include "tests/unit/config/files.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;

namespace {

const std::string kRestart = R"(name = "mine"
kinds = ["service.failed"]
[[step]]
action = "service.restart"
verify = { check = "unit_active" }
)";

struct Nothing final : Conditions {
  std::optional<bool> holds(const std::string&, const Entity&) override { return std::nullopt; }
  std::string explain(const std::string&, const Entity&) override { return ""; }
};
Nothing nothing;  // the runbooks looked for here ask for nothing

std::string named(const std::string& name) {
  std::string text = kRestart;
  return text.replace(text.find("mine"), 4, name);
}

}  // namespace

TEST_CASE("the shipped runbooks are valid and treat what they say") {
  // The examples go together with what is installed.
  const std::vector<std::string> with_examples = {HM_SHIPPED "/runbooks", HM_SHIPPED "/examples"};
  const auto all = load_runbooks(with_examples, incident_kinds(detect::default_engine_config()));
  for (const std::string& line : texts(all.diagnostics)) MESSAGE(line);
  CHECK(all.diagnostics.empty());
  const std::vector<std::string> dirs = {HM_SHIPPED "/runbooks"};
  const auto loaded = load_runbooks(dirs, incident_kinds(detect::default_engine_config()));
  for (const std::string& line : texts(loaded.diagnostics)) MESSAGE(line);
  REQUIRE(loaded.ok());
  CHECK(loaded.diagnostics.empty());
  Incident incident;
  incident.root = {EntityKind::service, "nginx.service"};
  incident.kind = "service.failed";
  const Runbook* restart = choose_runbook(loaded.config, incident, nothing);
  REQUIRE(restart != nullptr);
  CHECK(restart->name == "service-restart");
  REQUIRE(restart->steps.size() == 1);
  CHECK(restart->steps[0].verify.subject == Check::Subject::unit_active);
  CHECK(restart->steps[0].verify.settle == 1s);
  CHECK(restart->steps[0].verify.within == 15s);
  CHECK(restart->notes.find("systemd has given up") == 0);
  incident.kind = "service.crash_looping";
  CHECK(choose_runbook(loaded.config, incident, nothing) == nullptr);
  incident.root = {EntityKind::filesystem, "/var"};
  incident.kind = "filesystem.filling";
  const Runbook* logs = choose_runbook(loaded.config, incident, nothing);
  REQUIRE(logs != nullptr);
  REQUIRE(logs->steps.size() == 3);
  CHECK(logs->steps[0].action == "journal.vacuum");
  CHECK(logs->steps[1].action == "log.rotate");
  CHECK(logs->steps[2].action == "deleted_files.reopen");
  CHECK(logs->steps[1].verify.subject == Check::Subject::series_fell);
  CHECK(logs->steps[1].params[0].key == "roots");
}

TEST_CASE("mistakes in a runbook are told with their place") {
  const std::string head = "name = \"a\"\nkinds = [\"k\"]\n";
  const std::string step = "[[step]]\naction = \"service.restart\"\n";
  const std::pair<std::string, const char*> wrongs[] = {
      {"kinds = [\"k\"]\n" + step + "verify = { check = \"unit_active\" }", "r:1:1: a runbook needs the key 'name'"},
      {head, "r:1:1: a runbook needs the key 'step'"},
      {"name = \"a\"\nkinds = []\n" + step + "verify = { check = \"unit_active\" }",
       "r:2:9: kinds: expected at least one kind of incident"},
      {"name = \"A b\"\nkinds = [\"k\"]\n" + step + "verify = { check = \"unit_active\" }",
       "r:1:8: name: expected a name of lower-case letters, digits, '-', '_' and '.', found \"A b\""},
      {head + step, "r:3:1: a [[step]] needs the key 'verify'"},
      {head + "[[step]]\naction = \"service.restrat\"\nverify = { check = \"unit_active\" }",
       "r:4:10: unknown action 'service.restrat', did you mean 'service.restart'?"},
      {head + step + "verify = { check = \"unit_activ\" }",
       "r:5:20: check: expected one of unit_active, series_below, series_above, series_fell, incident_quiet, "
       "condition, none, found "
       "\"unit_activ\", did you mean \"unit_active\"?"},
      {head + step + "verify = { check = \"series_below\", series = \"s\" }",
       "r:5:10: this check needs the key 'bound'"},
      {head + step + "verify = { check = \"unit_active\", within = 15 }",
       "r:5:44: within: expected a duration with its unit, such as \"15s\""},
      {head + step + "verify = { check = \"unit_active\" }\nparams = { mode = \"x\" }",
       "r:6:12: unknown parameter of service.restart: 'mode'"},
      {head + "[[step]]\naction = \"log.rotate\"\nverify = { check = \"incident_quiet\" }\nparams = { root = \"x\" }",
       "r:6:12: unknown parameter of log.rotate: 'root', did you mean 'roots'?"},
      {head + "[[step]]\naction = \"log.rotate\"\nverify = { check = \"unit_active\" }",
       "r:5:10: unit_active is a check of services, and log.rotate treats none"},
      {head + step + "verify = { check = \"unit_active\" }\non_failure = \"retry\"",
       "r:6:14: on_failure: expected one of next, stop, escalate, found \"retry\""},
      {head + "celing = \"auto\"\n" + step + "verify = { check = \"unit_active\" }",
       "r:3:1: unknown key 'celing', did you mean 'ceiling'?"},
      {head + "step = 1", "r:3:1: expected tables, written as [[step]]"},
      {head + "when = \"system.uptime > 64MiB\"\n" + step + "verify = { check = \"unit_active\" }",
       "r:3:23: when: seconds and bytes do not go together"},
      {head + "when = 5\n" + step + "verify = { check = \"unit_active\" }",
       "r:3:8: when: expected a condition such as \"a > 90%\""},
      {head + step + "verify = { check = \"unit_active\" }\n[[require]]\ncondition = \"a >\"\nwhy = \"so\"",
       "r:7:14: condition: unknown metric 'a'; one that is not Hostmedic's own is written in quotation marks"},
      {head + step + "verify = { check = \"unit_active\" }\n[[require]]\ncondition = \"known(system.uptime@host)\"",
       "r:6:1: a [[require]] needs the key 'why'"},
      {head + step + "verify = { check = \"condition\" }", "r:5:10: this check needs the key 'condition'"},
      {head + step + "undo = true\nverify = { check = \"unit_active\" }", "r:5:8: service.restart cannot be undone"},
      {head + "not_while = [\"backup\", \"migrations\"]\n" + step + "verify = { check = \"unit_active\" }",
       "r:3:24: unknown kind of busy work 'migrations', did you mean 'migration'?"},
      {head + "choose = \"best\"\n" + step + "verify = { check = \"unit_active\" }",
       "r:3:10: choose: expected one of order, success, found \"best\""},
      {head + "[[step]]\naction = \"notify\"", "r:3:1: notify needs the parameter 'text', of at most 400 bytes"},
      {head + "[[step]]\naction = \"notify\"\nparams = { text = \"" + std::string(401, 'x') + "\" }",
       "r:3:1: notify needs the parameter 'text', of at most 400 bytes"},
      {head + "[[step]]\naction = \"notify\"\nverify = { check = \"none\" }\nparams = { text = \"x\" }",
       "r:5:10: verify: notify does nothing that could be proved or undone"},
  };
  for (const auto& [text, wanted] : wrongs) {
    CAPTURE(text);
    const auto loaded = parse_runbook(text, "r");
    CHECK_FALSE(loaded.ok());
    REQUIRE(loaded.diagnostics.size() == 1);
    CHECK(to_string(loaded.diagnostics[0]) == wanted);
  }
  std::string many = head;
  for (int i = 0; i < 9; ++i) many += step + "verify = { check = \"unit_active\" }\n";
  const auto loaded = parse_runbook(many, "r");
  REQUIRE(loaded.diagnostics.size() == 1);
  CHECK(to_string(loaded.diagnostics[0]) == "r:27:1: more than 8 steps");
}

TEST_CASE("all that a runbook may say is taken over") {
  const auto loaded = parse_runbook(R"toml(name = "all"
kinds = ["service.failed"]
when = """
entity is "service:web*"
and system.memory.utilization@host < 95% for 30s"""
not_while = ["backup", "package-manager"]
cooldown = "10m"
touched_most = 2
choose = "success"
[[require]]
condition = "system.uptime@host > 10m"
why = "what the boot still does is none of our business"
[[step]]
action = "service.restart"
undo = false
verify = { check = "none" }
[[step]]
action = "service.restart"
[step.verify]
check = "condition"
condition = "known(system.uptime@host)"
[[step]]
action = "notify"
params = { text = "it did not help" }
)toml",
                                    "r");
  for (const std::string& line : texts(loaded.diagnostics)) MESSAGE(line);
  REQUIRE(loaded.ok());
  const Runbook& book = loaded.config;
  CHECK(book.when.starts_with("entity is"));
  CHECK(book.not_while == std::vector<std::string>{"backup", "package-manager"});
  CHECK(book.cooldown == 10min);
  CHECK(book.touched_most == 2);
  CHECK(book.choose == Choice::success);
  REQUIRE(book.requirements.size() == 1);
  CHECK(book.requirements[0].condition == "system.uptime@host > 10m");
  CHECK(book.requirements[0].why.starts_with("what the boot"));
  REQUIRE(book.steps.size() == 3);
  CHECK(notice_of(book.steps[2]) == "it did not help");
  CHECK(notice_of(book.steps[1]).empty());
  CHECK_FALSE(book.steps[0].undo);
  CHECK(book.steps[0].verify.subject == Check::Subject::none);
  CHECK(book.steps[1].undo);
  CHECK(book.steps[1].verify.condition == "known(system.uptime@host)");
}

TEST_CASE("a kind that no rule opens is worth a notice, with the nearest that one does") {
  std::string text = kRestart;
  text.replace(text.find("service.failed"), 14, "service.faild");
  const auto loaded = parse_runbook(text, "r", incident_kinds(detect::default_engine_config()));
  CHECK(loaded.ok());
  REQUIRE(loaded.diagnostics.size() == 1);
  CHECK(to_string(loaded.diagnostics[0]) ==
        "r:2:10: unknown kind of incident 'service.faild', did you mean 'service.failed'? (no rule opens such)");
  CHECK(parse_runbook(text, "r").diagnostics.empty());
}

TEST_CASE("the administrator's runbooks replace and precede the shipped ones") {
  const TempDir dir;
  dir.write("shipped/a.toml", named("restart"));
  dir.write("shipped/b.toml", named("other"));
  dir.write("mine/z.toml", named("special"));
  dir.write("mine/y.toml", "summary = \"replaced\"\n" + named("restart"));
  const std::vector<std::string> dirs = {dir.path() + "/shipped", dir.path() + "/none", dir.path() + "/mine"};
  const auto loaded = load_runbooks(dirs);
  REQUIRE(loaded.ok());
  REQUIRE(loaded.config.size() == 3);
  CHECK(loaded.config[0].name == "restart");
  CHECK(loaded.config[0].summary == "replaced");
  CHECK(loaded.config[1].name == "special");
  CHECK(loaded.config[2].name == "other");
  dir.write("mine/x.toml", named("special"));
  CHECK_FALSE(load_runbooks(dirs).ok());
}
