// SPDX-License-Identifier: Apache-2.0
#include "detect/engine.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <random>

#include "agent/base/text.h"
#include "tests/unit/detect/engine_host.h"

using namespace hostmedic;
using detect::Engine;
using test::at_s;
using test::Host;
using test::kNginx;
using test::kSrv;
using test::only;
using test::Stream;

TEST_CASE("a failed unit is an incident in the frame that tells it, and inactive a second after it runs again") {
  Host host;
  host.ticks(3);
  host.stream.event(EventKind::process_exit, host.nginx,
                    {{attr::kProcessPid, "123"},
                     {attr::kProcessName, "nginx"},
                     {attr::kProcessExitSignal, "9"},
                     {attr::kProcessUnit, "nginx.service"}});
  const auto changes = host.unit("failed").now();
  REQUIRE(changes.opened.size() == 1);
  const Incident* incident = only(*host.engine);
  REQUIRE(incident != nullptr);
  CHECK(incident->id == changes.opened[0]);
  CHECK(incident->root == kNginx);
  CHECK(incident->kind == "service.failed");
  CHECK(incident->severity == Severity::error);
  CHECK(incident->proof);
  CHECK(incident->signals == 2);
  CHECK(incident->confidence > 0.99);
  CHECK(incident->active);
  CHECK(incident->summary.starts_with("nginx.service has failed, since "));
  CHECK(incident->anomalies[0].evidence == "nginx.service is failed: result signal, status 9");
  CHECK(incident->anomalies[1].evidence == "process 123 (nginx) of nginx.service was ended by signal 9");
  CHECK(incident->timeline[0].kind == TimelineKind::opened);
  CHECK(incident->opened_mono == at_s(3.1));

  CHECK(host.unit("activating").now().cleared.empty());
  CHECK(host.unit("active").now().cleared.empty());
  CHECK(host.now().cleared.empty());
  const auto end = host.tick();
  CHECK(end.cleared == std::vector<std::string>{incident->id});
  CHECK_FALSE(incident->active);
  CHECK(incident->timeline.back().kind == TimelineKind::cleared);
  host.engine->forget(incident->id);
  CHECK(host.engine->incidents().empty());
}

TEST_CASE("a unit found failed at start is an incident that says so, also when its state is told again") {
  Host host;
  host.unit("failed", "1").tick();
  host.stream.event(EventKind::unit_state, host.nginx,
                    {{attr::kUnitActiveState, "failed"},
                     {attr::kUnitRestartPolicy, "no"},
                     {attr::kUnitResult, "signal"},
                     {attr::kUnitExitCode, "11"}});
  const auto changes = host.now();
  REQUIRE(only(*host.engine) != nullptr);
  CHECK(only(*host.engine)->anomalies[0].evidence ==
        "nginx.service is failed: result signal, status 11; found in this state at start");
  CHECK(changes.updated.size() == 1);
}

TEST_CASE("a filesystem that fills by 2% a second") {
  Host host;
  host.ticks(20);
  int readings = 0;
  host.used = 0.6;
  while (host.engine->incidents().empty() && readings < 20) {
    host.used += 0.02;
    ++readings;
    host.tick();
  }
  CHECK(readings >= 4);
  CHECK(readings <= 7);
  const Incident* incident = only(*host.engine);
  REQUIRE(incident != nullptr);
  CHECK(incident->root == kSrv);
  CHECK(incident->kind == "filesystem.filling");
  CHECK(incident->signals == 1);
  CHECK_FALSE(incident->proof);
  CHECK(incident->anomalies[0].evidence.starts_with("filesystem:/srv is "));
  CHECK(incident->anomalies[0].evidence.find("% full and grows 2%/s: full in 1") != std::string::npos);
  CHECK(incident->fault_at < incident->opened_at);
  const double before = incident->confidence;

  host.used += 0.02;
  const auto changes = host.growth().tick();
  CHECK(changes.updated.size() == 1);
  CHECK(incident->signals == 2);
  CHECK(incident->confidence > before);
  CHECK(incident->confidence <= 0.99);
  REQUIRE(incident->causes.size() == 1);
  CHECK(incident->causes[0] == Entity{EntityKind::service, "app.service"});
  CHECK(incident->diagnosis.find("/srv/app.log grows 20.0MiB/s, 96% of the filesystem's growth; written by "
                                 "app.service (app), pid 77") != std::string::npos);
  CHECK(incident->kind == "filesystem.filling");

  host.used = 0.4;  // treated
  int seconds = 0;
  while (incident->active && seconds < 60) host.tick(), ++seconds;
  CHECK(seconds >= 5);
  CHECK(seconds <= 8);
  CHECK(incident->causes.size() == 1);  // it was the cause
}

