// SPDX-License-Identifier: Apache-2.0
#include "detect/model/codec.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "detect/model/names.h"

using namespace hostmedic;

namespace {

std::string random_text(std::mt19937& random, std::size_t most) {
  std::string text(random() % (most + 1), ' ');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

Frame random_frame(std::mt19937& random) {
  Frame frame;
  frame.sequence = random();
  frame.mono = mono_from_ns(static_cast<std::int64_t>(random()));
  frame.wall = wall_from_ns(static_cast<std::int64_t>(random()) << 20);
  frame.first = random() % 2 == 0;
  for (auto n = random() % 5; n > 0; --n) frame.gone.push_back(EntityId{static_cast<std::uint32_t>(random() % 4096)});
  for (auto n = random() % 5; n > 0; --n)
    frame.entities.push_back({EntityId{static_cast<std::uint32_t>(random() % 4096)},
                              {static_cast<EntityKind>(random() % kEntityKindCount), random_text(random, 256)}});
  for (auto n = random() % 5; n > 0; --n)
    frame.series.push_back({SeriesId{static_cast<std::uint32_t>(random() % 65536)},
                            EntityId{static_cast<std::uint32_t>(random() % 4096)}, random_text(random, 64),
                            random_text(random, 64), static_cast<Unit>(random() % kUnitCount),
                            static_cast<Instrument>(random() % 2)});
  for (auto n = random() % 20; n > 0; --n) {
    Sample sample{SeriesId{static_cast<std::uint32_t>(random() % 65536)}, std::nullopt};
    if (random() % 4 != 0)
      sample.value = std::ldexp(static_cast<double>(random()) - 2e9, static_cast<int>(random() % 60) - 30);
    frame.samples.push_back(sample);
  }
  for (auto n = random() % 4; n > 0; --n) {
    Event event{static_cast<EventKind>(random() % kEventKindCount),
                EntityId{static_cast<std::uint32_t>(random() % 4096)},
                mono_from_ns(static_cast<std::int64_t>(random())),
                {}};
    for (auto a = random() % 17; a > 0; --a)
      event.attributes.push_back({random_text(random, 64), random_text(random, 512)});
    frame.events.push_back(std::move(event));
  }
  return frame;
}

std::string bytes_of(const Frame& frame) {
  std::string bytes;
  encode_frame(frame, bytes);
  return bytes;
}

Frame one_of_each() {
  Frame frame;
  frame.gone = {EntityId{7}};
  frame.entities = {{EntityId{1}, {EntityKind::filesystem, "/srv"}}};
  frame.series = {{SeriesId{2}, EntityId{1}, "system.filesystem.utilization", "a=b", Unit::ratio, Instrument::gauge}};
  frame.samples = {{SeriesId{2}, 0.5}, {SeriesId{3}, std::nullopt}};
  frame.events = {{EventKind::unit_state, EntityId{1}, mono_from_ns(5), {{"k", "v"}}}};
  return frame;
}

std::string why(std::string_view bytes) {
  Frame frame;
  const auto status = decode_frame(bytes, frame);
  return status ? "" : status.error().message();
}

}  // namespace

TEST_CASE("a frame comes back as it was") {
  std::mt19937 random(20261121);
  Frame back;
  for (int i = 0; i < 500; ++i) {
    const Frame frame = random_frame(random);
    REQUIRE(decode_frame(bytes_of(frame), back));  // into one that held another before
    REQUIRE(back == frame);
  }
}

TEST_CASE("a frame cut at any byte is refused") {
  std::mt19937 random(7);
  for (int i = 0; i < 20; ++i) {
    const std::string bytes = bytes_of(random_frame(random));
    Frame back;
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      CAPTURE(cut);
      REQUIRE_FALSE(decode_frame(std::string_view(bytes).substr(0, cut), back));
    }
    CHECK(why(bytes + "x") == "frame: bytes after its end");
  }
}

