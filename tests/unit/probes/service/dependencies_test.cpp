// SPDX-License-Identifier: Apache-2.0
#include "probes/service/dependencies.h"

#include <doctest/doctest.h>

#include "../recording_sink.h"
#include "probes/service/dependency_table.h"

using namespace hostmedic;
using namespace hostmedic::service;
using hostmedic::test::RecordingSink;

namespace {

std::vector<std::string> words(const std::vector<Related>& all) {
  std::vector<std::string> said;
  for (const Related& one : all) said.push_back(std::string(one.type) + " " + to_string(one.to));
  return said;
}
std::string where(std::string_view path) { return path.starts_with("/var") ? "/var" : ""; }

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("of a unit's dependencies its services and filesystems are told, the strongest first") {
  UnitDependencies unit;
  // As systemd 252 gives them of a web service.
  unit.requires_ = {"system.slice", "sysinit.target", "dbus.socket", "app.service", "web.socket", "-.mount"};
  unit.wants = {"network-online.target", "cache.service", "app.service"};
  unit.part_of = {"stack.target", "stack.service"};
  unit.after = {"app.service", "cache.service", "syslog.service", "basic.target", "web.socket", "dbus.socket"};
  unit.mounts_for = {"/var/lib/web", "/var/tmp", "/srv/away"};
  ServiceDirectories directories;
  directories.state = {"web"};
  directories.logs = {"web"};
  directories.working_directory = "/var/lib/web";
  CHECK(words(related_of("web.service", unit, directories, where)) ==
        Words{"requires service:dbus.service", "requires service:app.service", "writes_to filesystem:/var",
              "requires filesystem:/var", "part_of service:stack.service", "wants service:cache.service",
              "after service:syslog.service"});
}

TEST_CASE("names that are none and paths that are no place are left alone") {
  UnitDependencies unit;
  unit.requires_ = {"", ".service", "a b.service", "../x.service", "hostmedic-order-1.service", ".socket"};
  unit.mounts_for = {"", "var", "relative/path"};
  ServiceDirectories directories;
  directories.working_directory = "/";
  CHECK(related_of("web.service", unit, directories, [](std::string_view) { return std::string("/"); }).empty());
  directories.working_directory = "~";
  CHECK(related_of("web.service", unit, directories, [](std::string_view) { return std::string("/"); }).empty());
}

TEST_CASE("a unit is asked about once when it has been there for a moment, and again after a reload") {
  DependencyTable table;
  RecordingSink sink;
  MonoTime now = mono_from_ns(1'000'000'000);
  const auto loaded = [](const std::string& unit) { return unit != "short.service"; };
  ServiceDirectories directories;
  directories.state = {"web"};
  table.on_service("web.service", directories, now);
  table.on_service("short.service", {}, now);
  CHECK_FALSE(table.next_question(now, loaded));
  now += DependencyTable::kDelay;
  CHECK(table.next_question(now, loaded) == "web.service");
  CHECK_FALSE(table.next_question(now, loaded));  // what has gone is not loaded again by asking about it
  UnitDependencies unit;
  unit.requires_ = {"app.service"};
  table.on_dependencies("web.service", unit, where);
  table.tell(now, sink, loaded);
  REQUIRE(sink.told.size() == 2);
  CHECK(sink.told[0].about.name == "web.service");
  CHECK(sink.told[1].get(attr::kRelationTarget) == "filesystem:/var");

  table.on_service("web.service", {}, now);  // its properties came again for another reason
  CHECK_FALSE(table.next_question(now + DependencyTable::kDelay, loaded));

  table.ask_again();
  table.on_dependencies("web.service", {}, where);  // an answer from before the reload
  table.on_service("web.service", {}, now);
  now += DependencyTable::kDelay;
  CHECK(table.next_question(now, loaded) == "web.service");
  table.on_dependencies("web.service", unit, where);
  table.tell(now, sink, loaded);
  REQUIRE(sink.told.size() == 3);
  CHECK(sink.told[2].get(attr::kRelationTarget) == "filesystem:/var");
  CHECK(sink.told[2].get(attr::kRelationState) == "gone");

  const auto none = [](const std::string&) { return false; };
  table.tell(now + std::chrono::hours(7), sink, none);  // it is not loaded any more, so nothing is told of it again
  CHECK(sink.told.size() == 3);
}
