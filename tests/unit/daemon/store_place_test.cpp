// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/store_place.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/store/store_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

Incident incident(const std::string& id, std::uint32_t revision) {
  Incident one;
  one.id = id;
  one.revision = revision;
  one.root = {EntityKind::service, "web.service"};
  one.kind = "service.failed";
  one.opened_at = wall_from_ns(1'795'000'000'000'000'000);
  return one;
}

Status spool(AgentStore& store, std::string_view uid) {
  return store.spool().append(SpoolSignal::logs, uid, "payload", wall_from_ns(1'795'000'000'000'000'000));
}

// A state directory that is not there yet, and a run directory.
struct Places {
  Places() { std::filesystem::create_directory(dir / "run"); }
  void mend() { std::filesystem::create_directory(dir / "state"); }
  TempDir dir;
  StorePlace place{.disk = dir / "state/agent.db", .memory = dir / "run/agent.db"};
};

}  // namespace

TEST_CASE("without a disk the store is in memory, over restarts, and goes to the disk when there is one") {
  Places places;
  {
    auto first = open_store(places.place);
    REQUIRE(first);
    CHECK(first->no_disk.find("state/agent.db") != std::string::npos);
    REQUIRE(first->store.put_incident(incident("one", 3)));
    REQUIRE(spool(first->store, "a"));
  }
  {
    auto second = open_store(places.place);
    REQUIRE(second);
    CHECK(second->no_disk != "");
    CHECK(second->store.unresolved()->size() == 1);
    REQUIRE(second->store.put_incident(incident("two", 1)));
    REQUIRE(spool(second->store, "b"));
  }
  places.mend();
  {
    auto disk = AgentStore::open(places.place.disk, {});
    REQUIRE(disk);
    REQUIRE(disk->put_incident(incident("zero", 1)));
    REQUIRE(disk->put_incident(incident("two", 5)));  // newer than what memory has of it
    REQUIRE(spool(*disk, "b"));
  }
  auto third = open_store(places.place);
  REQUIRE(third);
  CHECK(third->no_disk == "");
  CHECK(third->store.unresolved()->size() == 3);
  CHECK(third->store.find_incident("one")->revision == 3);
  CHECK(third->store.find_incident("two")->revision == 5);
  const auto waiting = third->store.spool().next_batch(SpoolSignal::logs, mib(1), 10);
  REQUIRE(waiting);
  REQUIRE(waiting->size() == 2);
  CHECK(waiting->at(0).uid == "b");
  CHECK(waiting->at(1).uid == "a");
  CHECK(places.dir.list("agent.db").empty());
  CHECK(std::filesystem::is_empty(places.dir / "run"));
}

TEST_CASE("what waits in memory is bounded more tightly than on disk") {
  Places places;
  places.place.spool.most = mib(32);
  auto placed = open_store(places.place);
  REQUIRE(placed);
  const std::string payload(256 << 10, 'x');
  for (int i = 0; i < 40; ++i)
    REQUIRE(placed->store.spool().append(SpoolSignal::logs, "uid" + std::to_string(i), payload,
                                         wall_from_ns(1'795'000'000'000'000'000)));
  CHECK(placed->store.spool().stats().bytes.count <= kMostSpooledInMemory.count);
  CHECK(placed->store.spool().stats().dropped > 20);
}

TEST_CASE("without disk and without memory there is no store") {
  TempDir dir;
  const auto placed = open_store({.disk = dir / "state/agent.db", .memory = dir / "run/agent.db"});
  REQUIRE_FALSE(placed);
  CHECK(placed.error().message().find("neither on disk nor in memory") != std::string::npos);
}

TEST_CASE("the way back to the disk: the file, or a new process where only this one's mount is read-only") {
  Places places;
  const std::string state = places.dir / "state";
  const std::string root = "1 1 8:1 / / rw - ext4 /dev/a rw\n";
  const auto mounted = [&](const char* here, const char* everywhere) {
    return root + "2 1 8:2 / " + state + " " + here + " shared:7 - ext4 /dev/b " + everywhere + "\n";
  };
  CHECK(way_back(places.place, root) == WayBack::none);
  CHECK(way_back(places.place, "no table of mounts") == WayBack::none);
  CHECK(way_back(places.place, mounted("rw", "rw")) == WayBack::none);
  CHECK(way_back(places.place, mounted("ro", "ro")) == WayBack::none);
  CHECK(way_back(places.place, mounted("ro", "rw,emergency_ro")) == WayBack::none);
  CHECK(way_back(places.place, mounted("ro", "rw")) == WayBack::new_process);
  // What lies on it counts, and its neighbours do not.
  CHECK(way_back(places.place, mounted("ro", "rw") + "3 2 8:3 / " + state + " rw - ext4 /dev/c rw\n") == WayBack::none);
  CHECK(way_back(places.place, root + "2 1 8:2 / " + state + "2 ro - ext4 /dev/b rw\n") == WayBack::none);
  places.mend();
  CHECK(way_back(places.place, mounted("ro", "rw")) == WayBack::here);
}
