// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

struct Watched {
  std::unique_ptr<detect::Engine> engine;
  Stream stream;
  EntityId nginx, host;
  SeriesId cpu;
  double second = 0, used = 0;

  explicit Watched(detect::ModelMode mode) {
    auto config = detect::default_engine_config();
    config.behaviour.mode = mode;
    engine = engine_of(std::move(config));
    nginx = stream.entity(EntityKind::service, "nginx.service");
    host = stream.entity(EntityKind::host, "");
    cpu = stream.series(nginx, metric::kServiceCpuTime);
  }
  void minutes(int count, double cores = 0.3) {
    for (int i = 0; i < count; ++i) {
      second += 60;
      used += 60 * cores;
      stream.sample(cpu, used);
      (void)engine->step(stream.cut(second));
    }
  }
  void start(std::string_view path, EntityId about, std::string_view unit) {
    stream.event(EventKind::process_exec, about,
                 {{attr::kProcessPath, path},
                  {attr::kProcessParentName, "nginx"},
                  {attr::kProcessUser, "33"},
                  {attr::kProcessUnit, unit}});
  }
  void connect(std::string_view address) {
    stream.event(EventKind::destination, nginx,
                 {{attr::kNetworkPeerAddress, address}, {attr::kNetworkPeerPort, "4444"}});
  }
  void learn(int days) {
    for (int hour = 0; hour < 24 * days; ++hour) {
      start("/usr/sbin/nginx", nginx, "nginx.service");
      minutes(60);
    }
  }
  void intrude() {
    start("/tmp/x", nginx, "nginx.service");
    connect("203.0.113.9");
    minutes(2, 3.0);
  }
};

}  // namespace

TEST_CASE("an intrusion opens an incident of the service, with what it did as evidence; it is no proof") {
  Watched watched(detect::ModelMode::serving);
  watched.learn(10);
  CHECK(watched.engine->incidents().empty());
  watched.intrude();
  const Incident* incident = only(*watched.engine);
  REQUIRE(incident != nullptr);
  CHECK(incident->kind == "service.behaviour");
  CHECK(incident->root == Entity{EntityKind::service, "nginx.service"});
  CHECK(incident->severity == Severity::warning);
  CHECK_FALSE(incident->proof);
  REQUIRE(!incident->anomalies.empty());
  const std::string& evidence = incident->anomalies[0].evidence;
  CHECK(evidence.starts_with("nginx.service does what is new for it in 10 days of watching: "));
  CHECK(evidence.find("started /tmp/x") != std::string::npos);
  CHECK(evidence.find("used 3 cores") != std::string::npos);
  CHECK(incident->summary.find("does what it never did before") != std::string::npos);
  // Quiet for a quarter of an hour, it is over.
  watched.minutes(20);
  CHECK_FALSE(only(*watched.engine)->active);
}

TEST_CASE("one new thing opens nothing, but is evidence beside a failure of the service") {
  Watched watched(detect::ModelMode::serving);
  watched.learn(30);
  watched.start("/usr/bin/migrate", watched.nginx, "nginx.service");
  watched.minutes(2);
  CHECK(watched.engine->incidents().empty());
  watched.stream.event(EventKind::unit_state, watched.nginx,
                       {{attr::kUnitActiveState, "failed"}, {attr::kUnitRestartPolicy, "no"}});
  watched.minutes(1);
  const Incident* incident = only(*watched.engine);
  REQUIRE(incident != nullptr);
  CHECK(incident->kind == "service.failed");
  bool told = false;
  for (const Anomaly& anomaly : incident->anomalies)
    told = told || anomaly.evidence.find("started /usr/bin/migrate") != std::string::npos;
  CHECK(told);
}

TEST_CASE("in the shadow it learns and finds, and nobody hears of it; off it does nothing") {
  Watched shadow(detect::ModelMode::shadow), off(detect::ModelMode::off);
  for (Watched* watched : {&shadow, &off}) {
    watched->learn(10);
    watched->intrude();
    CHECK(watched->engine->incidents().empty());
  }
  CHECK(shadow.engine->behaviour().model().totals().findings == 1);
  CHECK(off.engine->behaviour().model().totals().services == 0);
}

