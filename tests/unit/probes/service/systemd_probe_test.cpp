// SPDX-License-Identifier: Apache-2.0
// The probe against a message bus of its own, with a stand-in for systemd on it.
#include "probes/service/systemd_probe.h"

#include <doctest/doctest.h>

#include "agent/base/clock.h"
#include "detect/model/names.h"
#include "probes/source/roots.h"
#include "tests/unit/probes/recording_sink.h"
#include "tests/unit/probes/service/fake_bus.h"

using namespace hostmedic;
using hostmedic::test::BusClient;
using hostmedic::test::PrivateBus;
using hostmedic::test::RecordingSink;

namespace {

const ProbeSettings kSettings;

struct Host {
  explicit Host(const PrivateBus& bus) : roots(std::move(*open_roots(bus.root))) {
    auto made = systemd_probe.make(ProbeContext{roots, kSettings});
    if (made) probe = std::move(*made);
  }
  MonoTime tick() { return now += std::chrono::seconds(1); }
  // Lets both sides work until the condition holds; false if they came to rest without it.
  bool reach(std::vector<BusClient*> clients, const std::function<bool()>& holds) {
    for (int idle = 0; idle < 40;) {
      for (BusClient* client : clients) client->process();
      if (holds()) return true;
      std::vector<pollfd> fds = {{probe->descriptors().at(0), POLLIN, 0}};
      for (BusClient* client : clients) fds.push_back({client->fd(), POLLIN, 0});
      const int ready = ::poll(fds.data(), fds.size(), 50);
      idle = ready > 0 ? 0 : idle + 1;
      if (fds[0].revents != 0) last = probe->on_ready(now, sink) ? "" : "error";
    }
    return holds();
  }