TEST_CASE("support alone opens nothing, and expires") {
  Host host;
  host.growth().tick();
  host.growth("0.2").tick();
  CHECK(host.engine->incidents().empty());
  host.ticks(12);
  host.used = 0.7;
  for (int i = 0; i < 10 && host.engine->incidents().empty(); ++i) host.used += 0.02, host.tick();
  REQUIRE(only(*host.engine) != nullptr);
  CHECK(only(*host.engine)->signals == 1);
}

TEST_CASE("a share below half is no signal") {
  Host host;
  host.used = 0.6;
  for (int i = 0; i < 10; ++i) host.used += 0.02, host.growth("0.4").tick();
  REQUIRE(only(*host.engine) != nullptr);
  CHECK(only(*host.engine)->signals == 1);
}

TEST_CASE("a slow fill, a sawtooth and one step") {
  const auto run = [](int seconds, const std::function<double(int)>& level) {
    Host host;
    std::optional<double> opened;
    for (int t = 0; t < seconds; ++t) {
      host.used = level(t);
      host.tick();
      if (!opened && !host.engine->incidents().empty()) opened = t;
    }
    return opened;
  };
  const auto slow = run(7200, [](int t) { return 0.5 + 0.45 * t / 7200; });  // 90% after 6400 s
  REQUIRE(slow);
  CHECK(*slow <= 6420);
  CHECK_FALSE(run(5000, [](int t) { return 0.6 + 0.1 * (t % 60) / 60; }));
  CHECK_FALSE(run(600, [](int t) { return t < 100 ? 0.5 : 0.8; }));
}

TEST_CASE("two roots are two incidents, and a unit that writes to the full filesystem names it as a cause") {
  Host host;
  host.stream.event(EventKind::file_growth, host.srv,
                    {{attr::kFilePath, "/srv/access.log"},
                     {attr::kFileGrowth, "1000"},
                     {attr::kFileGrowthShare, "0.9"},
                     {attr::kWriterUnit, "nginx.service"}});
  host.used = 0.98;
  host.ticks(20);
  REQUIRE(only(*host.engine) != nullptr);
  const std::string filesystem = only(*host.engine)->id;
  const auto changes = host.unit("failed").now();
  REQUIRE(changes.opened.size() == 1);
  REQUIRE(host.engine->incidents().size() == 2);
  const Incident& service = host.engine->incidents().at(changes.opened[0]);
  CHECK(service.root == kNginx);
  REQUIRE(service.causes.size() == 1);
  CHECK(service.causes[0] == kSrv);
  CHECK(service.diagnosis.find("It depends on filesystem:/srv, which has an incident of its own") != std::string::npos);
  const Incident& full = host.engine->incidents().at(filesystem);
  REQUIRE(full.affected.size() == 1);
  CHECK(full.affected[0].entity == kNginx);
  CHECK(full.severity == Severity::critical);
  CHECK(changes.updated == std::vector<std::string>{filesystem});
}

TEST_CASE("rules on the same series are one signal, and their chances are not multiplied") {
  Host host;
  host.used = 0.98;
  host.ticks(30);
  const Incident* incident = only(*host.engine);
  REQUIRE(incident != nullptr);
  CHECK(incident->anomalies.size() == 2);
  CHECK(incident->signals == 1);
  CHECK(incident->confidence == doctest::Approx(1 - (1 - 0.9) * (1 - 0.54 * 0.25)));
}