TEST_CASE("the bytes are those of the description") {
  Frame frame;
  frame.sequence = 0x0102;
  frame.first = true;
  frame.samples = {{SeriesId{3}, 1.0}};
  const std::string bytes = bytes_of(frame);
  CHECK(bytes.substr(0, 7) == std::string("HMF1\x01\x02\x01", 7));
  CHECK(bytes.size() == 4 + 1 + 8 + 8 + 8 + 5 * 4 + 4 + 1 + 8);
  CHECK(bytes.substr(bytes.size() - 4 - 2, 2) == std::string("\xF0\x3F", 2));  // the top of 1.0, before "no events"
}

TEST_CASE("counts that lie are refused before anything is reserved") {
  const std::size_t head = 4 + 1 + 8 + 8 + 8;
  for (int list = 0; list < 5; ++list) {
    std::string bytes = bytes_of(Frame{});
    for (const std::string_view count :
         {std::string_view("\xFF\xFF\xFF\xFF", 4), std::string_view("\x00\x10\x00\x00", 4)}) {
      bytes.replace(head + static_cast<std::size_t>(list) * 4, 4, count);
      Frame frame;
      CHECK_FALSE(decode_frame(bytes, frame));
      CHECK(frame.gone.capacity() + frame.entities.capacity() + frame.series.capacity() + frame.samples.capacity() +
                frame.events.capacity() ==
            0);
    }
  }
}

TEST_CASE("what breaks a bound is refused") {
  Frame frame = one_of_each();
  CHECK(why(bytes_of(frame)).empty());
  SUBCASE("an entity id") { frame.entities[0].id = EntityId{kMostEntities}; }
  SUBCASE("a retired id") { frame.gone[0] = EntityId{0xffffffff}; }
  SUBCASE("a series id") { frame.series[0].id = SeriesId{kMostSeries}; }
  SUBCASE("a sample's id") { frame.samples[0].series = SeriesId{kMostSeries}; }
  SUBCASE("not a number") { frame.samples[0].value = std::nan(""); }
  SUBCASE("infinity") { frame.samples[0].value = std::numeric_limits<double>::infinity(); }
  SUBCASE("an entity's kind") { frame.entities[0].entity.kind = static_cast<EntityKind>(kEntityKindCount); }
  SUBCASE("a unit") { frame.series[0].unit = static_cast<Unit>(kUnitCount); }
  SUBCASE("an instrument") { frame.series[0].instrument = static_cast<Instrument>(2); }
  SUBCASE("an event's kind") { frame.events[0].kind = static_cast<EventKind>(kEventKindCount); }
  SUBCASE("an entity's name") { frame.entities[0].entity.name.assign(kMostEntityName + 1, 'x'); }
  SUBCASE("a series' name") { frame.series[0].name.assign(kMostSeriesText + 1, 'x'); }
  SUBCASE("a value") { frame.events[0].attributes[0].value.assign(kMostAttributeValue + 1, 'x'); }
  SUBCASE("a key") { frame.events[0].attributes[0].key.assign(kMostAttributeKey + 1, 'x'); }
  SUBCASE("attributes") { frame.events[0].attributes.resize(kMostAttributes + 1); }
  SUBCASE("events") { frame.events.resize(kMostEventsPerFrame + 1); }
  SUBCASE("time before the boot") { frame.mono = mono_from_ns(-1); }
  SUBCASE("wall time beyond all") { frame.wall = WallTime::max(); }
  SUBCASE("an event's time") { frame.events[0].at = MonoTime::min(); }
  CHECK(why(bytes_of(frame)).substr(0, 7) == "frame: ");
}

TEST_CASE("what is no frame is refused") {
  CHECK(why("") == "frame: not a frame");
  CHECK(why("HMF2") == "frame: not a frame");
  std::string flags = bytes_of(Frame{});
  flags[4] = 2;
  CHECK(why(flags) == "frame: an unknown flag");
  CHECK(why(std::string(kMostFrameBytes + 1, 'x')) == "frame: larger than a frame may be");
}
