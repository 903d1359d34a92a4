// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/reporter.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "tests/unit/store/store_support.h"

using namespace hostmedic;
using namespace std::chrono_literals;

namespace {

struct Nothing final : PipelineOutput {
  void persist(const Incident&) override {}
  void submit(const Order&) override {}
  void notify(const Incident&, const std::string&) override {}
};

Incident closed(int i, WallTime at) {
  Incident incident;
  incident.id = "id" + std::to_string(1000 + i);
  incident.root = {EntityKind::service, "web.service"};
  incident.kind = "service.failed";
  incident.state = IncidentState::resolved;
  incident.opened_at = at - 1min;
  incident.closed_at = at;
  incident.summary = std::string(900, 's');
  incident.diagnosis = std::string(900, 'd');
  return incident;
}

}  // namespace

TEST_CASE("the store keeps the bounds of the configuration by itself") {
  test::TempDir dir;
  auto store = AgentStore::open(dir / "agent.db", {});
  REQUIRE(store);
  const WallTime now = wall_from_ns(1'795'000'000'000'000'000);
  REQUIRE(store->put_incident(closed(0, now - 48h)));
  for (int i = 1; i <= 600; ++i) REQUIRE(store->put_incident(closed(i, now - 1h + std::chrono::seconds(i))));
  boost::asio::io_context io;
  Worker worker(io);
  Reporter reporter(io, worker, *store);
  Nothing output;
  const Pipeline pipeline(*detect::Engine::make({}), {}, {}, output);
  const auto second = [&](Duration later) {
    reporter.every_second({mono_from_ns(1'000'000'000'000) + later, now + later}, pipeline, true);
  };

  reporter.keep({.most_size = mib(1), .most_age = 24h});
  second(0s);
  reporter.keep({.most_size = mib(64), .most_age = 1min});
  second(1s);  // not each second
  worker.stop();
  io.run();
  const std::size_t left = store->incidents({.limit = 1000})->size();
  CHECK(left > 100);
  CHECK(left < 600);
  CHECK(store->find_incident("id1600"));
  CHECK(reporter.store_errors() == 0);
}
