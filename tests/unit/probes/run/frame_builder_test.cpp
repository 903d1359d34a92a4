// SPDX-License-Identifier: Apache-2.0
#include "agent/probe/frame_builder.h"

#include <doctest/doctest.h>

#include <limits>

#include "../fake_root.h"
#include "detect/model/codec.h"
#include "detect/model/host_view.h"
#include "detect/model/names.h"

using namespace hostmedic;
using test::at_second;

namespace {

// The receiver: every frame goes through the codec, as on the socket.
struct Receiver {
  HostView view;
  std::vector<Frame> frames;

  std::size_t take_all(FrameBuilder& builder, MonoTime now) {
    std::size_t taken = 0;
    for (; builder.pending(); ++taken) {
      std::string bytes;
      encode_frame(builder.next(now, WallTime{}), bytes);
      CHECK(bytes.size() <= FrameBuilder::kChunkBytes + (16 << 10));
      Frame frame;
      REQUIRE(decode_frame(bytes, frame));
      if (!frames.empty()) CHECK(frame.mono >= frames.back().mono);
      view.apply(frame);
      frames.push_back(std::move(frame));
      builder.sent();
    }
    return taken;
  }
};

Event event(EntityId entity, MonoTime at, std::string value = "x") {
  return {EventKind::unit_state, entity, at, {{std::string(attr::kUnitActiveState), std::move(value)}}};
}
const Entity kService{EntityKind::service, "a.service"};

}  // namespace

TEST_CASE("frame builder: definitions once, samples each tick, the first frame says so") {
  FrameBuilder builder;
  Receiver receiver;
  Sink& sink = builder.sink(0);
  builder.begin_tick(at_second(1), wall_from_ns(5));
  const EntityId service = sink.entity(EntityKind::service, "a.service");
  CHECK(sink.entity(EntityKind::service, "a.service") == service);
  const SeriesId tasks = sink.series(service, metric::kServiceTasks);
  CHECK(sink.series(service, metric::kServiceTasks) == tasks);
  CHECK(sink.series(service, metric::kServiceCpuTime) != tasks);
  sink.sample(tasks, 3);
  sink.sample(kNoSeries, 9);
  REQUIRE(receiver.take_all(builder, at_second(1)) == 1);
  CHECK(receiver.frames[0].first);
  CHECK(receiver.frames[0].entities.size() == 2);  // with the host
  CHECK(receiver.frames[0].series.size() == 2);
  CHECK(receiver.frames[0].samples.size() == 1);
  CHECK(receiver.frames[0].wall == wall_from_ns(5));
  builder.begin_tick(at_second(2), WallTime{});
  CHECK(!builder.pending());
  sink.sample(tasks, std::nullopt);
  REQUIRE(receiver.take_all(builder, at_second(2)) == 1);
  CHECK(!receiver.frames[1].first);
  CHECK(receiver.frames[1].entities.empty());
  CHECK(receiver.frames[1].sequence == receiver.frames[0].sequence + 1);
  CHECK(!receiver.frames[1].samples[0].value);
}

TEST_CASE("frame builder: a value that is not finite is unknown") {
  FrameBuilder builder;
  Receiver receiver;
  Sink& sink = builder.sink(0);
  const SeriesId load = sink.series(sink.entity(EntityKind::host, ""), metric::kLoad1);
  sink.sample(load, std::numeric_limits<double>::quiet_NaN());
  receiver.take_all(builder, at_second(1));
  CHECK(!receiver.frames[0].samples[0].value);
}

TEST_CASE("frame builder: what a full socket costs is counted, told, and never a definition or an event") {
  FrameBuilder builder;
  Receiver receiver;
  Sink& sink = builder.sink(0);
  builder.begin_tick(at_second(1), WallTime{});
  const EntityId service = sink.entity(EntityKind::service, "a.service");
  const SeriesId tasks = sink.series(service, metric::kServiceTasks);
  sink.sample(tasks, 1);
  sink.event(event(service, at_second(1)));
  (void)builder.next(at_second(1), WallTime{});  // cut, but the socket did not take it
  builder.begin_tick(at_second(2), WallTime{});
  sink.sample(tasks, 2);
  receiver.take_all(builder, at_second(2));
  CHECK(receiver.view.value(kService, metric::kServiceTasks.name) == 2);
  CHECK(receiver.view.unit_facts(kService).size() == 1);
  CHECK(builder.lost() == 1);
  std::string lost;
  for (const Frame& frame : receiver.frames) {
    for (const Event& one : frame.events) {
      if (one.kind == EventKind::samples_lost) lost += std::string(one.get(attr::kCount));
    }
  }
  CHECK(lost == "1");                       // told once
  CHECK(receiver.frames[0].sequence == 1);  // a gap where the lost frame was
  CHECK(receiver.frames[0].first);
  CHECK(!builder.pending());
}

