// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/catalog.h"

#include <doctest/doctest.h>

#include "actions/catalog/plan_check.h"
#include "tests/unit/actions/host.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

std::string plan_error(const ActionInfo& action, const Incident& incident, const TestHost& host,
                       std::vector<Attribute> params = {}) {
  const auto plan = action.plan(incident, host.view(), params);
  REQUIRE_FALSE(plan.has_value());
  return plan.error().message();
}

Plan made(const ActionInfo& action, const Incident& incident, const TestHost& host,
          std::vector<Attribute> params = {}) {
  auto plan = action.plan(incident, host.view(), params);
  const std::string error = plan ? "" : plan.error().message();
  CAPTURE(error);
  REQUIRE(plan.has_value());
  const Status valid = action.validate(*plan);
  CHECK(valid.has_value());
  return *plan;
}

const std::string kApp = "/var/log/app/app.log";

Plan good_rotation() {
  TestHost host;
  host.growth(kApp, "20971520", "0.97", {{"writer.unit", "app.service"}, {"writer.appends", "1"}});
  return made(kLogRotate, incident_on(kVar, "filesystem.filling", host), host);
}

void set(Plan& plan, const std::string& key, const std::string& value) {
  for (Attribute& parameter : plan.parameters)
    if (parameter.key == key) {
      parameter.value = value;
      return;
    }
  plan.parameters.push_back({key, value});
}

}  // namespace

TEST_CASE("the catalogue's entries are found by name and describe themselves") {
  REQUIRE(all_actions().size() > 3);
  for (const ActionInfo* action : all_actions()) {
    CHECK(find_action(action->name) == action);
    CHECK_FALSE(action->summary.empty());
    CHECK(action->timeout > Duration{});
  }
  CHECK(find_action("service.explode") == nullptr);
}

TEST_CASE("service.restart plans for a failed service and refuses a crash loop") {
  TestHost host;
  const Plan plan = made(kServiceRestart, incident_on(kNginx, "service.failed", host), host);
  CHECK(plan.target == kNginx);
  CHECK(plan.what == "restart nginx.service through systemd");
  CHECK(plan.command == "systemctl restart nginx.service");
  CHECK(plan.touched == 1);
  CHECK(plan_error(kServiceRestart, incident_on(kNginx, "service.crash_looping", host), host).find("crash loop") !=
        std::string::npos);
  CHECK(plan_error(kServiceRestart, incident_on(kVar, "filesystem.full", host), host).find("not a service") !=
        std::string::npos);
  CHECK_FALSE(
      plan_error(kServiceRestart, incident_on({EntityKind::service, "a b.service"}, "service.failed", host), host)
          .empty());
}

TEST_CASE("service.restart accepts exactly the names of service units") {
  TestHost host;
  Plan plan = made(kServiceRestart, incident_on(kNginx, "service.failed", host), host);
  for (const char* name : {"a.service", "getty@tty1.service", "my\\x2dapp.service", "a:b_c.service"}) {
    plan.target.name = name;
    CHECK(kServiceRestart.validate(plan).has_value());
  }
  for (const std::string& name :
       {std::string(""), std::string(".service"), std::string("nginx"), std::string("nginx.socket"),
        std::string("../a.service"), std::string("a/b.service"), std::string("-f.service"), std::string("a b.service"),
        std::string("a;b.service"), std::string("a\n.service"), std::string("$(x).service"), std::string("*.service"),
        std::string("@.service"), std::string(260, 'a') + ".service"}) {
    CAPTURE(name);
    plan.target.name = name;
    CHECK_FALSE(kServiceRestart.validate(plan).has_value());
  }
}

TEST_CASE("checks that hold for all plans") {
  TestHost host;
  const Plan good = made(kServiceRestart, incident_on(kNginx, "service.failed", host), host);
  const auto refused = [&](auto change) {
    Plan plan = good;
    change(plan);
    return !kServiceRestart.validate(plan).has_value();
  };
  CHECK(refused([](Plan& p) { p.action = "log.rotate"; }));
  CHECK(refused([](Plan& p) { p.target.kind = EntityKind::container; }));
  CHECK(refused([](Plan& p) { p.parameters = {{"mode", "replace"}}; }));
  CHECK(refused([](Plan& p) { p.timeout = Duration{}; }));
  CHECK(refused([](Plan& p) { p.timeout = std::chrono::hours(1); }));
  CHECK(refused([](Plan& p) { p.touched = 0; }));
  CHECK(refused([](Plan& p) { p.what = "restart \x1b[2J"; }));
  CHECK(refused([](Plan& p) { p.command = std::string(5000, 'a'); }));
  CHECK_FALSE(refused([](Plan&) {}));
}

