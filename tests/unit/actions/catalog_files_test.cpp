// SPDX-License-Identifier: Apache-2.0
// Plans of what treats files, configuration, packages and certificates: made, refused, and checked when they come from
// outside.
#include <doctest/doctest.h>

#include "actions/catalog/catalog.h"
#include "actions/catalog/package_rollback/versions.h"
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

TEST_CASE("reserve.release gives up a file of that name only") {
  TestHost host;
  const Incident incident = incident_on(kVar, "filesystem.full", host);
  const Plan plan = made(kReserveRelease, incident, host);
  CHECK(plan.get("path") == "/var/lib/hostmedic-actuator/hostmedic.reserve");
  CHECK_FALSE(plan.undo.empty());
  CHECK(says(plan_error(kReserveRelease, incident, host, {{"path", "/srv/hostmedic.reserve"}}), "not on /var"));
  CHECK(says(plan_error(kReserveRelease, incident, host, {{"path", "/var/lib/db"}}), "not called"));
  refuses(kReserveRelease, plan,
          {{"path", "/var/lib/mysql/ibdata1"},
           {"path", "/hostmedic.reserve"},
           {"path", "/etc/hostmedic.reserve"},
           {"path", "/var/../etc/hostmedic.reserve"},
           {"path", "/srv/hostmedic.reserve"},
           {"path", "/var/not-hostmedic.reserve"},
           {"path", ""}});
}

TEST_CASE("package_cache.clean and deleted_files.reopen treat the filesystem that they are asked about") {
  TestHost host;
  const Incident incident = incident_on(kVar, "filesystem.full", host);
  Plan plan = made(kPackageCacheClean, incident, host);
  plan.target.name = "/srv";
  CHECK_FALSE(kPackageCacheClean.validate(plan).has_value());
  plan.target.name = "/";
  CHECK(kPackageCacheClean.validate(plan).has_value());
  const Incident elsewhere = incident_on({EntityKind::filesystem, "/srv"}, "filesystem.full", host);
  CHECK(says(plan_error(kPackageCacheClean, elsewhere, host), "not on /srv"));
  const Plan reopen = made(kDeletedFilesReopen, incident, host, {{"least", "10MiB"}});
  refuses(kDeletedFilesReopen, reopen, {{"least", "0B"}, {"least", "1KiB"}, {"least", ""}, {"unit", "a.service"}});
}

TEST_CASE("deleted_files.reopen can wait until a deleted file is what grows, and log.rotate leaves that alone") {
  TestHost host;
  const Incident incident = incident_on(kVar, "filesystem.filling", host);
  const std::vector<Attribute> only{{"growing", "only"}};
  CHECK(says(plan_error(kDeletedFilesReopen, incident, host, only), "no deleted file is seen to grow"));
  CHECK(says(plan_error(kDeletedFilesReopen, incident, host, {{"growing", "maybe"}}), "not any or only"));
  host.growth("/var/log/app.log", "20971520", "0.9");
  CHECK(says(plan_error(kDeletedFilesReopen, incident, host, only), "no deleted file is seen to grow"));
  TestHost deleted;
  deleted.growth("/var/log/app.log (deleted)", "20971520", "0.9");
  CHECK(made(kDeletedFilesReopen, incident, deleted, only).get("least") == "64MiB");
  CHECK(says(plan_error(kLogRotate, incident, deleted, {{"roots", "/var/log"}}), "has no name"));
  TestHost many;
  many.growth("/var/log/*", "20971520", "0.9");
  CHECK(says(plan_error(kLogRotate, incident, many), "no single one"));
}

TEST_CASE("config.rollback follows the likeliest change, to a file that may be put back") {
  TestHost host;
  Incident incident = incident_on(kNginx, "service.failed", host);
  CHECK(says(plan_error(kConfigRollback, incident, host), "no change of a configuration file"));
  incident.changes = {{kNginx, host.wall(), "configuration /etc/nginx/nginx.conf of nginx.service was modified", 0.9}};
  const Plan plan = made(kConfigRollback, incident, host);
  CHECK(plan.get("path") == "/etc/nginx/nginx.conf");
  CHECK(made(kConfigRollback, incident, host, {{"path", "/etc/app.conf"}}).get("path") == "/etc/app.conf");
  incident.changes[0].text = "configuration /etc/shadow was modified";
  CHECK_FALSE(plan_error(kConfigRollback, incident, host).empty());
  refuses(kConfigRollback, plan,
          {{"path", "/etc/passwd"},
           {"path", "/etc/sudoers.d/x"},
           {"path", "/etc/ssh/sshd_config"},
           {"path", "/etc/hostmedic/policy.toml"},
           {"path", "/etc/../root/x"},
           {"path", "/var/lib/x"},
           {"path", "/etc"},
           {"path", "auto"},
           {"apply", "stop"},
           {"apply", ""},
           {"saved", "/tmp/x"}});
}