TEST_CASE("frame builder: an entity goes when its last speaker retired it; the id is used again") {
  FrameBuilder builder;
  Receiver receiver;
  Sink &cgroup = builder.sink(0), &systemd = builder.sink(1);
  builder.begin_tick(at_second(1), WallTime{});
  const EntityId service = cgroup.entity(EntityKind::service, "a.service");
  CHECK(systemd.entity(EntityKind::service, "a.service") == service);
  const SeriesId tasks = cgroup.series(service, metric::kServiceTasks);
  const SeriesId restarts = systemd.series(service, metric::kServiceRestarts);
  cgroup.sample(tasks, 5);
  systemd.sample(restarts, 1);
  receiver.take_all(builder, at_second(1));

  builder.begin_tick(at_second(2), WallTime{});
  cgroup.retire(service);
  cgroup.retire(service);  // twice is once
  receiver.take_all(builder, at_second(2));
  CHECK(receiver.view.find(kService));
  CHECK(!receiver.view.value(kService, metric::kServiceTasks.name));
  CHECK(receiver.view.value(kService, metric::kServiceRestarts.name) == 1);

  builder.begin_tick(at_second(3), WallTime{});
  systemd.event(event(service, at_second(3), "inactive"));
  systemd.retire(service);
  receiver.take_all(builder, at_second(3));
  CHECK(receiver.view.find(kService));  // its last event still knows it
  builder.begin_tick(at_second(4), WallTime{});
  const EntityId other = systemd.entity(EntityKind::service, "b.service");
  CHECK(other == service);
  receiver.take_all(builder, at_second(4));
  CHECK(!receiver.view.find(kService));
  CHECK(receiver.view.find({EntityKind::service, "b.service"}) == other);
}

TEST_CASE("frame builder: an entity that is asked for again before it went stays") {
  FrameBuilder builder;
  Receiver receiver;
  Sink& sink = builder.sink(0);
  const EntityId service = sink.entity(EntityKind::service, "a.service");
  const SeriesId tasks = sink.series(service, metric::kServiceTasks);
  receiver.take_all(builder, at_second(1));
  sink.retire(service);
  CHECK(sink.entity(EntityKind::service, "a.service") == service);
  builder.begin_tick(at_second(2), WallTime{});
  CHECK(sink.series(service, metric::kServiceTasks) == tasks);
  sink.sample(tasks, 4);
  receiver.take_all(builder, at_second(2));
  CHECK(receiver.view.value(kService, metric::kServiceTasks.name) == 4);
}

TEST_CASE("frame builder: nothing is told gone while the receiver has not heard of it") {
  FrameBuilder builder;
  Receiver receiver;
  Sink& sink = builder.sink(0);
  builder.begin_tick(at_second(1), WallTime{});
  sink.retire(sink.entity(EntityKind::service, "a.service"));
  builder.begin_tick(at_second(2), WallTime{});  // the definition is still unsent
  receiver.take_all(builder, at_second(2));
  builder.begin_tick(at_second(3), WallTime{});
  receiver.take_all(builder, at_second(3));
  CHECK(!receiver.view.find(kService));
  CHECK(receiver.view.entity_count() == 1);  // the host
}