TEST_CASE("while a service has failed, nothing it does is learned") {
  Watched watched(detect::ModelMode::serving);
  watched.learn(10);
  watched.stream.event(EventKind::unit_state, watched.nginx,
                       {{attr::kUnitActiveState, "failed"}, {attr::kUnitRestartPolicy, "no"}});
  watched.minutes(1);
  for (int hour = 0; hour < 24; ++hour) {
    watched.start("/tmp/x", watched.nginx, "nginx.service");
    watched.minutes(60);
  }
  watched.stream.event(EventKind::unit_state, watched.nginx, {{attr::kUnitActiveState, "active"}});
  watched.minutes(60);
  REQUIRE(only(*watched.engine) != nullptr);
  watched.engine->forget(only(*watched.engine)->id);
  watched.intrude();
  REQUIRE(only(*watched.engine) != nullptr);
  CHECK(only(*watched.engine)->kind == "service.behaviour");
}

TEST_CASE("what is known of services outlives the stream of frames") {
  Watched watched(detect::ModelMode::serving);
  watched.learn(10);
  watched.stream.restart();
  watched.host = watched.stream.entity(EntityKind::host, "");
  watched.nginx = watched.stream.entity(EntityKind::service, "nginx.service");
  watched.cpu = watched.stream.series(watched.nginx, metric::kServiceCpuTime);
  watched.used = 0;
  watched.minutes(2);
  watched.intrude();
  REQUIRE(only(*watched.engine) != nullptr);
  CHECK(only(*watched.engine)->root == Entity{EntityKind::service, "nginx.service"});
}

TEST_CASE(
    "more strong findings in a day than are true: they only support from then on, and the model's health says so") {
  auto config = detect::default_engine_config();
  config.behaviour.mode = detect::ModelMode::serving;
  config.behaviour.most_strong_a_day = 2;
  auto engine = engine_of(config);
  Stream stream;
  (void)stream.entity(EntityKind::host, "");
  std::vector<EntityId> services;
  for (const char* name : {"a.service", "b.service", "c.service"})
    services.push_back(stream.entity(EntityKind::service, name));
  double second = 0;
  const auto all_start = [&](std::string_view path, std::string_view user) {
    for (const EntityId id : services)
      stream.event(EventKind::process_exec, id,
                   {{attr::kProcessPath, path}, {attr::kProcessParentName, "init"}, {attr::kProcessUser, user}});
  };
  const auto minutes = [&](int count) {
    for (int i = 0; i < count; ++i) (void)engine->step(stream.cut(second += 60));
  };
  for (int hour = 0; hour < 240; ++hour) {
    all_start("/usr/bin/own", "7");
    minutes(60);
  }
  CHECK(engine->behaviour().health().working);
  all_start("/tmp/x", "0");
  minutes(2);
  CHECK(engine->incidents().size() == 2);
  CHECK_FALSE(engine->behaviour().health().working);
  CHECK(engine->behaviour().health().reason.find("more than 2 strong findings in a day") != std::string::npos);
  minutes(25 * 60);
  CHECK(engine->behaviour().health().working);
}

TEST_CASE("what was learned of services is in the checkpoint of the engine") {
  Watched watched(detect::ModelMode::serving);
  watched.learn(10);
  const auto checkpoint = watched.engine->checkpoint();
  REQUIRE(checkpoint.has_value());
  Watched next(detect::ModelMode::serving);
  REQUIRE(next.engine->restore(*checkpoint).has_value());
  next.minutes(2);
  next.intrude();
  REQUIRE(only(*next.engine) != nullptr);
  CHECK(only(*next.engine)->kind == "service.behaviour");
  // Asked to learn anew, it does.
  Watched anew(detect::ModelMode::serving);
  REQUIRE(anew.engine->restore(*checkpoint).has_value());
  anew.minutes(2);
  (void)anew.engine->relearn("service:nginx*");
  anew.intrude();
  CHECK(anew.engine->incidents().empty());
}

TEST_CASE("the mode is taken from those of the models") {
  auto config = detect::default_engine_config();
  CHECK(engine_of(config)->behaviour().health().mode == detect::ModelMode::shadow);  // as shipped
  config.scoring.modes = {{"behaviour", detect::ModelMode::serving}};
  CHECK(engine_of(config)->behaviour().health().mode == detect::ModelMode::serving);
}

