// SPDX-License-Identifier: Apache-2.0
// The bounds of the engine, and its configuration.
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
  CHECK(host.engine->refused() > 0);
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