TEST_CASE("log.rotate finds the file that explains the growth") {
  const Plan plan = good_rotation();
  CHECK(plan.target == kVar);
  CHECK(plan.get("path") == kApp);
  CHECK(plan.get("root") == "/var/log");
  CHECK(plan.get("writer_unit") == "app.service");
  CHECK(plan.get("writer_appends") == "1");
  CHECK(plan.get("keep") == "0");
  CHECK(plan.get("method") == "auto");
  CHECK(plan.get("logrotate_config").empty());
  CHECK(plan.what ==
        "copy, compress and truncate /var/log/app/app.log (1.0GiB, grows 20.0MiB/s, written by app.service)");
  CHECK(plan.command ==
        "gzip -c /var/log/app/app.log > /var/log/app/app.log.1.gz && truncate -s 0 /var/log/app/app.log");
}

TEST_CASE("log.rotate prefers the configuration that covers the file, and only one from logrotate's own directory") {
  TestHost host;
  host.growth(kApp, "20971520", "0.97", {{"file.logrotate_config", "/etc/logrotate.d/app"}});
  const Incident incident = incident_on(kVar, "filesystem.filling", host);
  const Plan plan = made(kLogRotate, incident, host);
  CHECK(plan.get("logrotate_config") == "/etc/logrotate.d/app");
  CHECK(plan.command == "logrotate --force /etc/logrotate.d/app");
  CHECK(made(kLogRotate, incident, host, {{"method", "copy"}}).get("logrotate_config").empty());
  TestHost other;
  other.growth(kApp, "20971520", "0.97", {{"file.logrotate_config", "/home/eve/app"}});
  CHECK(made(kLogRotate, incident, other).get("logrotate_config").empty());
  CHECK(plan_error(kLogRotate, incident, other, {{"method", "logrotate"}}).find("no configuration") !=
        std::string::npos);
}

TEST_CASE("log.rotate says why it does not apply") {
  TestHost host;
  const Incident incident = incident_on(kVar, "filesystem.filling", host);
  const auto error = [&](auto grow, std::vector<Attribute> params = {}) {
    TestHost fresh;
    grow(fresh);
    return plan_error(kLogRotate, incident, fresh, params);
  };
  const auto says = [](const std::string& text, const char* part) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  says(error([](TestHost&) {}), "no growing file is known");
  says(error([](TestHost& h) { h.growth(kApp, "1000", "0.3"); }), "explains 30%");
  says(error([](TestHost& h) { h.growth("/var/lib/db/wal", "1000", "0.9"); }), "outside the log roots");
  says(error([](TestHost& h) { h.growth("/var/log/journal/x/system.journal", "1000", "0.9"); }), "the journal's");
  says(error([](TestHost& h) { h.growth("/var/log/../lib/db", "1000", "0.9"); }), "not a path");
  says(error([](TestHost& h) { h.growth(kApp, "1000", "nonsense"); }), "no single file");
  says(error([](TestHost& h) { h.growth(kApp, "1000", "0.9"); }, {{"roots", "/srv/log"}}), "outside");
  says(error([](TestHost& h) { h.growth(kApp, "1000", "0.9"); }, {{"roots", "/"}}), "outside");
  says(error([](TestHost& h) { h.growth(kApp, "1000", "0.9"), h.advance(std::chrono::seconds(11)); }), "no growing");
  says(plan_error(kLogRotate, incident_on(kNginx, "service.failed", host), host), "not a filesystem");
}

TEST_CASE("log.rotate leaves an archive in the making alone, and does not take a slower file for it") {
  TestHost host;
  host.growth("/var/log/app.log.1", "104857600", "0.99", {{"writer.executable.name", "logrotate"}});
  host.growth(kApp, "8192", "0.97");
  const Incident incident = incident_on(kVar, "filesystem.filling", host);
  CHECK(plan_error(kLogRotate, incident, host).find("app.log.1 is written by logrotate") != std::string::npos);
}