TEST_CASE("what people do to a service during their maintenance is not learned") {
  Watched watched(detect::ModelMode::serving);
  watched.learn(10);
  watched.engine->hold_learning(
      {{"service:nginx*", wall_from_ns(Stream::kEpochNs + std::int64_t{20} * 86400 * 1'000'000'000)}});
  for (int hour = 0; hour < 48; ++hour) {
    watched.start("/tmp/x", watched.nginx, "nginx.service");
    watched.minutes(60);
  }
  for (const auto& [id, incident] : watched.engine->incidents()) CHECK_FALSE(incident.active);
  watched.engine->hold_learning({});
  watched.intrude();
  REQUIRE(only(*watched.engine) != nullptr);
  CHECK(only(*watched.engine)->active);
}

namespace {

// A container as the kernel's programs see it: a scope, of which only the engine knows the name.
struct WatchedContainer {
  Watched watched{detect::ModelMode::serving};
  EntityId web = watched.stream.entity(EntityKind::container, "web");

  void tell(std::string_view what, char id) {
    watched.stream.event(EventKind::container_state, web,
                         {{attr::kContainerEvent, what}, {attr::kContainerId, std::string(64, id)}});
  }
  void start(std::string_view path, char id) {
    watched.start(path, watched.host, "docker-" + std::string(64, id) + ".scope");
  }
  void connect(std::string_view address, char id) {
    watched.stream.event(EventKind::destination, watched.host,
                         {{attr::kNetworkPeerAddress, address},
                          {attr::kNetworkPeerPort, "4444"},
                          {attr::kProcessUnit, "docker-" + std::string(64, id) + ".scope"}});
  }
  void learn(int days, char id) {
    for (int hour = 0; hour < 24 * days; ++hour) {
      start("/usr/bin/check", id);
      watched.minutes(60);
    }
  }
};

}  // namespace

TEST_CASE("what is new in a container is told of it by its name, also when it was made anew") {
  WatchedContainer host;
  host.tell("found", 'a');
  host.learn(5, 'a');
  host.tell("destroy", 'a');
  host.tell("start", 'b');
  host.learn(5, 'b');
  CHECK(host.watched.engine->incidents().empty());
  host.start("/tmp/.x", 'b');
  host.connect("203.0.113.9", 'b');
  host.watched.minutes(2);
  const Incident* incident = only(*host.watched.engine);
  REQUIRE(incident != nullptr);
  CHECK(incident->kind == "container.behaviour");
  CHECK(incident->root == Entity{EntityKind::container, "web"});
  CHECK(incident->proof);
  CHECK(incident->anomalies.at(0).evidence.starts_with("container:web does what is new for it in 10 days"));
}

TEST_CASE("somebody who looks around in a container opens nothing, nor does another image") {
  WatchedContainer host;
  host.tell("found", 'a');
  host.learn(10, 'a');
  for (const char* program : {"/bin/sh", "/bin/ls", "/usr/bin/id"}) host.start(program, 'a');
  host.watched.minutes(5);
  host.tell("destroy", 'a');
  host.tell("start", 'b');
  host.watched.stream.event(EventKind::change, host.web, {{attr::kChangeType, "image"}});
  host.start("/tmp/unpack", 'b');
  host.connect("203.0.113.9", 'b');
  host.watched.minutes(5);
  CHECK(host.watched.engine->incidents().empty());
}

TEST_CASE("the scope of a container is told from others, and their number has a bound") {
  detect::ContainerNames names;
  const auto told = [&](std::string_view id, std::string_view what, std::string_view name) {
    names.note(
        {EventKind::container_state,
         EntityId{1},
         {},
         {{std::string(attr::kContainerId), std::string(id)}, {std::string(attr::kContainerEvent), std::string(what)}}},
        name);
  };
  const std::string id(64, 'a');
  told(id, "start", "web");
  told("short", "start", "x");
  CHECK(names.of_unit("docker-" + id + ".scope") == "web");
  CHECK(names.of_unit("libpod-" + id + ".scope") == "web");
  for (const std::string& other : {"libpod-conmon-" + id + ".scope", id + ".scope", "docker-" + id + ".service",
                                   "docker-" + std::string(64, 'b') + ".scope", std::string("nginx.service")})
    CHECK(names.of_unit(other).empty());
  told(id, "die", "shop");  // it has another name now
  CHECK(names.of_unit("docker-" + id + ".scope") == "shop");
  told(id, "destroy", "shop");
  CHECK(names.of_unit("docker-" + id + ".scope").empty());
  const auto numbered = [](std::size_t number) {
    const std::string digits = std::to_string(number);
    return std::string(64 - digits.size(), '0') + digits;
  };
  for (std::size_t i = 0; i <= detect::ContainerNames::kMost; ++i) told(numbered(i), "start", "n");
  CHECK(names.of_unit("docker-" + numbered(detect::ContainerNames::kMost) + ".scope").empty());
  CHECK(names.sane());
}