TEST_CASE("frame builder: the bounds hold, refusals are counted, and nothing of them reaches another entity") {
  FrameBuilder builder;
  Receiver receiver;
  Sink& sink = builder.sink(0);
  for (std::size_t i = 1; i < kMostEntities; ++i)
    REQUIRE(sink.entity(EntityKind::service, std::string(100, 's') + std::to_string(i)) != kNoEntity);
  CHECK(builder.refused() == 0);
  const EntityId refused = sink.entity(EntityKind::service, "one more");
  CHECK(refused == kNoEntity);
  CHECK(builder.refused() == 1);
  CHECK(sink.series(refused, metric::kServiceTasks) == kNoSeries);
  sink.retire(refused);
  sink.event(event(refused, at_second(1)));
  REQUIRE(receiver.take_all(builder, at_second(1)) > 1);  // in several frames
  CHECK(receiver.view.entity_count() == kMostEntities);
  CHECK(receiver.frames.back().events.at(0).entity == EntityId{0});
  CHECK(receiver.frames[0].first);
  CHECK(!receiver.frames[1].first);
}

TEST_CASE("frame builder: hostile and oversized text is cut to the bounds of the codec") {
  FrameBuilder builder;
  Receiver receiver;
  Sink& sink = builder.sink(0);
  const EntityId entity = sink.entity(EntityKind::filesystem, "/a\x1b[31m" + std::string(1000, 'n'));
  Event hostile = event(entity, at_second(1), std::string(5000, 'v') + "\n");
  hostile.attributes.resize(40, {std::string(500, 'k'), "\xff"});
  sink.event(hostile);
  receiver.take_all(builder, at_second(1));
  const Event& got = receiver.frames.back().events.at(0);
  CHECK(got.attributes.size() == kMostAttributes);
  CHECK(got.attributes[0].value.size() == kMostAttributeValue);
  CHECK(got.attributes[1].key.size() == kMostAttributeKey);
  CHECK(got.attributes[1].value == "?");
  const Entity* known = receiver.view.entity(entity);
  REQUIRE(known != nullptr);
  CHECK(known->name.size() == kMostEntityName);
  CHECK(known->name.find('\x1b') == std::string::npos);
}

TEST_CASE("frame builder: a flood of events is bounded, cut into frames, and the loss is told") {
  FrameBuilder builder;
  Receiver receiver;
  Sink& sink = builder.sink(0);
  const EntityId service = sink.entity(EntityKind::service, "a.service");
  for (std::size_t i = 0; i < FrameBuilder::kMostPendingEvents + 10; ++i) sink.event(event(service, at_second(1)));
  CHECK(builder.lost() == 10);
  receiver.take_all(builder, at_second(2));
  std::size_t events = 0, lost = 0;
  for (const Frame& frame : receiver.frames) {
    CHECK(frame.events.size() <= kMostEventsPerFrame);
    for (const Event& one : frame.events) (one.kind == EventKind::samples_lost ? lost : events) += 1;
  }
  CHECK(events == FrameBuilder::kMostPendingEvents);
  CHECK(lost == 1);
}

TEST_CASE("frame builder: no event is older than its frame allows, and time never goes back") {
  FrameBuilder builder;
  Receiver receiver;
  Sink& sink = builder.sink(0);
  const EntityId host = sink.entity(EntityKind::host, "");
  const SeriesId load = sink.series(host, metric::kLoad1);
  builder.begin_tick(at_second(10), WallTime{});
  sink.sample(load, 1);
  sink.event(event(host, at_second(11)));  // younger than the samples: in the frame after theirs
  REQUIRE(receiver.take_all(builder, at_second(12)) == 2);
  CHECK(receiver.frames[0].mono == at_second(10));
  CHECK(receiver.frames[0].events.empty());
  CHECK(receiver.frames[1].mono == at_second(12));
  CHECK(receiver.frames[1].events.at(0).at == at_second(11));
  sink.event(event(host, at_second(99)));  // ahead of the clock
  receiver.take_all(builder, at_second(13));
  CHECK(receiver.frames[2].events.at(0).at == at_second(13));
  builder.set_time(at_second(5), WallTime{});
  sink.sample(load, 2);
  receiver.take_all(builder, at_second(14));
  CHECK(receiver.frames[3].mono == at_second(13));
}

TEST_CASE("frame builder: reset forgets the receiver") {
  FrameBuilder builder;
  Receiver receiver;
  Sink& sink = builder.sink(3);
  (void)sink.entity(EntityKind::service, "a.service");
  receiver.take_all(builder, at_second(1));
  builder.reset();
  receiver.take_all(builder, at_second(2));
  CHECK(receiver.frames.back().first);
  CHECK(receiver.frames.back().sequence == 0);
  CHECK(receiver.view.entity_count() == 1);
}
