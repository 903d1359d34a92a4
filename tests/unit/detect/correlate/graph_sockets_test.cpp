// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "detect/correlate/entity_graph.h"
#include "detect/model/names.h"

using namespace hostmedic;
using namespace hostmedic::detect;

namespace {

const Entity kFront{EntityKind::service, "front.service"}, kApp{EntityKind::service, "app.service"};
const Entity kHost{EntityKind::host, ""};
const MonoTime kNow = mono_from_ns(1'000'000'000'000);

Event listens(std::string_view unit, std::string_view address) {
  return {EventKind::listener,
          {},
          kNow,
          {{std::string(attr::kProcessUnit), std::string(unit)},
           {std::string(attr::kNetworkLocalAddress), std::string(address)},
           {std::string(attr::kNetworkLocalPort), "8000"},
           {std::string(attr::kListenerState), "listening"}}};
}
Event connects(std::string_view peer, std::string_view local) {
  Event event{EventKind::destination,
              {},
              kNow,
              {{std::string(attr::kProcessUnit), "front.service"},
               {std::string(attr::kNetworkPeerAddress), std::string(peer)},
               {std::string(attr::kNetworkPeerPort), "8000"}}};
  if (!local.empty()) event.attributes.push_back({std::string(attr::kNetworkLocalAddress), std::string(local)});
  return event;
}

}  // namespace

TEST_CASE("graph: who connects under an address of the host's own reaches who listens on any") {
  EntityGraph graph;
  graph.note(kFront, connects("10.0.0.1", ""), kNow);
  graph.note(kHost, listens("app.service", "::"), kNow);
  CHECK_FALSE(graph.path(kFront, kApp));  // may be another host's
  graph.note(kFront, connects("10.0.0.1", "10.0.0.1"), kNow);
  CHECK(graph.path(kFront, kApp));

  EntityGraph loopback_only;
  loopback_only.note(kHost, listens("app.service", "127.0.0.1"), kNow);
  loopback_only.note(kFront, connects("10.0.0.1", "10.0.0.1"), kNow);
  CHECK(loopback_only.size() == 0);
}

TEST_CASE("graph: the ports of containers and sessions are not the host's services'") {
  EntityGraph graph;
  graph.note(kHost, listens("app.service", "::"), kNow);
  graph.note(kHost, listens("docker-0123.scope", "::"), kNow);
  graph.note(kFront, connects("127.0.0.1", ""), kNow);
  CHECK(graph.path(kFront, kApp));
}