TEST_CASE("package.rollback follows the likeliest change, an upgrade") {
  TestHost host;
  Incident incident = incident_on(kNginx, "service.failed", host);
  CHECK(says(plan_error(kPackageRollback, incident, host), "nothing was changed"));
  const Entity package{EntityKind::package, "hm-demo"};
  incident.changes = {{package, host.wall(), "package hm-demo was upgraded from 1.0 to 2.0, by apt", 0.9}};
  const Plan plan = made(kPackageRollback, incident, host);
  CHECK(plan.get("package") == "hm-demo");
  CHECK(plan.get("version") == "1.0");
  CHECK(plan.get("from") == "2.0");
  incident.changes[0].text = "package hm-demo was installed, version 2.0";
  CHECK(says(plan_error(kPackageRollback, incident, host), "no upgrade"));
  incident.changes[0].text = "package libc6 was upgraded from 1.0 to 2.0";
  const auto vital = kPackageRollback.plan(incident, host.view(), {});
  REQUIRE(vital);
  CHECK_FALSE(kPackageRollback.validate(*vital).has_value());
  refuses(kPackageRollback, plan,
          {{"package", "-o=x"},
           {"package", "a b"},
           {"package", "hostmedic"},
           {"package", "systemd"},
           {"package", "../x.deb"},
           {"package", "X"},
           {"version", "1.0 -o x"},
           {"version", "2.0"},
           {"version", "x"},
           {"version", "1/2"},
           {"from", ""},
           {"network", "maybe"}});
}

TEST_CASE("what apt says that it would do decides whether a package is held back") {
  const std::string good =
      "Reading package lists...\nInst hm-demo [2.0] (1.0 local [all])\nConf hm-demo (1.0 local [all])\n";
  CHECK(why_held_back(good, "hm-demo", "1.0") == "");
  CHECK(why_held_back("Inst hm-demo:amd64 [2.0] (1.0 local [amd64])\n", "hm-demo", "1.0") == "");
  CHECK(why_held_back("Remv hm-user [1.0]\n" + good, "hm-demo", "1.0") == "hm-user would be removed");
  CHECK(why_held_back(good + "Inst hm-other [2] (1 local [all])\n", "hm-demo", "1.0") ==
        "hm-other would be changed too");
  CHECK(why_held_back(good, "hm-demo", "1") == "another version of hm-demo would be installed");
  CHECK(why_held_back("", "hm-demo", "1.0") == "nothing would be changed");
  CHECK(why_held_back("Inst\nRemv\n garbage \x1b", "hm-demo", "1.0") == "nothing would be changed");
}

TEST_CASE("certificate.renew runs a unit for a certificate in a file") {
  TestHost host;
  const Incident incident = incident_on({EntityKind::certificate, "/etc/tls/a.crt"}, "certificate.expiring", host);
  const Plan plan =
      made(kCertificateRenew, incident, host, {{"unit", "certbot.service"}, {"reload", "nginx.service, app.service"}});
  CHECK(says(plan.what, "then reload nginx.service, app.service"));
  CHECK_FALSE(kCertificateRenew.validate(*kCertificateRenew.plan(incident, host.view(), {})).has_value());
  const Incident shown = incident_on({EntityKind::certificate, "https://a.example/"}, "certificate.expiring", host);
  CHECK(says(plan_error(kCertificateRenew, shown, host, {{"unit", "certbot.service"}}), "not the file"));
  refuses(kCertificateRenew, plan,
          {{"unit", "certbot.timer"},
           {"unit", ""},
           {"unit", "a b"},
           {"reload", "nginx.service,"},
           {"reload", "nginx"},
           {"near", "365d"},
           {"near", ""},
           {"path", "/etc/shadow"}});
}
