// SPDX-License-Identifier: Apache-2.0
#include "detect/engine.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <random>

#include "agent/base/text.h"
#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using detect::Engine;
using test::at_s;
using test::only;
using test::Stream;

namespace {

const Entity kNginx{EntityKind::service, "nginx.service"};
const Entity kSrv{EntityKind::filesystem, "/srv"};

// One service, one filesystem, a tick a second.
struct Host {
  std::unique_ptr<Engine> engine = test::engine_of();
  Stream stream;
  EntityId nginx{}, srv{};
  SeriesId level{}, restarts{};
  double second = 0;
  double used = 0.3;

  Host() { define(); }
  void define() {
    nginx = stream.entity(EntityKind::service, "nginx.service");
    srv = stream.entity(EntityKind::filesystem, "/srv");
    level = stream.series(srv, metric::kFilesystemUtilization);
    restarts = stream.series(nginx, metric::kServiceRestarts);
  }
  detect::Changes tick() {
    second += 1;
    stream.sample(level, used);
    return engine->step(stream.cut(second));
  }
  detect::Changes now() { return engine->step(stream.cut(second += 0.1)); }
  Host& unit(std::string_view state, std::string_view initial = "0") {
    stream.event(EventKind::unit_state, nginx,
                 {{attr::kUnitActiveState, state},
                  {attr::kUnitRestartPolicy, "no"},
                  {attr::kUnitResult, "signal"},
                  {attr::kUnitExitCode, "9"},
                  {attr::kUnitInitial, initial}});
    return *this;
  }
  Host& growth(std::string_view share = "0.96") {
    stream.event(EventKind::file_growth, srv,
                 {{attr::kFilePath, "/srv/app.log"},
                  {attr::kFileGrowth, "20971520"},
                  {attr::kFileGrowthShare, share},
                  {attr::kWriterUnit, "app.service"},
                  {attr::kWriterName, "app"},
                  {attr::kWriterPid, "77"}});
    return *this;
  }
  void ticks(int count) {
    for (int i = 0; i < count; ++i) tick();
  }
};

}  // namespace

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
  CHECK(service.diagnosis.find("It writes to filesystem:/srv, which has an incident of its own") != std::string::npos);
  const Incident& full = host.engine->incidents().at(filesystem);
  REQUIRE(full.affected.size() == 1);
  CHECK(full.affected[0] == kNginx);
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

