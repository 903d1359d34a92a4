// SPDX-License-Identifier: Apache-2.0
#include "agent/config/agent_config.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/unit/config/files.h"

using namespace hostmedic;
using namespace hostmedic::test;
using namespace std::chrono_literals;

namespace {

AgentConfig good(const std::string& text) {
  const auto loaded = parse_agent_config(text, "a.toml");
  CAPTURE(text);
  for (const std::string& line : texts(loaded.diagnostics)) MESSAGE(line);
  REQUIRE(loaded.ok());
  return loaded.config;
}

struct Wrong {
  const char* text;
  const char* diagnostic;
};

const detect::Rule& rule_of(const AgentConfig& config, const std::string& id) {
  const auto found = std::find_if(config.engine.rules.begin(), config.engine.rules.end(),
                                  [&](const detect::Rule& rule) { return rule.id == id; });
  REQUIRE(found != config.engine.rules.end());
  return *found;
}

double param(const detect::Rule& rule, const std::string& name) {
  for (const auto& [key, value] : rule.params)
    if (key == name) return value;
  FAIL("no parameter " << name);
  return 0;
}

}  // namespace

TEST_CASE("an empty file is the defaults") {
  const AgentConfig config = good("");
  CHECK(changed_keys(AgentConfig{}, config).empty());
  CHECK(config.upstream.url.empty());
  CHECK_FALSE(config.engine.rules.empty());
}

TEST_CASE("values of every type are read") {
  const AgentConfig config = good(R"(
[agent]
state_dir = "/srv/hostmedic"
log_level = "debug"
[probes]
disable = ["bpf", "load"]
log_roots = ["/var/log", "/srv/log"]
log_files = ["/srv/*/app.log"]
[store]
most_size = "1GiB"
most_age = "1d12h"
[upstream]
url = "https://[fd00::1]:4318/otlp"
heartbeat = "30s"
)");
  CHECK(config.state_dir == "/srv/hostmedic");
  CHECK(config.log_level == LogLevel::debug);
  CHECK(config.probes.disable == std::vector<std::string>{"bpf", "load"});
  CHECK(config.probes.log_roots.size() == 2);
  CHECK(config.probes.log_files == std::vector<std::string>{"/srv/*/app.log"});
  CHECK(config.store.most_size == gib(1));
  CHECK(config.store.most_age == 36h);
  CHECK(config.upstream.url == "https://[fd00::1]:4318/otlp");
  CHECK(config.upstream.heartbeat == 30s);
}