TEST_CASE("log.rotate refuses every plan outside of what it ever does") {
  const Plan good = good_rotation();
  REQUIRE(kLogRotate.validate(good).has_value());
  const std::pair<const char*, std::string> bad[] = {
      {"path", "/var/log/../lib/db"},
      {"path", "/var/log"},
      {"path", "/var/log/"},
      {"path", "/var/log//a"},
      {"path", "/var/log/./a"},
      {"path", "relative.log"},
      {"path", "/var/lib/db"},
      {"path", "/var/logs/a"},
      {"path", "/var/log/a\nb"},
      {"path", "/var/log/\xff"},
      {"path", ""},
      {"path", "/var/log/" + std::string(1100, 'a')},
      {"path", "/var/log/journal/x"},
      {"root", "/"},
      {"root", "/etc"},
      {"root", "/var"},
      {"root", "/usr/lib"},
      {"root", "/var/log/app/.."},
      {"root", ""},
      {"logrotate_config", "/tmp/x"},
      {"logrotate_config", "/etc/logrotate.d/a/b"},
      {"logrotate_config", "/etc/logrotate.d/../shadow"},
      {"writer_unit", "a b"},
      {"writer_unit", "app.timer"},
      {"writer_appends", "yes"},
      {"keep", "-1"},
      {"keep", "1MiB"},
      {"keep", ""},
      {"keep", "99999999999999999"},
      {"method", "shell"},
      {"method", ""},
      {"method", "logrotate"},
      {"script", "/bin/sh"},
  };
  for (const auto& [key, value] : bad) {
    CAPTURE(key);
    CAPTURE(value);
    Plan plan = good;
    set(plan, key, value);
    CHECK_FALSE(kLogRotate.validate(plan).has_value());
  }
  Plan twice = good;
  twice.parameters.push_back({"path", kApp});
  CHECK_FALSE(kLogRotate.validate(twice).has_value());
  Plan elsewhere = good;
  elsewhere.target.name = "/srv";
  CHECK_FALSE(kLogRotate.validate(elsewhere).has_value());
  elsewhere.target.name = "/";
  CHECK(kLogRotate.validate(elsewhere).has_value());
}

TEST_CASE("journal.vacuum applies when the journal is what grows") {
  TestHost host;
  const Incident incident = incident_on(kVar, "filesystem.filling", host);
  host.growth(kApp, "1000", "0.2");
  CHECK(plan_error(kJournalVacuum, incident, host).find("0% of the growth") != std::string::npos);
  host.growth("/var/log/journal/x/system.journal", "3000", "0.3");
  host.growth("/var/log/journal/x/user-1000.journal", "3000", "0.3");
  const Plan plan = made(kJournalVacuum, incident, host, {{"vacuum_size", "128MiB"}});
  CHECK(plan.get("vacuum_size") == "128MiB");
  CHECK(plan.command == "journalctl --rotate --vacuum-size=131072K");
  CHECK_FALSE(plan_error(kJournalVacuum, incident, host, {{"vacuum_size", "128"}}).empty());
  Plan bad = plan;
  for (const char* size : {"", "0B", "1KiB", "2TiB", "all"}) {
    bad.parameters = {{"vacuum_size", size}};
    CHECK_FALSE(kJournalVacuum.validate(bad).has_value());
  }
}

TEST_CASE("paths and shell words") {
  CHECK(is_clean_path("/"));
  CHECK(is_clean_path("/var/log/a b"));
  CHECK_FALSE(is_clean_path("/var/log/"));
  CHECK_FALSE(is_clean_path("/.."));
  CHECK(is_below("/var/log/a", "/var/log"));
  CHECK_FALSE(is_below("/var/log", "/var/log"));
  CHECK_FALSE(is_below("/var/logs/a", "/var/log"));
  CHECK(is_below("/a", "/"));
  CHECK(shell_quote("/var/log/a.log") == "/var/log/a.log");
  CHECK(shell_quote("/var/log/it's $HOME") == "'/var/log/it'\\''s $HOME'");
  CHECK(shell_quote("") == "''");
}
