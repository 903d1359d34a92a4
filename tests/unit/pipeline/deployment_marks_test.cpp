// SPDX-License-Identifier: Apache-2.0
#include "agent/pipeline/deployment_marks.h"

#include <doctest/doctest.h>

#include "agent/pipeline/frame_merge.h"
#include "detect/model/names.h"

using namespace hostmedic;

namespace {

MonoTime second(int n) { return mono_from_ns(n * 1'000'000'000LL); }
const Entity kHost{EntityKind::host, ""}, kWeb{EntityKind::service, "web.service"},
    kWorker{EntityKind::service, "worker.service"};

// The probe is source 0 of the merge, the marks are source 2.
struct Stream {
  Stream() {
    Frame frame;
    frame.first = true;
    frame.mono = second(1);
    frame.entities = {{EntityId{0}, kHost}, {EntityId{1}, kWeb}, {EntityId{2}, kWorker}};
    view.apply(merge.take(0, frame));
  }
  Result<std::vector<Entity>> mark(int at, DeploymentMark wish) {
    const auto frame = marks.mark(wish, view, second(at), {});
    if (!frame) return frame.error();
    merged = merge.take(2, *frame);
    view.apply(merged);
    std::vector<Entity> about;
    for (const Event& event : merged.events) about.push_back(*view.entity(event.entity));
    return about;
  }
  FrameMerge merge;
  HostView view;
  DeploymentMarks marks;
  Frame merged;
};

}  // namespace

TEST_CASE("a mark is an event of the one stream about the entity it names") {
  Stream stream;
  const auto about = stream.mark(5, {.name = "shop", .version = "2.1", .entity = "host", .by = "uid 7 (ci)"});
  REQUIRE(about);
  CHECK(*about == std::vector<Entity>{kHost});
  REQUIRE(stream.merged.events.size() == 1);
  const Event& event = stream.merged.events[0];
  CHECK(event.kind == EventKind::change);
  CHECK(event.at == second(5));
  CHECK(event.get(attr::kChangeType) == "deployment");
  CHECK(event.get(attr::kChangeAction) == "marked");
  CHECK(event.get(attr::kChangeName) == "shop");
  CHECK(event.get(attr::kChangeVersion) == "2.1");
  CHECK(event.get(attr::kChangeBy) == "uid 7 (ci)");
  CHECK(stream.mark(6, {.name = "shop", .version = "", .entity = "host", .by = "root"}));
  for (const Attribute& attribute : stream.merged.events[0].attributes) CHECK(attribute.key != attr::kChangeVersion);
}

TEST_CASE("a pattern marks all that fit, an entity in full need not be known, and none is kept for ever") {
  Stream stream;
  const auto both = stream.mark(5, {.name = "shop", .version = "", .entity = "service:w*", .by = "root"});
  REQUIRE(both);
  CHECK(*both == std::vector<Entity>{kWeb, kWorker});
  const Entity fresh{EntityKind::service, "fresh.service"};
  const auto one = stream.mark(6, {.name = "shop", .version = "", .entity = "service:fresh.service", .by = "root"});
  REQUIRE(one);
  CHECK(*one == std::vector<Entity>{fresh});
  CHECK(stream.view.find(fresh));
  // The next mark gives back what only the last one named; what the probe names stays.
  REQUIRE(stream.mark(7, {.name = "shop", .version = "", .entity = "host", .by = "root"}));
  CHECK_FALSE(stream.view.find(fresh));
  CHECK(stream.view.find(kWeb));
  CHECK(stream.view.entity_count() == 3);
}

TEST_CASE("a mark that says nothing is refused, and changes nothing") {
  Stream stream;
  const auto refused = [&](DeploymentMark wish) {
    const auto marked = stream.mark(5, std::move(wish));
    REQUIRE_FALSE(marked);
    return marked.error().code;
  };
  CHECK(refused({.name = " ", .version = "", .entity = "host", .by = "root"}) == ErrorCode::malformed);
  CHECK(refused({.name = "shop", .version = "", .entity = "web", .by = "root"}) == ErrorCode::malformed);
  CHECK(refused({.name = "shop", .version = "", .entity = "service:", .by = "root"}) == ErrorCode::malformed);
  CHECK(refused({.name = "shop", .version = "", .entity = "service:x*", .by = "root"}) == ErrorCode::not_found);
  Frame many;
  many.sequence = 1;
  many.mono = second(4);
  for (std::uint32_t i = 3; i < 80; ++i)
    many.entities.push_back({EntityId{i}, {EntityKind::service, "many" + std::to_string(i) + ".service"}});
  stream.view.apply(stream.merge.take(0, many));
  CHECK(refused({.name = "shop", .version = "", .entity = "*", .by = "root"}) == ErrorCode::limit);
  CHECK(stream.mark(6, {.name = "shop", .version = "", .entity = "host", .by = "root"}));
}
