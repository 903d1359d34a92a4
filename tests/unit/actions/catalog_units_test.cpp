// SPDX-License-Identifier: Apache-2.0
// What is planned for services and their processes, and which plans are refused.
#include <doctest/doctest.h>

#include "actions/catalog/catalog.h"
#include "actions/catalog/service_limit/limits.h"
#include "actions/catalog/service_scale/instance.h"
#include "tests/unit/actions/host.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

const Entity kHost{};
const Entity kJava{EntityKind::process, "java"};
const Entity kWorker{EntityKind::service, "worker@1.service"};

Plan made(const ActionInfo& action, const Incident& incident, const TestHost& host,
          std::vector<Attribute> params = {}) {
  auto plan = action.plan(incident, host.view(), params);
  const std::string error = plan ? "" : plan.error().message();
  CAPTURE(error);
  REQUIRE(plan.has_value());
  const Status valid = action.validate(*plan);
  const std::string refused = valid ? "" : valid.error().message();
  CAPTURE(refused);
  CHECK(valid.has_value());
  return *plan;
}

std::string no_plan(const ActionInfo& action, const Incident& incident, const TestHost& host,
                    std::vector<Attribute> params = {}) {
  const auto plan = action.plan(incident, host.view(), params);
  REQUIRE_FALSE(plan.has_value());
  return plan.error().message();
}

void set(Plan& plan, const std::string& key, const std::string& value) {
  for (Attribute& parameter : plan.parameters)
    if (parameter.key == key) {
      parameter.value = value;
      return;
    }
  plan.parameters.push_back({key, value});
}

using Changes = std::vector<std::pair<std::string, std::string>>;
void refuses(const ActionInfo& action, const Plan& good, const Changes& changes) {
  REQUIRE(action.validate(good).has_value());
  for (const auto& [key, value] : changes) {
    CAPTURE(key);
    CAPTURE(value);
    Plan plan = good;
    set(plan, key, value);
    CHECK_FALSE(action.validate(plan).has_value());
  }
  for (const char* name : {"", "a b.service", "../x.service", "x.socket", "-f.service", "$(x).service"}) {
    if (good.target.kind != EntityKind::service) break;
    CAPTURE(name);
    Plan plan = good;
    plan.target.name = name;
    CHECK_FALSE(action.validate(plan).has_value());
  }
  Plan other = good;
  other.target.kind = EntityKind::certificate;
  CHECK_FALSE(action.validate(other).has_value());
}

}  // namespace

TEST_CASE("reload, start and stop are planned for the service that is the root or the cause") {
  TestHost host;
  const Incident incident = incident_on(kNginx, "service.failed", host);
  CHECK(made(kServiceReload, incident, host).command == "systemctl reload nginx.service");
  const Plan start = made(kServiceStart, incident, host);
  CHECK(start.get("stopped") == "leave");
  CHECK(start.undo == "systemctl stop nginx.service");
  const Plan stop = made(kServiceStop, incident, host, {{"lasts", "10m"}});
  CHECK(stop.lasts == std::chrono::minutes(10));
  CHECK(stop.undo == "systemctl start nginx.service");
  Incident full = incident_on(kVar, "filesystem.filling", host);
  CHECK(no_plan(kServiceStop, full, host).find("none is its cause") != std::string::npos);
  full.causes = {kJava, kNginx};
  CHECK(made(kServiceStop, full, host).target == kNginx);
  CHECK(no_plan(kServiceStop, incident, host, {{"lasts", "soon"}}).find("lasts") != std::string::npos);
  CHECK(no_plan(kServiceStart, incident_on(kNginx, "service.crash_looping", host), host).find("crash loop") !=
        std::string::npos);
  refuses(kServiceStart, start, {{"stopped", "maybe"}, {"stopped", ""}, {"clean", "1"}});
  refuses(kServiceStop, stop, {{"unit", "x.service"}});
  refuses(kServiceReload, made(kServiceReload, incident, host), {{"how", "restart"}});
}

TEST_CASE("service.restart restarts what runs only when the runbook says so") {
  TestHost host;
  const Incident incident = incident_on(kNginx, "service.not_accepting", host);
  CHECK(made(kServiceRestart, incident, host).parameters.empty());
  const Plan plan = made(kServiceRestart, incident, host, {{"active", "restart"}});
  CHECK(plan.get("active") == "restart");
  refuses(kServiceRestart, plan, {{"active", "always"}, {"mode", "replace"}});
}