TEST_CASE("each mistake says file, line, column and what was expected") {
  const Wrong wrongs[] = {
      {"[agent]\nstate_dirr = \"/x\"", "a.toml:2:1: unknown key 'state_dirr', did you mean 'state_dir'?"},
      {"[agnet]\n", "a.toml:1:2: unknown key 'agnet', did you mean 'agent'?"},
      {"zzzzzzzzzz = 1", "a.toml:1:1: unknown key 'zzzzzzzzzz'"},
      {"agent = 3", "a.toml:1:1: expected the table [agent]"},
      {"[agent]\nstate_dir = 7",
       "a.toml:2:13: state_dir: expected an absolute path such as \"/var/log\", without "
       "\"..\" and without a slash at the end, found a whole number"},
      {"[agent]\nstate_dir = \"var\"",
       "a.toml:2:13: state_dir: expected an absolute path such as \"/var/log\", "
       "without \"..\" and without a slash at the end, found \"var\""},
      {"[agent]\nlog_level = \"debgu\"",
       "a.toml:2:13: log_level: expected one of error, warning, notice, info, debug, "
       "found \"debgu\", did you mean \"debug\"?"},
      {"[detect]\nquiet_after = 5", "a.toml:2:15: quiet_after: expected a duration with its unit, such as \"5s\""},
      {"[detect]\nquiet_after = \"5 parsecs\"",
       "a.toml:2:15: quiet_after: expected a duration such as \"30s\", "
       "\"5m\" or \"1h30m\", found \"5 parsecs\""},
      {"[detect]\nquiet_after = \"2d\"", "a.toml:2:15: quiet_after: expected a value within \"1s\" to \"1h\""},
      {"[detect]\nquiet_after = true",
       "a.toml:2:15: quiet_after: expected a duration such as \"30s\", found true or false"},
      {"[store]\nmost_size = 64", "a.toml:2:13: most_size: expected a size with its unit, such as \"64MiB\""},
      {"[store]\nmost_size = \"64MB\"", "a.toml:2:13: most_size: expected a size such as \"64MiB\", found \"64MB\""},
      {"[store]\nmost_size = \"1KiB\"", "a.toml:2:13: most_size: expected a value within \"1MiB\" to \"1TiB\""},
      {"[probes]\ndisable = \"bpf\"", "a.toml:2:11: disable: expected a list of texts, found a text"},
      {"[probes]\ndisable = [\n  \"bpf\",\n  3]",
       "a.toml:4:3: disable: expected a name of lower-case letters, digits, '-', '_' and '.', found a whole number"},
      {"[upstream]\nurl = \"http://x:1\"",
       "a.toml:2:7: url: expected \"\" or an address such as "
       "\"https://aggregator.example:4318\", found \"http://x:1\""},
      {"[upstream]\nurl = \"https://x:99999\"",
       "a.toml:2:7: url: expected \"\" or an address such as "
       "\"https://aggregator.example:4318\", found \"https://x:99999\""},
      {"[upstream]\nheartbeat = 2026-01-01",
       "a.toml:2:13: heartbeat: expected a duration such as \"30s\", found a date"},
      {"rule = 1", "a.toml:1:1: expected tables, written as [[rule]]"},
      {"[[rule]]\nenabled = false", "a.toml:1:1: a rule needs an id"},
      {"[[rule]]\nid = \"filesystem-forcast\"\nenabled = false",
       "a.toml:2:6: unknown rule 'filesystem-forcast', did you mean 'filesystem-forecast'?"},
      {"[[rule]]\nid = \"entirely-new-thing\"\nmetric = \"system.x\"",
       "a.toml:2:6: the new rule 'entirely-new-thing' needs the key 'detector'"},
      {"[[rule]]\nid = \"filesystem-full\"\ndetector = \"abov_for\"",
       "a.toml:3:12: unknown detector 'abov_for', did you mean 'above_for'?"},
      {"[[rule]]\nid = \"filesystem-full\"\nparams = { limt = 0.5 }",
       "a.toml:3:12: unknown parameter of detector 'above_for': 'limt', did you mean 'limit'?"},
      {"[[rule]]\nid = \"filesystem-full\"\nparams = { hold = 5 }",
       "a.toml:3:19: hold: expected a duration with its unit, such as \"5s\""},
      {"[[rule]]\nid = \"filesystem-full\"\nseverity = \"fatal\"",
       "a.toml:3:12: severity: expected one of info, warning, error, critical, found \"fatal\""},
      {"[[rule]]\nid = \"filesystem-full\"\nweight = 1.5", "a.toml:3:10: weight: expected a value within 0 to 1"},
      {"[[event_rule]]\nid = \"service-faild\"",
       "a.toml:2:6: unknown event rule 'service-faild', did you mean 'service-failed'?"},
      {"[agent]\nstate_dir = \"/a\"\nstate_dir = \"/b\"", "a.toml:3:"},
      {"[agent\n", "a.toml:1:"},
      {"[.]", "a.toml:1:"},
      {"[[.", "a.toml:1:"},
      {"x = 1 \u00e9", "a.toml:1:"},
      {"\u00e9 = 1", "a.toml:1:"},
      {"x = \"\xff\"", "a.toml:1:"},
  };
  for (const Wrong& wrong : wrongs) {
    CAPTURE(wrong.text);
    const auto loaded = parse_agent_config(wrong.text, "a.toml");
    CHECK_FALSE(loaded.ok());
    REQUIRE(loaded.diagnostics.size() == 1);
    const std::string text = to_string(loaded.diagnostics[0]);
    if (std::string_view(wrong.diagnostic).ends_with(":")) {
      CHECK(text.substr(0, std::string_view(wrong.diagnostic).size()) == wrong.diagnostic);
      CHECK(text.find("not valid TOML") != std::string::npos);
    } else {
      CHECK(text == wrong.diagnostic);
    }
  }
}

TEST_CASE("all mistakes are told at once, in the order of the file, up to a bound") {
  const auto loaded =
      parse_agent_config("[store]\nmost_size = 1\nmots_age = \"1d\"\n[agent]\nrun_dir = 3\nx = 1\n", "a");
  const auto lines = texts(loaded.diagnostics);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0].starts_with("a:2:13: "));
  CHECK(lines[1].starts_with("a:3:1: "));
  CHECK(lines[2].starts_with("a:5:11: "));
  CHECK(lines[3].starts_with("a:6:1: "));
  std::string many;
  for (int i = 0; i < 500; ++i) many += "key" + std::to_string(i) + " = 1\n";
  const auto bounded = parse_agent_config(many, "a");
  CHECK(bounded.diagnostics.size() == kMostDiagnostics + 1);
  CHECK_FALSE(bounded.ok());
}

