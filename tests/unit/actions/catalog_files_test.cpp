// SPDX-License-Identifier: Apache-2.0
// Plans of what treats files, configuration, packages and certificates: made, refused, and checked when they come from
// outside.
#include <doctest/doctest.h>

#include "actions/catalog/catalog.h"
#include "actions/catalog/plan_check.h"
#include "tests/unit/actions/host.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

Plan made(const ActionInfo& action, const Incident& incident, const TestHost& host,
          const std::vector<Attribute>& params = {}) {
  const auto plan = action.plan(incident, host.view(), params);
  INFO((plan ? std::string() : plan.error().message()));
  REQUIRE(plan);
  const Status valid = action.validate(*plan);
  INFO((valid ? std::string() : valid.error().message()));
  CHECK(valid.has_value());
  return *plan;
}

std::string plan_error(const ActionInfo& action, const Incident& incident, const TestHost& host,
                       const std::vector<Attribute>& params = {}) {
  const auto plan = action.plan(incident, host.view(), params);
  REQUIRE_FALSE(plan);
  return plan.error().message();
}

// One parameter after the other with a value that must not pass.
void refuses(const ActionInfo& action, const Plan& good, const std::vector<Attribute>& bad) {
  REQUIRE(action.validate(good).has_value());
  for (const Attribute& one : bad) {
    CAPTURE(one.key);
    CAPTURE(one.value);
    Plan plan = good;
    std::erase_if(plan.parameters, [&](const Attribute& parameter) { return parameter.key == one.key; });
    plan.parameters.push_back(one);
    CHECK_FALSE(action.validate(plan).has_value());
  }
}

bool says(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("files.clean removes below one directory of the filesystem") {
  TestHost host;
  const Incident incident = incident_on(kVar, "filesystem.filling", host);
  const Plan plan = made(kFilesClean, incident, host, {{"clean_root", "/var/tmp"}, {"min_age", "30d"}});
  CHECK(plan.get("min_age") == "30d");
  CHECK(plan.undo.empty());
  CHECK(says(plan_error(kFilesClean, incident, host), "no directory to clean"));
  CHECK(says(plan_error(kFilesClean, incident, host, {{"clean_root", "/tmp"}}), "unknown filesystem"));
  CHECK(says(plan_error(kFilesClean, incident_on(kNginx, "service.failed", host), host), "not a filesystem"));
  refuses(kFilesClean, plan,
          {{"clean_root", "/"},
           {"clean_root", "/var"},
           {"clean_root", "/etc"},
           {"clean_root", "/var/lib"},
           {"clean_root", "/usr/share"},
           {"clean_root", "/home/ada"},
           {"clean_root", "/var/../etc"},
           {"clean_root", "/var/tmp/"},
           {"clean_root", "tmp"},
           {"clean_root", "/srv/cache"},
           {"clean_root", "/var/log/journal/x"},
           {"clean_root", ""},
           {"min_age", "59m"},
           {"min_age", "-1d"},
           {"min_age", "10"},
           {"free", "0B"},
           {"free", "all"},
           {"most_files", "0"},
           {"most_files", "100001"},
           {"used_above", "0.49"},
           {"used_above", "nan"},
           {"used_above", "2"},
           {"path", "/etc/passwd"}});
}