TEST_CASE("flapping is one incident") {
  Host host;
  host.unit("failed").tick();
  REQUIRE(only(*host.engine) != nullptr);
  const std::string id = only(*host.engine)->id;
  for (int i = 0; i < 30; ++i) {
    host.unit("active").tick();
    host.ticks(4);
    CHECK_FALSE(only(*host.engine)->active);
    const auto changes = host.unit("failed").tick();
    CHECK(changes.opened.empty());
    CHECK(changes.updated == std::vector<std::string>{id});
    REQUIRE(only(*host.engine) != nullptr);
    CHECK(only(*host.engine)->id == id);
    CHECK(only(*host.engine)->active);
  }
  CHECK(only(*host.engine)->timeline.size() <= kMostTimeline);
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

TEST_CASE("a new stream keeps the incidents: absent is not quiet") {
  Host host;
  host.used = 0.98;
  host.unit("failed").tick();
  host.ticks(20);
  REQUIRE(host.engine->incidents().size() == 2);
  std::vector<std::string> ids;
  for (const auto& [id, incident] : host.engine->incidents()) ids.push_back(id);

  host.stream.restart();  // and for a while it says nothing of them
  for (int i = 0; i < 100; ++i) CHECK(host.engine->step(host.stream.cut(host.second += 1)).cleared.empty());
  CHECK(host.engine->host().entity_count() == 0);
  CHECK(host.engine->detector_count() == 0);

  host.stream.restart();
  (void)host.stream.entity(EntityKind::service, "other.service");
  host.define();
  host.unit("failed", "1").tick();
  host.ticks(10);
  CHECK(host.engine->incidents().size() == 2);
  for (const std::string& id : ids) CHECK(host.engine->incidents().at(id).active);
  for (const auto& [id, incident] : host.engine->incidents())
    CHECK(incident.anomalies[0].evidence.find("found in this state") == std::string::npos);  // it was seen to fail

  host.used = 0.3;
  host.unit("active");
  host.ticks(20);
  for (const std::string& id : ids) CHECK_FALSE(host.engine->incidents().at(id).active);
}

TEST_CASE("a failed unit that is at rest in the new stream is not listed there, and clears") {
  Host host;
  host.unit("failed").tick();
  host.stream.restart();
  const auto other = host.stream.entity(EntityKind::service, "other.service");
  host.stream.event(EventKind::unit_state, other, {{attr::kUnitActiveState, "active"}, {attr::kUnitInitial, "1"}});
  for (int i = 0; i < 29; ++i) (void)host.engine->step(host.stream.cut(host.second += 1));
  CHECK(only(*host.engine)->active);
  for (int i = 0; i < 3; ++i) (void)host.engine->step(host.stream.cut(host.second += 1));
  CHECK_FALSE(only(*host.engine)->active);
}

TEST_CASE("an adopted incident is joined by its signals under the same id") {
  Host before;
  before.used = 0.98;
  before.ticks(20);
  REQUIRE(only(*before.engine) != nullptr);
  const Incident stored = *only(*before.engine);

  SUBCASE("they are back") {
    Host after;
    after.engine->adopt(stored);
    after.second = 100;
    after.used = 0.98;
    for (int i = 0; i < 20; ++i) {
      const auto changes = after.tick();
      CHECK(changes.opened.empty());
      CHECK(changes.cleared.empty());
    }
    REQUIRE(only(*after.engine) != nullptr);
    CHECK(only(*after.engine)->id == stored.id);
    CHECK(only(*after.engine)->active);
    CHECK(only(*after.engine)->fault_at == stored.fault_at);
  }
  SUBCASE("they are quiet") {
    Host after;
    after.engine->adopt(stored);
    after.second = 100;
    after.ticks(15);
    REQUIRE(only(*after.engine) != nullptr);
    CHECK_FALSE(only(*after.engine)->active);
  }
  SUBCASE("nobody speaks of them") {
    auto engine = test::engine_of();
    engine->adopt(stored);
    Stream stream;
    CHECK(engine->step(stream.cut(100)).cleared.empty());
    CHECK(engine->step(stream.cut(104)).cleared.empty());
    CHECK(engine->step(stream.cut(105)).cleared == std::vector<std::string>{stored.id});
  }
  SUBCASE("its rules are no more") {
    auto engine = *Engine::make({});
    engine->adopt(stored);
    Stream stream;
    CHECK(engine->step(stream.cut(100)).cleared.empty());
    CHECK(engine->step(stream.cut(105)).cleared.size() == 1);
  }
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

TEST_CASE("a removed filesystem has no incident any more, a blink is no removal") {
  Host host;
  host.used = 0.98;
  host.ticks(20);
  (void)host.engine->step(host.stream.gone(host.srv).cut(host.second += 1));
  for (int i = 0; i < 5; ++i) (void)host.engine->step(host.stream.cut(host.second += 1));
  CHECK(only(*host.engine)->active);
  SUBCASE("gone") {
    for (int i = 0; i < 10; ++i) (void)host.engine->step(host.stream.cut(host.second += 1));
    CHECK_FALSE(only(*host.engine)->active);
  }
  SUBCASE("back") {
    host.srv = host.stream.entity(EntityKind::filesystem, "/srv");
    host.level = host.stream.series(host.srv, metric::kFilesystemUtilization);
    host.ticks(20);
    CHECK(only(*host.engine)->active);
  }
}

TEST_CASE("lost frames are counted, old ones ignored and counted") {
  Host host;
  host.ticks(3);
  host.stream.lose(4);
  host.tick();
  CHECK(host.engine->lost_frames() == 4);
  host.unit("failed");
  (void)host.engine->step(host.stream.cut(1));  // time goes back
  CHECK(host.engine->ignored_frames() == 1);
  CHECK(host.engine->incidents().empty());
  CHECK(host.engine->host().mono() == at_s(4));
  host.stream.restart();
  host.define();
  (void)host.engine->step(host.stream.cut(2));  // so does a whole new stream: its ids are not taken for the old ones
  CHECK(host.engine->host().entity_count() == 0);
  CHECK(host.engine->ignored_frames() == 2);
}

TEST_CASE("the same frames give the same incidents, byte for byte") {
  const auto run = [] {
    Host host;
    std::string text;
    for (int t = 0; t < 120; ++t) {
      host.used = t < 30 ? 0.5 : std::min(1.0, 0.5 + 0.01 * (t - 30));
      if (t % 5 == 0) host.growth();
      if (t == 40) host.unit("failed");
      if (t == 60) host.unit("active");
      for (const auto& ids : {host.tick()})
        text += join(ids.opened, ",") + "|" + join(ids.updated, ",") + "|" + join(ids.cleared, ",") + "\n";
      for (const auto& [id, incident] : host.engine->incidents()) text += test::dump(incident);
    }
    return text;
  };
  const std::string once = run();
  CHECK(once.size() > 1000);
  CHECK(once == run());
}

TEST_CASE("ids differ between hosts and moments, fingerprints do not") {
  const auto open = [](std::uint64_t seed, int wait) {
    detect::EngineConfig config = detect::default_engine_config();
    config.host_seed = seed;
    Host host;
    host.engine = *Engine::make(std::move(config));
    host.ticks(wait);
    host.unit("failed").tick();
    return *only(*host.engine);
  };
  const Incident a = open(1, 1), b = open(2, 1), c = open(1, 9);
  CHECK(a.id.size() == 16);
  CHECK(a.id != b.id);
  CHECK(a.id != c.id);
  CHECK(a.fingerprint == b.fingerprint);
  CHECK(a.fingerprint == c.fingerprint);
}

TEST_CASE("an active incident is not forgotten") {
  Host host;
  host.unit("failed").tick();
  host.engine->forget(only(*host.engine)->id);
  CHECK(host.engine->incidents().size() == 1);
  host.engine->forget("0000000000000000");
  CHECK(host.engine->incidents().size() == 1);
}

TEST_CASE("more signals on one root than are kept") {
  detect::EngineConfig config;
  detect::Rule rule;
  rule.metric = metric::kNetworkErrors.name;
  rule.attributes = "*";
  rule.detector = "above_for";
  rule.params = {{"limit", 1}, {"hold", 0}};
  rule.incident_kind = "network.errors";
  rule.id = "r";
  config.rules = {rule};
  auto engine = *Engine::make(config);
  Stream stream;
  const auto eth = stream.entity(EntityKind::network_interface, "eth0");
  std::vector<SeriesId> series;
  for (int i = 0; i < 40; ++i) series.push_back(stream.series(eth, metric::kNetworkErrors, std::to_string(i)));
  for (int t = 1; t < 5; ++t) {
    for (const SeriesId id : series) stream.sample(id, 100.0 * t);
    (void)engine->step(stream.cut(t));
  }
  REQUIRE(only(*engine) != nullptr);
  CHECK(only(*engine)->anomalies.size() == kMostAnomalies);
  CHECK(engine->refused() > 0);
}

TEST_CASE("no more detectors than allowed") {
  detect::EngineConfig config = detect::default_engine_config();
  config.most_detectors = 3;
  Host host;
  host.engine = test::engine_of(std::move(config));
  host.tick();
  CHECK(host.engine->detector_count() == 3);
  CHECK(host.engine->refused() == 1);
}

TEST_CASE("a configuration that cannot be meant is refused, with the rule and what was meant") {
  const auto why = [](const std::function<void(detect::EngineConfig&)>& spoil) {
    detect::EngineConfig config = detect::default_engine_config();
    spoil(config);
    const auto made = Engine::make(std::move(config));
    return made ? "" : made.error().message();
  };
  CHECK(why([](auto&) {}).empty());
  CHECK(why([](auto& c) { c.rules[0].detector = "exhaustio"; }) ==
        "rule 'filesystem-forecast': there is no detector 'exhaustio', did you mean 'exhaustion'?");
  CHECK(why([](auto& c) { c.rules[0].params = {{"horizont", 5}}; }) ==
        "rule 'filesystem-forecast': the detector 'exhaustion' has no parameter 'horizont', did you mean 'horizon'?");
  CHECK(why([](auto& c) { c.rules[0].params = {{"horizon", -5}}; }) ==
        "rule 'filesystem-forecast': horizon = -5 is outside 5..604800");
  CHECK(why([](auto& c) { c.rules[0].params = {{"horizon", std::nan("")}}; }).find("is outside") != std::string::npos);
  CHECK(why([](auto& c) { c.rules[1].id = c.rules[0].id; }).find("used twice") != std::string::npos);
  CHECK(why([](auto& c) { c.event_rules[0].id = c.rules[0].id; }).find("used twice") != std::string::npos);
  CHECK(why([](auto& c) { c.rules[0].weight = 2; }).find("weight") != std::string::npos);
  CHECK(why([](auto& c) { c.rules[0].incident_kind = ""; }).find("no kind") != std::string::npos);
  CHECK(why([](auto& c) { c.event_rules[0].clear_values.clear(); }).find("expires") != std::string::npos);
  // A rule that is switched off is checked all the same, and not used.
  CHECK(why([](auto& c) { c.rules[0].enabled = false, c.rules[0].detector = "x"; }).find("no detector") !=
        std::string::npos);
}

TEST_CASE("every default rule has its reason and watches a name of the table") {
  const detect::EngineConfig config = detect::default_engine_config();
  for (const detect::Rule& rule : config.rules) {
    CAPTURE(rule.id);
    CHECK_FALSE(rule.why.empty());
    bool named = false;
    for (const MetricInfo* info : metric::all()) named = named || info->name == rule.metric;
    CHECK(named);
  }
  for (const detect::EventRule& rule : config.event_rules) CHECK_FALSE(rule.why.empty());
}

TEST_CASE("every detector describes itself") {
  for (const detect::DetectorInfo* info : detect::all_detectors()) {
    CAPTURE(info->name);
    CHECK(detect::find_detector(info->name) == info);
    std::vector<double> values;
    for (const detect::ParamSpec& spec : info->params) {
      CHECK(spec.fallback >= spec.min);
      CHECK(spec.fallback <= spec.max);
      CHECK_FALSE(spec.doc.empty());
      values.push_back(spec.fallback);
    }
    CHECK(info->make(values)->bytes_used() > 0);
  }
  CHECK(detect::find_detector("nothing") == nullptr);
}

TEST_CASE("any order of definitions, retirements, samples and events is borne, and twice the same") {
  const auto run = [] {
    std::mt19937 random(99);
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    const std::string_view states[] = {"failed", "active", "inactive", "activating"};
    auto engine = test::engine_of();
    std::uint64_t hash = fnv1a("");
    for (std::uint64_t i = 0; i < 4000; ++i) {
      Frame frame;
      frame.first = below(200) == 0;
      frame.sequence = i;
      frame.mono = at_s(static_cast<double>(i) * 0.5 - below(3));
      frame.wall = wall_from_ns(to_ns(frame.mono) + Stream::kEpochNs);
      for (auto n = below(2); n > 0; --n) frame.gone.push_back(EntityId{below(12)});
      for (auto n = below(3); n > 0; --n)
        frame.entities.push_back(
            {EntityId{below(12)}, {static_cast<EntityKind>(below(kEntityKindCount)), std::to_string(below(4))}});
      for (auto n = below(4); n > 0; --n) {
        const MetricInfo& info = *metric::all()[below(static_cast<std::uint32_t>(metric::all().size()))];
        frame.series.push_back({SeriesId{below(40)}, EntityId{below(14)}, std::string(info.name),
                                below(3) == 0 ? "kind=full,resource=io" : "", info.unit, info.instrument});
      }
      for (auto n = below(60); n > 0; --n) {
        Sample sample{SeriesId{below(42)}, std::nullopt};
        if (below(5) != 0) sample.value = std::pow(10.0, static_cast<double>(below(22)) - 3) * (below(2) == 0 ? 1 : -1);
        frame.samples.push_back(sample);
      }
      for (auto n = below(4); n > 0; --n) {
        const std::string unit = std::to_string(below(4));
        frame.events.push_back({static_cast<EventKind>(below(kEventKindCount)),
                                EntityId{below(14)},
                                frame.mono,
                                {{std::string(attr::kUnitActiveState), std::string(states[below(4)])},
                                 {std::string(attr::kUnitInitial), std::to_string(below(2))},
                                 {std::string(attr::kUnitRestarts), std::to_string(below(100))},
                                 {std::string(attr::kProcessUnit), unit},
                                 {std::string(attr::kProcessExitSignal), "11"},
                                 {std::string(attr::kWriterUnit), unit},
                                 {std::string(attr::kFileGrowthShare), "0.7"}}});
      }
      const auto changes = engine->step(frame);
      for (const auto& id : changes.opened) hash = fnv1a(test::dump(engine->incidents().at(id)), hash);
      for (const auto& id : changes.updated) hash = fnv1a(test::dump(engine->incidents().at(id)), hash);
      for (const auto& id : changes.cleared) {
        hash = fnv1a(test::dump(engine->incidents().at(id)), hash);
        if (below(2) == 0) engine->forget(id);
      }
      if (below(500) == 0 && !engine->incidents().empty()) {
        const Incident taken = engine->incidents().begin()->second;
        engine = test::engine_of();
        engine->adopt(taken);
      }
    }
    CHECK(engine->bytes_used() < 1 << 20);
    return hash;
  };
  CHECK(run() == run());
}
