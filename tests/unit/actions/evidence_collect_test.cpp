// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "actions/catalog/catalog.h"
#include "actions/catalog/evidence_collect/manifest.h"
#include "tests/unit/actions/host.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

Result<Plan> planned(std::vector<Attribute> params, const Entity& root = kNginx) {
  TestHost host;
  return kEvidenceCollect.plan(incident_on(root, "service.behaviour", host), host.view(), params);
}

const std::string kHash(64, 'a');

EvidenceManifest example() {
  return {.package = "20261121T204400Z-0123456789abcdef01234567.tar.zst",
          .bytes = 12345,
          .sha256 = kHash,
          .previous = std::string(64, 'b'),
          .target = "service:nginx.service",
          .members = {{"journal", 100, kHash}, {"process/12/cmdline", 7, std::string(64, 'c')}},
          .left_out = {"process/12/stack: read: Permission denied"}};
}

}  // namespace

TEST_CASE("evidence.collect plans for what has processes, within its bounds") {
  const auto plan = planned({{"most_bytes", "1MiB"}, {"journal", "1h"}});
  REQUIRE(plan.has_value());
  CHECK(kEvidenceCollect.validate(*plan).has_value());
  CHECK(plan->get("most_bytes") == "1048576");
  CHECK(plan->get("journal") == "3600");
  CHECK(planned({}, {EntityKind::process, "nginx"}).has_value());
  CHECK_FALSE(planned({}, kVar).has_value());
  CHECK_FALSE(planned({{"most_bytes", "lots"}}).has_value());
  const std::pair<const char*, const char*> bad[] = {
      {"most_bytes", "1"},    {"most_bytes", "1073741824"},      {"most_bytes", "32MiB"}, {"journal", "-1"},
      {"journal", "9999999"}, {"package", "../../etc/cron.d/x"}, {"package", "x"},        {"directory", "/etc"}};
  for (const auto& [key, value] : bad) {
    CAPTURE(key);
    Plan changed = *plan;
    std::erase_if(changed.parameters, [name = key](const Attribute& one) { return one.key == name; });
    changed.parameters.push_back({key, value});
    CHECK_FALSE(kEvidenceCollect.validate(changed).has_value());
  }
  for (const Entity& target : {Entity{EntityKind::service, "a b.service"}, Entity{EntityKind::process, "../x"},
                               Entity{EntityKind::process, ""}, Entity{EntityKind::host, ""}}) {
    Plan changed = *plan;
    changed.target = target;
    CHECK_FALSE(kEvidenceCollect.validate(changed).has_value());
  }
}

TEST_CASE("a manifest is read as it was written") {
  const auto read = parse_manifest(to_text(example()));
  REQUIRE(read.has_value());
  CHECK(to_text(*read) == to_text(example()));
  CHECK(read->members == example().members);
  CHECK(read->left_out == example().left_out);
}

TEST_CASE("what is no manifest is refused") {
  const std::string good = to_text(example());
  CHECK_FALSE(parse_manifest("").has_value());
  CHECK_FALSE(parse_manifest("hostmedic-evidence 2\n").has_value());
  CHECK_FALSE(parse_manifest(good + "surprise 1\n").has_value());
  CHECK_FALSE(parse_manifest(good + "member 12 short journal\n").has_value());
  CHECK_FALSE(parse_manifest(good + "member x " + kHash + " journal\n").has_value());
  CHECK_FALSE(parse_manifest(good + "package ../../etc/passwd\n").has_value());
  CHECK_FALSE(parse_manifest(good + "previous none\n").has_value());
  CHECK_FALSE(parse_manifest(good + std::string(kMostManifest, ' ')).has_value());
  for (std::size_t cut = 0; cut < good.find("target"); ++cut) {
    CAPTURE(cut);
    const auto part = parse_manifest(good.substr(0, cut));
    CHECK((!part.has_value() || part->previous == example().previous));
  }
}

TEST_CASE("names of packages") {
  CHECK(is_package_name("20261121T204400Z-0123456789abcdef01234567"));
  for (const char* name : {"", "20261121T204400Z-0123456789abcdef0123456", "20261121T204400Z-0123456789ABCDEF01234567",
                           "20261121 204400Z-0123456789abcdef01234567", "../61121T204400Z-0123456789abcdef01234567"})
    CHECK_FALSE(is_package_name(name));
}

TEST_CASE("secrets in a command line are not told") {
  using namespace std::string_literals;
  CHECK(without_secrets("nginx\0-g\0daemon off;\0"s) == "nginx\n-g\ndaemon off;\n");
  CHECK(without_secrets("app\0--db-password=hunter2\0--port=80\0"s) == "app\n--db-password=[not told]\n--port=80\n");
  CHECK(without_secrets("app\0--api-token\0abc\0-v\0"s) == "app\n--api-token\n[not told]\n-v\n");
  CHECK(without_secrets("AWS_SECRET_KEY=x\0"s) == "AWS_SECRET_KEY=[not told]\n");
  CHECK(without_secrets("psql\0postgres://app:hunter2@db:5432/x\0"s) == "psql\npostgres://app:[not told]@db:5432/x\n");
  CHECK(without_secrets("curl\0http://db:80/a@b\0"s) == "curl\nhttp://db:80/a@b\n");
  CHECK(without_secrets("a\0\0b\0"s) == "a\n\nb\n");
  CHECK(without_secrets("").empty());
  CHECK(without_secrets("\x1b[2J\0"s) == "?[2J\n");
}