TEST_CASE("flapping is one incident, which counts its relapses and stays open until it is quiet for long") {
  Host host;
  host.unit("failed").tick();
  REQUIRE(only(*host.engine) != nullptr);
  const std::string id = only(*host.engine)->id;
  for (int i = 1; i <= 30; ++i) {
    host.unit("active").tick();
    host.ticks(4);
    CHECK(only(*host.engine)->active == (i > 3));
    const auto changes = host.unit("failed").tick();
    CHECK(changes.opened.empty());
    CHECK(changes.updated == std::vector<std::string>{id});
    REQUIRE(only(*host.engine) != nullptr);
    CHECK(only(*host.engine)->id == id);
    CHECK(only(*host.engine)->active);
    CHECK(only(*host.engine)->flaps == i);
    CHECK(only(*host.engine)->flapping == (i >= 3));
  }
  CHECK(only(*host.engine)->timeline.size() <= kMostTimeline);
  host.unit("active").tick();
  host.ticks(295);
  CHECK(only(*host.engine)->active);
  host.ticks(10);
  CHECK_FALSE(only(*host.engine)->active);
  CHECK_FALSE(only(*host.engine)->flapping);
  CHECK(only(*host.engine)->flaps == 30);
}

TEST_CASE("a short recovery inside the quiet time is none") {
  Host host;
  host.unit("failed").tick();
  for (int i = 0; i < 10; ++i) {
    CHECK(host.unit("active").now().cleared.empty());
    CHECK(host.unit("failed").now().cleared.empty());
  }
  CHECK(only(*host.engine)->active);
}

TEST_CASE("unknown readings keep an incident as it is") {
  Host host;
  host.used = 0.98;
  host.ticks(20);
  REQUIRE(only(*host.engine) != nullptr);
  for (int i = 0; i < 100; ++i) {
    host.stream.sample(host.level, std::nullopt);
    CHECK(host.engine->step(host.stream.cut(host.second += 1)).cleared.empty());
  }
  CHECK(only(*host.engine)->active);
}

TEST_CASE("a unit that systemd restarts by itself is no incident unless it stays failed") {
  const auto fail = [](Host& host, std::string_view state) {
    host.stream.event(EventKind::unit_state, host.nginx,
                      {{attr::kUnitActiveState, state}, {attr::kUnitRestartPolicy, "on-failure"}});
    host.now();
  };
  Host passing;
  passing.tick();
  fail(passing, "failed");
  fail(passing, "activating");
  passing.ticks(30);  // a long RestartSec
  CHECK(only(*passing.engine) == nullptr);
  Host staying;
  staying.tick();
  fail(staying, "failed");
  CHECK(only(*staying.engine) == nullptr);
  staying.ticks(2);
  REQUIRE(only(*staying.engine) != nullptr);
  fail(staying, "activating");  // an incident that is open is not taken back by a try
  CHECK(only(*staying.engine)->active);
}

TEST_CASE("a crash loop is known as such in the frame that ends it") {
  Host host;
  host.stream.sample(host.restarts, 0);
  host.ticks(5);
  host.stream.sample(host.restarts, 0);
  host.tick();
  host.stream.event(EventKind::unit_state, host.nginx,
                    {{attr::kUnitActiveState, "failed"}, {attr::kUnitResult, "exit-code"}, {attr::kUnitRestarts, "5"}});
  host.now();
  const Incident* incident = only(*host.engine);
  REQUIRE(incident != nullptr);
  CHECK(incident->kind == "service.crash_looping");
  CHECK(incident->signals == 2);
  CHECK(incident->severity == Severity::critical);
}

TEST_CASE("memory kills: the failure of the unit comes first, without one the kill opens") {
  Host host;
  const auto kill = [&] {
    host.stream.event(EventKind::oom_kill, EntityId{0},
                      {{attr::kProcessPid, "9"}, {attr::kProcessUnit, "nginx.service"}});
  };
  SUBCASE("the unit fails of it") {
    kill();
    host.tick();
    CHECK(host.engine->incidents().empty());
    host.unit("failed").tick();
    REQUIRE(only(*host.engine) != nullptr);
    CHECK(only(*host.engine)->kind == "service.failed");
    CHECK(only(*host.engine)->signals == 2);
  }
  SUBCASE("it goes on") {
    kill();
    host.ticks(4);
    REQUIRE(only(*host.engine) != nullptr);
    CHECK(only(*host.engine)->kind == "service.oom_killed");
    CHECK(only(*host.engine)->root == kNginx);
    CHECK(only(*host.engine)->severity == Severity::warning);
    CHECK_FALSE(only(*host.engine)->proof);
    host.ticks(40);
    CHECK_FALSE(only(*host.engine)->active);
  }
}
