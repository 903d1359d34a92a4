// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/condition_watch.h"

#include <doctest/doctest.h>

#include "detect/model/state_io.h"
#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using test::Stream;

namespace {

const Entity kHost{EntityKind::host, ""};
const Entity kWeb{EntityKind::service, "web.service"};

struct Watched {
  Watched() {
    define();
    watch.follow(view, "production");
  }
  Watched(const Watched&) = delete;
  void define() {
    host = stream.entity(EntityKind::host, "");
    web = stream.entity(EntityKind::service, "web.service");
    memory = stream.series(host, metric::kMemoryUtilization);
    errors = stream.series(host, metric::kNetworkErrors);
  }
  void tick() {
    const Frame& frame = stream.cut(second += 1);
    view.apply(frame);
    watch.frame(frame);
  }
  void seen(double use) {
    stream.sample(memory, use);
    tick();
  }
  std::optional<bool> holds(const std::string& text, const Entity& of = kWeb) { return watch.holds(text, of); }

  HostView view;
  ConditionWatch watch;
  Stream stream;
  EntityId host{}, web{};
  SeriesId memory{}, errors{};
  double second = 100;
};

const std::string kFull = "system.memory.utilization@host > 90%";

}  // namespace

TEST_CASE("a condition is answered at once from what is known, and unknown is not no") {
  Watched host;
  host.tick();
  CHECK_FALSE(host.holds(kFull).has_value());
  CHECK(host.watch.explain(kFull, kWeb) == "not known: system.memory.utilization@host unknown > 90%: unknown");
  host.seen(0.95);
  CHECK(host.holds(kFull) == true);
  CHECK(host.watch.explain(kFull, kWeb) == "system.memory.utilization@host 95% > 90%");
  host.seen(0.5);
  CHECK(host.holds(kFull) == false);
  CHECK(host.watch.explain(kFull, kWeb) == "system.memory.utilization@host 50% > 90%: no");
  CHECK(host.holds("system.memory.utilization < 90%", kHost) == true);  // asked first now
  CHECK(host.holds("entity is \"service:web*\" and system.memory.utilization@host < 90%") == true);
  CHECK(host.holds("stage is test and known(system.memory.utilization@host)") == false);
  host.watch.silence();
  CHECK_FALSE(host.holds(kFull).has_value());
  host.seen(0.95);
  CHECK(host.holds(kFull) == true);
}

TEST_CASE("what looks back begins when it is asked and goes on while it is asked") {
  Watched host;
  host.seen(0.95);
  const std::string held = kFull + " for 10s";
  CHECK(host.holds(held) == false);
  for (int i = 0; i < 9; ++i) host.seen(0.95);
  CHECK(host.holds(held) == false);
  host.seen(0.95);
  CHECK(host.holds(held) == true);
  CHECK(host.watch.size() == 1);
  for (int i = 0; i < 61; ++i) host.seen(0.95);  // nobody asks for a minute
  CHECK(host.watch.size() == 0);
  CHECK(host.holds(held) == false);

  const std::string rate = "rate(system.network.errors@host, 4s) > 5/s";
  CHECK_FALSE(host.holds(rate).has_value());
  for (int i = 0; i < 8; ++i) {
    host.stream.sample(host.errors, 10.0 * i);
    host.tick();
  }
  CHECK(host.holds(rate) == true);
  // Others that come and go take nothing from it.
  const EntityId other = host.stream.entity(EntityKind::service, "other.service");
  host.stream.sample(host.errors, 80);
  host.tick();
  CHECK(host.holds(rate) == true);
  host.stream.gone(other);
  host.stream.sample(host.errors, 90);
  host.tick();
  CHECK(host.holds(rate) == true);
}

TEST_CASE("a series that is gone is not known, and one of the same name is taken up") {
  Watched host;
  host.seen(0.95);
  CHECK(host.holds(kFull) == true);
  host.stream.gone(host.host);
  host.tick();
  CHECK_FALSE(host.holds(kFull).has_value());
  host.stream.restart();
  host.define();
  host.seen(0.99);
  CHECK(host.holds(kFull) == true);
}

TEST_CASE("there is a bound, and beyond it nothing is known") {
  Watched host;
  host.seen(0.95);
  for (std::size_t i = 0; i < ConditionWatch::kMostWatched; ++i)
    CHECK(host.holds(kFull, {EntityKind::service, std::to_string(i)}) == true);
  CHECK_FALSE(host.holds(kFull).has_value());
  CHECK(host.watch.explain(kFull, kWeb).find("too many") != std::string::npos);
  CHECK(host.watch.refused() > 0);
  CHECK_FALSE(host.holds("this is no condition").has_value());
}

TEST_CASE("taken over in a snapshot it goes on bit by bit; a damaged one fails") {
  Watched host;
  const std::string held = kFull + " for 10s", rate = "rate(system.network.errors@host, 4s) > 5/s";
  for (int i = 0; i < 6; ++i) {
    (void)host.holds(held), (void)host.holds(rate);
    host.stream.sample(host.errors, 10.0 * i);
    host.seen(0.95);
  }
  detect::StateWriter writer;
  host.watch.save_whole(writer);
  detect::Literals none;
  ConditionWatch copy;
  copy.follow(host.view, "production");
  detect::StateReader reader = detect::StateReader::exact(writer.bytes(), none);
  copy.load_whole(reader);
  REQUIRE((reader.good() && reader.at_end()));
  for (int i = 6; i < 20; ++i) {
    host.stream.sample(host.errors, 10.0 * i).sample(host.memory, 0.95);
    const Frame& frame = host.stream.cut(host.second += 1);
    host.view.apply(frame);
    host.watch.frame(frame);
    copy.frame(frame);
    CHECK(copy.holds(held, kWeb) == host.holds(held));
    CHECK(copy.explain(rate, kWeb) == host.watch.explain(rate, kWeb));
  }
  CHECK(copy.holds(held, kWeb) == true);
  for (std::size_t cut = 0; cut < writer.bytes().size(); ++cut) {
    ConditionWatch damaged;
    damaged.follow(host.view, "production");
    detect::StateReader part = detect::StateReader::exact(std::string_view(writer.bytes()).substr(0, cut), none);
    damaged.load_whole(part);
    CHECK_FALSE(part.good());
  }
}
