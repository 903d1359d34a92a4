// SPDX-License-Identifier: Apache-2.0
#include "detect/correlate/entity_graph.h"

#include <doctest/doctest.h>

#include "detect/correlate/graph_state.h"
#include "detect/model/names.h"

using namespace hostmedic;
using namespace hostmedic::detect;
using namespace std::chrono_literals;

namespace {

Entity service(const char* name) { return {EntityKind::service, name}; }
const Entity kFront = service("front.service"), kApp = service("app.service"), kDb = service("db.service");
const Entity kHost{EntityKind::host, ""};
const MonoTime kStart = mono_from_ns(1'000'000'000'000);

Event told(EventKind kind, std::initializer_list<std::pair<std::string_view, std::string_view>> attributes) {
  Event event{kind, {}, kStart, {}};
  for (const auto& [key, value] : attributes) event.attributes.push_back({std::string(key), std::string(value)});
  return event;
}
Event listens(std::string_view unit, std::string_view address, std::string_view port,
              std::string_view state = "listening") {
  return told(EventKind::listener, {{attr::kProcessUnit, unit},
                                    {attr::kNetworkLocalAddress, address},
                                    {attr::kNetworkLocalPort, port},
                                    {attr::kListenerState, state}});
}
Event connects(std::string_view unit, std::string_view address, std::string_view port) {
  return told(EventKind::destination,
              {{attr::kProcessUnit, unit}, {attr::kNetworkPeerAddress, address}, {attr::kNetworkPeerPort, port}});
}
Event relates(std::string_view type, std::string_view target, std::string_view state = "present") {
  return told(EventKind::relation,
              {{attr::kRelationType, type}, {attr::kRelationTarget, target}, {attr::kRelationState, state}});
}

}  // namespace

TEST_CASE("who connects where another listens depends on it, whichever was told first") {
  EntityGraph graph;
  graph.note(kHost, listens("db.service", "127.0.0.1", "5432"), kStart);
  graph.note(kHost, connects("app.service", "127.0.0.1", "5432"), kStart + 1s);
  graph.note(kHost, connects("front.service", "::1", "8000"), kStart + 2s);
  CHECK_FALSE(graph.path(kFront, kApp));
  graph.note(kHost, listens("app.service", "::", "8000"), kStart + 3s);
  const auto path = graph.path(kFront, kDb);
  REQUIRE(path);
  CHECK(to_string(*path) == "service:front.service > service:app.service > service:db.service");
  CHECK(path->weight == doctest::Approx(0.64));
  CHECK(path->carries_failure);
  CHECK_FALSE(graph.path(kDb, kFront));
  const auto hit = graph.dependents(kDb, 10);
  REQUIRE(hit.size() == 2);
  CHECK(hit[0].entities.front() == kApp);
  CHECK(hit[1].entities.front() == kFront);
  CHECK(graph.dependencies(kFront, 1).size() == 1);
}

TEST_CASE("a port of another host is no port of this one, and a server that died is still depended on") {
  EntityGraph graph;
  graph.note(kHost, listens("db.service", "0.0.0.0", "443"), kStart);
  graph.note(kHost, connects("app.service", "192.0.2.7", "443"), kStart);
  CHECK_FALSE(graph.path(kApp, kDb));
  CHECK(graph.path(kApp, {EntityKind::endpoint, "tcp://192.0.2.7:443"}));
  graph.note(kHost, connects("front.service", "127.0.0.1", "443"), kStart);
  graph.note(kHost, listens("db.service", "0.0.0.0", "443", "closed"), kStart + 1s);
  CHECK(graph.path(kFront, kDb));
}

TEST_CASE("what units, devices and packages tell is kept, taken back, and ages out") {
  EntityGraph graph;
  graph.note(kApp, relates("requires", "service:db.service"), kStart);
  graph.note(kApp, relates("writes_to", "filesystem:/srv"), kStart);
  graph.note({EntityKind::filesystem, "/srv"}, relates("stored_on", "block_device:sda"), kStart);
  graph.note(kApp, relates("owned_by", "package:app"), kStart);
  graph.note(kApp, relates("likes", "service:db.service"), kStart);
  graph.note(kApp, relates("requires", "nonsense"), kStart);
  CHECK(graph.size() == 4);
  const auto disk = graph.path(kApp, {EntityKind::block_device, "sda"});
  REQUIRE(disk);
  CHECK_FALSE(disk->carries_failure);
  graph.note(kApp, relates("requires", "service:db.service", "gone"), kStart + 1h);
  CHECK_FALSE(graph.path(kApp, kDb));
  graph.note(kApp, relates("owned_by", "package:app"), kStart + 20h);
  graph.age(kStart + 25h);
  CHECK(graph.size() == 1);
}

TEST_CASE("the graph is bounded, bears circles, and is read back as it was written") {
  EntityGraph graph;
  graph.relate(kFront, Dependence::requires_, kApp, kStart);
  graph.relate(kApp, Dependence::requires_, kFront, kStart);
  CHECK(graph.path(kFront, kApp));
  CHECK(graph.dependents(kApp, 10).size() == 1);
  for (int i = 0; i < 5000; ++i)
    graph.relate(service(("s" + std::to_string(i)).c_str()), Dependence::wants, kDb, kStart + std::chrono::seconds(i));
  CHECK(graph.size() == EntityGraph::kMostEdges);
  CHECK(graph.refused() == 5002 - EntityGraph::kMostEdges);
  CHECK(graph.dependents(kDb, 32).size() == 32);
  graph.note(kHost, connects("app.service", "127.0.0.1", "1"), kStart);
  StateWriter writer;
  put_whole(writer, graph);
  EntityGraph copy;
  Literals none;
  StateReader reader = StateReader::exact(writer.bytes(), none);
  get_whole(reader, copy);
  REQUIRE(reader.good());
  CHECK(reader.at_end());
  StateWriter again;
  put_whole(again, copy);
  CHECK(again.bytes() == writer.bytes());
  StateReader cut = StateReader::exact(std::string_view(writer.bytes()).substr(0, writer.bytes().size() / 2), none);
  get_whole(cut, copy);
  CHECK_FALSE(cut.good());
}