  Roots roots;
  std::unique_ptr<Probe> probe;
  RecordingSink sink;
  MonoTime now = mono_from_ns(1'000'000'000);
  std::string last;
};

bool skipped(const PrivateBus& bus) {
  if (bus.running()) return false;
  MESSAGE("skipped: dbus-daemon cannot be run here");
  CHECK_FALSE(bus.running());
  return true;
}

}  // namespace

TEST_CASE("units found at start, then a failure by signal, over the bus") {
  PrivateBus bus;
  if (skipped(bus)) return;
  BusClient systemd(bus, true);
  systemd.rows = {{"nginx.service", "active", "running", "no"}, {"old.service", "failed", "failed", "always"}};
  Host host(bus);
  REQUIRE(host.probe != nullptr);
  REQUIRE(host.probe->read(host.now, host.sink));
  REQUIRE(host.reach({&systemd}, [&] { return host.sink.told.size() == 2; }));
  CHECK(systemd.subscriptions == 1);
  for (const auto& told : host.sink.told) CHECK(told.get(attr::kUnitInitial) == "1");

  REQUIRE(host.probe->read(host.tick(), host.sink));
  CHECK(host.sink.values["service:nginx.service hostmedic.service.restarts"] == 0.0);

  systemd.facts("nginx.service", "signal", 4, 9);
  systemd.state("nginx.service", "failed", "failed");
  REQUIRE(host.reach({&systemd}, [&] { return host.sink.told.size() == 3; }));
  const auto& failed = host.sink.told[2];
  CHECK(to_string(failed.about) == "service:nginx.service");
  CHECK(failed.get(attr::kUnitActiveState) == "failed");
  CHECK(failed.get(attr::kUnitPreviousState) == "active");
  CHECK(failed.get(attr::kUnitResult) == "signal");
  CHECK(failed.get(attr::kUnitExitCode) == "9");
  CHECK(failed.get(attr::kUnitRestartPolicy) == "no");
  CHECK(failed.event.at == host.now);

  REQUIRE(host.probe->read(host.tick(), host.sink));
  CHECK(host.sink.values["service:nginx.service hostmedic.service.restarts"] == 4.0);
  CHECK(systemd.lists == 1);  // nothing is polled
  CHECK(systemd.questions.size() == 2);

  systemd.state("nginx.service", "inactive", "dead");
  systemd.removed("nginx.service");
  REQUIRE(host.reach({&systemd}, [&] { return !host.sink.retired.empty(); }));
  CHECK(host.sink.told.size() == 4);
  CHECK(host.sink.retired == std::vector<std::string>{"service:nginx.service"});
}

TEST_CASE("what a unit depends on is asked and told, and asked again after a reload") {
  PrivateBus bus;
  if (skipped(bus)) return;
  BusClient systemd(bus, true);
  systemd.rows = {{"web.service", "active", "running", "no"}};
  Host host(bus);
  REQUIRE(host.probe->read(host.now, host.sink));
  REQUIRE(host.reach({&systemd}, [&] { return host.sink.told.size() == 1; }));
  const auto turn_until = [&](const std::function<bool()>& holds) {
    return host.reach({&systemd}, [&] { return host.probe->read(host.tick(), host.sink) && holds(); });
  };
  REQUIRE(turn_until([&] { return host.sink.told.size() > 1; }));
  REQUIRE(host.sink.told.size() == 3);
  for (std::size_t i = 1; i < 3; ++i) CHECK(to_string(host.sink.told[i].about) == "service:web.service");
  CHECK(host.sink.told[1].get(attr::kRelationType) == "requires");
  CHECK(host.sink.told[1].get(attr::kRelationTarget) == "service:app.service");
  CHECK(host.sink.told[2].get(attr::kRelationType) == "after");
  CHECK(host.sink.told[2].get(attr::kRelationTarget) == "service:log.service");
  CHECK(host.sink.retired.empty());

  CHECK(systemd.questions.size() == 2);
  systemd.requires_ = "db.service";
  systemd.reloading(1);
  systemd.reloading(0);
  REQUIRE(turn_until([&] { return host.sink.told.size() > 3; }));
  CHECK(systemd.questions.size() == 4);
  REQUIRE(host.sink.told.size() == 5);
  CHECK(host.sink.told[3].get(attr::kRelationTarget) == "service:db.service");
  CHECK(host.sink.told[4].get(attr::kRelationTarget) == "service:app.service");
  CHECK(host.sink.told[4].get(attr::kRelationState) == "gone");
}

TEST_CASE("a signal that systemd did not send is not believed") {
  PrivateBus bus;
  if (skipped(bus)) return;
  BusClient systemd(bus, true), stranger(bus, false);
  systemd.rows = {{"nginx.service", "active", "running", "no"}};
  Host host(bus);
  REQUIRE(host.probe->read(host.now, host.sink));
  REQUIRE(host.reach({&systemd}, [&] { return host.sink.told.size() == 1; }));
  stranger.state("nginx.service", "failed", "failed");
  stranger.state("nginx.service", "failed", "failed", systemd.caller.c_str());
  CHECK_FALSE(host.reach({&systemd, &stranger}, [&] { return host.sink.told.size() > 1; }));
}

TEST_CASE("jobs that end badly are told, whatever the unit, and nothing is kept of units that are not followed") {
  PrivateBus bus;
  if (skipped(bus)) return;
  BusClient systemd(bus, true), stranger(bus, false);
  systemd.rows = {{"nginx.service", "active", "running", "no"}};
  Host host(bus);
  REQUIRE(host.probe->read(host.now, host.sink));
  REQUIRE(host.reach({&systemd}, [&] { return host.sink.told.size() == 1; }));
  stranger.job_removed("sshd.service", "failed");
  systemd.job_removed("nginx.service", "done");
  systemd.job_removed("hostmedic-order-1.service", "timeout");
  systemd.job_removed("\x1b[31m", "timeout");
  systemd.job_removed("srv-data.mount", "timeout");
  systemd.job_removed("nginx.service", "dependency");
  REQUIRE(host.reach({&systemd}, [&] { return host.sink.told.size() == 3; }));
  CHECK(host.sink.told[1].event.kind == EventKind::unit_job);
  CHECK(to_string(host.sink.told[1].about) == "service:srv-data.mount");
  CHECK(host.sink.told[1].get(attr::kJobResult) == "timeout");
  CHECK(to_string(host.sink.told[2].about) == "service:nginx.service");
  CHECK(host.sink.told[2].get(attr::kJobResult) == "dependency");
  CHECK(host.sink.retired == std::vector<std::string>{"service:srv-data.mount"});
}

TEST_CASE("a timer that did not run is noticed at the next look, after a question") {
  PrivateBus bus;
  if (skipped(bus)) return;
  BusClient systemd(bus, true);
  systemd.rows = {{"backup.timer", "active", "waiting", ""}};
  Host host(bus);
  const auto now_us = static_cast<std::uint64_t>(to_ns(wall_now()) / 1000);
  systemd.timer_due_us = now_us + 3'600'000'000;
  REQUIRE(host.probe->read(host.now, host.sink));
  REQUIRE(host.reach({&systemd}, [&] { return systemd.questions.size() == 1; }));
  systemd.timer_due_us = now_us - 300'000'000;
  systemd.next_elapse("backup.timer", systemd.timer_due_us);
  CHECK_FALSE(host.reach({&systemd}, [&] { return !host.sink.told.empty(); }));
  REQUIRE(host.probe->read(host.now += std::chrono::seconds(31), host.sink));
  REQUIRE(host.reach({&systemd}, [&] { return host.sink.told.size() == 1; }));
  CHECK(host.sink.told[0].get(attr::kJobResult) == "overdue");
  CHECK(host.sink.told[0].get(attr::kJobTriggers) == "backup.service");
}

TEST_CASE("units that vanish in a reload and come back are not reported") {
  PrivateBus bus;
  if (skipped(bus)) return;
  BusClient systemd(bus, true);
  systemd.rows = {{"a.service", "active", "running", "no"}};
  Host host(bus);
  REQUIRE(host.probe->read(host.now, host.sink));
  REQUIRE(host.reach({&systemd}, [&] { return host.sink.told.size() == 1; }));
  systemd.reloading(1);
  systemd.removed("a.service");
  systemd.rows[0].policy = "always";
  systemd.reloading(0);
  REQUIRE(host.reach({&systemd}, [&] { return host.sink.told.size() == 2; }));
  CHECK(host.sink.told[1].get(attr::kUnitRestartPolicy) == "always");
  CHECK(host.sink.told[1].get(attr::kUnitActiveState) == "active");
  CHECK(systemd.lists == 2);
  for (int i = 0; i < 3; ++i) REQUIRE(host.probe->read(host.tick(), host.sink));
  CHECK(host.sink.retired.empty());
}

TEST_CASE("a lost bus makes the state unknown, and a new one brings it back") {
  PrivateBus bus;
  if (skipped(bus)) return;
  Host host(bus);
  const std::string key = "service:a.service hostmedic.service.restarts";
  {
    BusClient systemd(bus, true);
    systemd.rows = {{"a.service", "active", "running", "no"}};
    REQUIRE(host.probe->read(host.now, host.sink));
    REQUIRE(host.reach({&systemd}, [&] { return host.sink.told.size() == 1; }));
    REQUIRE(host.probe->read(host.tick(), host.sink));
    CHECK(host.sink.values[key] == 0.0);
    bus.stop();
  }
  const int fd = host.probe->descriptors().at(0);
  REQUIRE(host.reach({}, [&] { return host.last == "error"; }));
  CHECK_FALSE(host.probe->read(host.now, host.sink));
  CHECK(host.sink.values[key] == std::nullopt);
  CHECK_FALSE(host.probe->read(host.tick(), host.sink));  // no bus yet; the pause grows
  CHECK_FALSE(host.probe->read(host.tick(), host.sink));

  bus.start();
  REQUIRE(bus.running());
  BusClient systemd(bus, true);
  systemd.rows = {{"a.service", "failed", "failed", "no"}};
  CHECK_FALSE(host.probe->read(host.now += std::chrono::seconds(40), host.sink));  // connected, not answered yet
  REQUIRE(host.reach({&systemd}, [&] { return host.sink.told.size() == 3; }));
  CHECK(host.sink.told[1].get(attr::kUnitActiveState) == "failed");
  CHECK(host.sink.told[1].get(attr::kUnitPreviousState) == "active");
  CHECK(host.probe->read(host.tick(), host.sink));
  CHECK(host.probe->descriptors().at(0) == fd);
}

TEST_CASE("a bus without systemd is said to be one") {
  PrivateBus bus;
  if (skipped(bus)) return;
  Host host(bus);
  REQUIRE(host.probe->read(host.now, host.sink));
  REQUIRE(host.reach({}, [&] { return host.last == "error"; }));
  const Status status = host.probe->read(host.now, host.sink);
  REQUIRE_FALSE(status);
  CHECK(status.error().message() ==
        "systemd does not answer on the system bus: org.freedesktop.DBus.Error.ServiceUnknown");
}

TEST_CASE("no bus, or another init system, is a state and not a failure") {
  PrivateBus bus;
  bus.stop();
  const Roots roots = std::move(*open_roots(bus.root));
  const auto without_bus = systemd_probe.make(ProbeContext{roots, kSettings});
  REQUIRE_FALSE(without_bus);
  CHECK(without_bus.error().code == ErrorCode::unsupported);
  CHECK(without_bus.error().message() == "not here, because there is no system bus");
  std::filesystem::remove(bus.root + "/run/systemd/system");
  const auto without_systemd = systemd_probe.make(ProbeContext{roots, kSettings});
  REQUIRE_FALSE(without_systemd);
  CHECK(without_systemd.error().message() == "not here, because systemd does not run this host");
}