TEST_CASE("diagnostics are safe for a terminal") {
  const auto loaded = parse_agent_config("[agent]\n\"\\u001b[2J\" = 1\n", "a.toml");
  REQUIRE(loaded.diagnostics.size() == 1);
  CHECK(to_string(loaded.diagnostics[0]).find('\x1b') == std::string::npos);
}

TEST_CASE("a rule is changed key by key and keeps the rest") {
  const AgentConfig before;
  const AgentConfig config = good(R"(
[[rule]]
id = "filesystem-full"
params = { limit = 0.95, hold = "7s" }
[[event_rule]]
id = "service-failed"
enabled = false
)");
  const detect::Rule& was = rule_of(before, "filesystem-full");
  const detect::Rule& rule = rule_of(config, "filesystem-full");
  CHECK(param(rule, "limit") == doctest::Approx(0.95));
  CHECK(param(rule, "hold") == doctest::Approx(7));
  CHECK(param(rule, "margin") == doctest::Approx(param(was, "margin")));
  CHECK(rule.metric == was.metric);
  CHECK(config.engine.rules.size() == before.engine.rules.size());
  const auto event = std::find_if(config.engine.event_rules.begin(), config.engine.event_rules.end(),
                                  [](const detect::EventRule& each) { return each.id == "service-failed"; });
  REQUIRE(event != config.engine.event_rules.end());
  CHECK_FALSE(event->enabled);
}

TEST_CASE("a complete rule with a new id is added, and another detector drops the old parameters") {
  const AgentConfig config = good(R"(
[[rule]]
id = "queue-too-long"
metric = "system.disk.pending_operations"
detector = "above_for"
params = { limit = 64, hold = "30s" }
incident_kind = "disk.saturated"
[[rule]]
id = "filesystem-full"
detector = "zscore"
)");
  CHECK(param(rule_of(config, "queue-too-long"), "limit") == doctest::Approx(64));
  CHECK(rule_of(config, "filesystem-full").params.empty());
}

TEST_CASE("later files win key by key, in byte order; hidden and other files are left out") {
  const TempDir dir;
  const std::string main_file = dir.write("hostmedic.toml",
                                          "[store]\nmost_size = \"1MiB\"\nmost_age = \"1d\"\n"
                                          "[probes]\ndisable = [\"a\", \"b\"]\n");
  dir.write("conf.d/10-a.toml", "[store]\nmost_size = \"2MiB\"\n[[rule]]\nid = \"filesystem-full\"\nweight = 0.5\n");
  dir.write("conf.d/9-b.toml", "[store]\nmost_size = \"3MiB\"\n[probes]\ndisable = [\"c\"]\n");
  dir.write("conf.d/.hidden.toml", "nonsense");
  dir.write("conf.d/readme.txt", "nonsense");
  const auto loaded = load_agent_config({main_file, dir.path() + "/conf.d"});
  REQUIRE(loaded.ok());
  CHECK(loaded.config.store.most_size == mib(3));
  CHECK(loaded.config.store.most_age == 24h);
  CHECK(loaded.config.probes.disable == std::vector<std::string>{"c"});
  CHECK(rule_of(loaded.config, "filesystem-full").weight == doctest::Approx(0.5));
}

TEST_CASE("mistakes in several files are told with their files") {
  const TempDir dir;
  const std::string main_file = dir.write("hostmedic.toml", "[store]\nmost_size = 1\n");
  dir.write("conf.d/a.toml", "[x\n");
  const auto loaded = load_agent_config({main_file, dir.path() + "/conf.d"});
  const auto lines = texts(loaded.diagnostics);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with(main_file + ":2:13: "));
  CHECK(lines[1].starts_with(dir.path() + "/conf.d/a.toml:1:"));
}

TEST_CASE("a missing main file is an error that names it; a missing directory of drop-ins is none") {
  const TempDir dir;
  const auto loaded = load_agent_config({dir.path() + "/none.toml", dir.path() + "/none.d"});
  REQUIRE(loaded.diagnostics.size() == 1);
  CHECK_FALSE(loaded.ok());
  CHECK(to_string(loaded.diagnostics[0]).find(dir.path() + "/none.toml: cannot be read") == 0);
}