TEST_CASE("the end of one process is planned within bounds") {
  TestHost host;
  const Plan kill = made(kServiceKillProcess, incident_on(kNginx, "service.leaking_connections", host), host,
                         {{"victim", "most_fds"}, {"least", "500"}, {"grace", "5s"}});
  CHECK(kill.what == "end the process with most descriptors of nginx.service (SIGTERM, after 5s SIGKILL)");
  refuses(kServiceKillProcess, kill,
          {{"victim", "all"},
           {"victim", ""},
           {"least", "-1"},
           {"least", "1MiB"},
           {"grace", "2m"},
           {"grace", "5"},
           {"main_pid", "1;2"},
           {"unit", "x.service"}});
  const Plan end = made(kProcessTerminate, incident_on(kJava, "process.leaking", host), host);
  CHECK(end.target == kJava);
  CHECK(end.get("unit") == "any");
  refuses(kProcessTerminate, end,
          {{"victim", "main"}, {"unit", "../x"}, {"unit", "x.socket"}, {"least", ""}, {"grace", "-1s"}, {"pid", "1"}});
  for (const char* name : {"", "(other executables)", "(unnamed)", "a\nb"}) {
    Plan plan = end;
    plan.target.name = name;
    CHECK_FALSE(kProcessTerminate.validate(plan).has_value());
  }
  Plan slow = end;
  slow.timeout = std::chrono::seconds(10);
  CHECK_FALSE(kProcessTerminate.validate(slow).has_value());
}

TEST_CASE("memory.relieve asks for what is missing, of the unit that causes it") {
  TestHost host;
  Incident incident = incident_on(kHost, "memory.exhaustion", host);
  CHECK(no_plan(kMemoryRelieve, incident, host).find("not known") != std::string::npos);
  Plan plan = made(kMemoryRelieve, incident, host, {{"need", "512MiB"}});
  CHECK(plan.get("need") == std::to_string(512 << 20));
  CHECK(plan.get("unit").empty());
  incident.causes = {kNginx};
  plan = made(kMemoryRelieve, incident, host, {{"need", "512MiB"}});
  CHECK(plan.target == kHost);
  CHECK(plan.get("unit") == "nginx.service");
  CHECK(plan.what ==
        "end the smallest process of nginx.service that gives 512MiB of memory back (SIGTERM, after 10s SIGKILL)");
  refuses(kMemoryRelieve, plan,
          {{"need", "0"},
           {"need", "99999999999999999"},
           {"need", "1GiB"},
           {"least_share", "0"},
           {"least_share", "nan"},
           {"least_share", "2"},
           {"unit", "a b"},
           {"grace", "1h"},
           {"victim", "main"}});
  Plan other = made(kMemoryRelieve, incident_on(kNginx, "service.memory_limited", host), host, {{"need", "64MiB"}});
  CHECK(other.target == kNginx);
  set(other, "unit", "postgresql.service");
  CHECK_FALSE(kMemoryRelieve.validate(other).has_value());
}