TEST_CASE("what is not a directory or a file is named") {
  const TempDir dir;
  const std::string file = dir.write("hostmedic.toml", "");
  const auto not_dir = load_agent_config({file, file});
  REQUIRE(not_dir.diagnostics.size() == 1);
  CHECK(to_string(not_dir.diagnostics[0]).find(file + ": the directory cannot be read") == 0);
  const auto not_file = load_agent_config({dir.path(), dir.path() + "/none.d"});
  REQUIRE(not_file.diagnostics.size() == 1);
  CHECK(to_string(not_file.diagnostics[0]).find(dir.path() + ": cannot be read") == 0);
}

TEST_CASE("a file beyond the bound is refused") {
  const auto loaded = parse_agent_config(std::string(kMostDiagnostics, '#') + std::string(2 << 20, '\n'), "big.toml");
  REQUIRE(loaded.diagnostics.size() == 1);
  CHECK(to_string(loaded.diagnostics[0]) == "big.toml: larger than 1MiB");
}

TEST_CASE("depth is bounded") {
  std::string dots = "a", brackets = "x = ";
  for (int i = 0; i < 200'000; ++i) dots += ".a", brackets += "[";
  const auto dotted = parse_agent_config("\n" + dots + " = 1", "deep.toml");
  REQUIRE(dotted.diagnostics.size() == 1);
  CHECK(to_string(dotted.diagnostics[0]) == "deep.toml:2:1: more than 100 dots in one line");
  CHECK_FALSE(parse_agent_config(brackets, "deep.toml").ok());
  std::string both = "x = ";
  for (int i = 0; i < 50; ++i) both += "[\n{ a" + dots.substr(1, 180) + " = ";
  CHECK_FALSE(parse_agent_config(both, "deep.toml").ok());
}

TEST_CASE("a reload knows which keys changed and which of them need a restart") {
  const AgentConfig before = good("");
  const AgentConfig after = good(R"(
[agent]
state_dir = "/srv/x"
log_level = "debug"
[upstream]
url = "https://a:1"
[[rule]]
id = "filesystem-full"
params = { limit = 0.95 }
[[event_rule]]
id = "service-failed"
proof = false
)");
  const auto changes = changed_keys(before, after);
  std::vector<std::string> all, restart;
  for (const KeyChange& change : changes) {
    all.push_back(change.key);
    if (change.restart) restart.push_back(change.key);
  }
  CHECK(all == std::vector<std::string>{"agent.state_dir", "agent.log_level", "upstream.url", "rule filesystem-full",
                                        "rule service-failed"});
  CHECK(restart == std::vector<std::string>{"agent.state_dir"});
  CHECK(changed_keys(after, after).empty());
}

TEST_CASE("the models of detection are configured by name") {
  const AgentConfig config = good("[detect]\nwarm_up = \"2h\"\nsuspicions_per_day = 0.5\nseed = 7\n");
  CHECK(config.engine.scoring.warm_up == 2h);
  CHECK(config.engine.scoring.suspicions_per_day == 0.5);
  CHECK(config.engine.scoring.seed == 7);
  CHECK(changed_keys(AgentConfig{}, config).size() == 3);
  CHECK_FALSE(parse_agent_config("[detect]\nseed = -1\n", "a").ok());
  CHECK_FALSE(parse_agent_config("[detect]\nmodels = 1\n", "a").ok());

  const auto unknown = parse_agent_config("[detect.models]\nno_such_model = \"off\"\n", "a");
  REQUIRE(unknown.diagnostics.size() == 1);
  CHECK(to_string(unknown.diagnostics[0]) == "a:2:1: unknown model 'no_such_model'");
  const auto scorer = detect::Scorer::make({});
  REQUIRE(scorer.has_value());
  for (const detect::ModelHealth& model : (*scorer)->health()) {
    const std::string name(model.name);
    const std::string table = "[detect.models]\n" + name + " = ";
    const AgentConfig off = good(table + "\"off\"\n");
    REQUIRE(off.engine.scoring.modes.size() == 1);
    CHECK(off.engine.scoring.modes[0] == std::pair(name, detect::ModelMode::off));
    CHECK(changed_keys(AgentConfig{}, off).size() == 1);
    CHECK_FALSE(parse_agent_config(table + "\"on\"\n", "a").ok());
    const auto near = parse_agent_config("[detect.models]\n" + name + "x = \"off\"\n", "a");
    REQUIRE(near.diagnostics.size() == 1);
    CHECK(near.diagnostics[0].message.ends_with("did you mean '" + name + "'?"));
  }
  CHECK(good("[detect.models]\nbehaviour = \"serving\"\n").engine.scoring.modes.size() == 1);
}