TEST_CASE("limits are parsed by their units and clamped to their bounds") {
  const auto limit = [](std::string_view param) -> const LimitInfo& {
    for (const LimitInfo& one : known_limits())
      if (one.param == param) return one;
    throw std::runtime_error("no such limit");
  };
  constexpr std::uint64_t kNone = ~std::uint64_t{0};
  const auto result = [&](std::string_view param, std::string_view text, std::uint64_t present) {
    const auto wish = parse_wish(limit(param), text);
    if (!wish) return std::uint64_t{0};
    return wished(limit(param), *wish, present).value_or(0);
  };
  CHECK(result("cpu_quota", "50%", kNone) == 500'000);
  CHECK(result("cpu_quota", "x1.5", 500'000) == 750'000);
  CHECK(result("cpu_quota", "none", 500'000) == kNone);
  CHECK(result("memory_max", "512MiB", kNone) == 512 << 20);
  CHECK(result("memory_max", "keep", 77) == 77);
  CHECK(result("memory_max", "x0.1", 32 << 20) == 16 << 20);                  // never below the least
  CHECK(result("memory_max", "x10", kNone - 1) == limit("memory_max").most);  // no overflow
  CHECK(result("memory_max", "x2", kNone) == kNone);                          // nothing to raise
  CHECK(result("memory_max", "x0.5", kNone) == 0);                            // nothing to scale
  CHECK(result("tasks_max", "x1.5", 100) == 150);
  for (const char* text : {"50", "-50%", "1%", "%", "99999999%", "5e1%", "", "x", "x0", "x1e9", "xnan", "half"})
    CHECK_FALSE(parse_wish(limit("cpu_quota"), text).has_value());
  for (const char* text : {"1MiB", "100TiB", "512", "18446744073709551615B", "-1MiB"})
    CHECK_FALSE(parse_wish(limit("memory_high"), text).has_value());
  for (const char* text : {"0", "10001", "1.5"}) CHECK_FALSE(parse_wish(limit("io_weight"), text).has_value());
}

TEST_CASE("service.limit names what it sets and refuses what is out of bounds") {
  TestHost host;
  const Incident incident = incident_on(kNginx, "service.cpu_limited", host);
  CHECK(no_plan(kServiceLimit, incident, host).find("no limit") != std::string::npos);
  const Plan plan =
      made(kServiceLimit, incident, host, {{"cpu_quota", "x1.5"}, {"memory_max", "none"}, {"lasts", "1h"}});
  CHECK(plan.what == "set for nginx.service: CPUQuota x1.5, MemoryMax none");
  CHECK(plan.command == "systemctl set-property --runtime nginx.service CPUQuota=x1.5 MemoryMax=infinity");
  CHECK(plan.lasts == std::chrono::hours(1));
  refuses(kServiceLimit, plan,
          {{"cpu_quota", ""}, {"cpu_quota", "1"}, {"memory_high", "1KiB"}, {"tasks_max", "5"}, {"nice", "5"}});
  Plan empty = plan;
  empty.parameters.clear();
  CHECK_FALSE(kServiceLimit.validate(empty).has_value());
}

TEST_CASE("only numbered instances are scaled") {
  REQUIRE(instance_of("worker@12.service"));
  CHECK(instance_of("worker@12.service")->prefix == "worker@");
  CHECK(instance_of("worker@12.service")->number == 12);
  CHECK(name_of({"worker@", 3}) == "worker@3.service");
  for (const char* unit : {"worker.service", "worker@.service", "worker@a.service", "worker@01.service",
                           "worker@-1.service", "@1.service", "worker@1.socket", "worker@99999.service"})
    CHECK_FALSE(instance_of(unit));
  TestHost host;
  CHECK(no_plan(kServiceScale, incident_on(kNginx, "http.slow", host), host).find("not a numbered") !=
        std::string::npos);
  const Plan plan = made(kServiceScale, incident_on(kWorker, "http.slow", host), host, {{"most", "3"}});
  CHECK(plan.what == "start one more instance of worker@, 3 at most");
  refuses(kServiceScale, plan,
          {{"direction", "up"}, {"most", "0"}, {"most", "33"}, {"least", "0"}, {"least", "4"}, {"most", "x"}});
}

TEST_CASE("a freeze has an end, a nice value only makes nicer") {
  TestHost host;
  const Plan freeze = made(kProcessFreeze, incident_on(kJava, "process.leaking", host), host);
  CHECK(freeze.lasts == std::chrono::minutes(5));
  refuses(kProcessFreeze, freeze, {{"victim", "main"}, {"signal", "KILL"}});
  Plan longer = freeze;
  longer.lasts = std::chrono::hours(2);
  CHECK_FALSE(kProcessFreeze.validate(longer).has_value());
  Incident incident = incident_on(kHost, "cpu.saturated", host);
  CHECK(made(kProcessRenice, incident, host).what == "let the busiest process wait for others: nice 10");
  CHECK_FALSE(no_plan(kProcessRenice, incident_on(kVar, "filesystem.filling", host), host).empty());
  incident.causes = {kNginx};
  const Plan nice = made(kProcessRenice, incident, host, {{"io", "low"}});
  CHECK(nice.target == kNginx);
  CHECK(nice.lasts == std::chrono::minutes(30));
  refuses(kProcessRenice, nice, {{"nice", "0"}, {"nice", "-5"}, {"nice", "20"}, {"io", "realtime"}, {"io", ""}});
}

TEST_CASE("zombies.reap is for the host") {
  TestHost host;
  const Plan plan = made(kZombiesReap, incident_on(kHost, "process.zombies", host), host);
  CHECK(plan.get("least") == "50");
  refuses(kZombiesReap, plan, {{"how", "kill"}, {"least", "0"}, {"least", "many"}, {"unit", "x.service"}});
  CHECK(no_plan(kZombiesReap, incident_on(kNginx, "service.failed", host), host).find("not the host") !=
        std::string::npos);
}
