// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/frame_pack.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace hostmedic;

namespace {

Frame empty_frame(std::uint64_t sequence, double seconds) {
  Frame frame;
  frame.sequence = sequence;
  frame.mono = mono_from_ns(static_cast<std::int64_t>(seconds * 1e9));
  frame.wall = wall_from_ns(1'790'000'000'000'000'000 + to_ns(frame.mono));
  return frame;
}

struct Pair {
  FramePacker packer;
  FrameUnpacker unpacker;
  std::string bytes;
  Frame back;
  void pass(const Frame& frame) {
    packer.pack(frame, bytes);
    REQUIRE(unpacker.unpack(bytes, back));
    CHECK(back == frame);
  }
};

}  // namespace

TEST_CASE("any frames come back to the bit") {
  std::mt19937_64 random(7);
  Pair pair;
  double seconds = 5;
  std::vector<double> values(50, 0);
  const double odd[] = {0.0,  -0.0, 5e-324,      1e308, -1e308, 1.0 / 3, 9007199254740993.0, -9007199254740991.0,
                        0.01, 1e-9, 123456789.01};
  for (std::uint64_t sequence = 1; sequence < 2000; sequence += 1 + random() % 3 / 2) {
    seconds += random() % 5 == 0 ? 0.013 : 1;
    Frame frame = empty_frame(sequence, seconds);
    if (random() % 97 == 0) frame.wall -= std::chrono::hours(3);
    for (std::uint32_t id = 0; id < values.size(); ++id) {
      if (random() % 4 == 0) continue;
      if (random() % 31 == 0) {
        frame.samples.push_back({SeriesId{id}, std::nullopt});
        continue;
      }
      switch (id % 5) {
        case 0: break;                                                       // constant
        case 1: values[id] += 100; break;                                    // counter
        case 2: values[id] = std::round(values[id] * 100 + 7) / 100; break;  // ticks
        case 3: values[id] = static_cast<double>(random()) / 1e19; break;    // ratio
        case 4: values[id] = odd[random() % std::size(odd)]; break;
      }
      frame.samples.push_back({SeriesId{id}, values[id]});
    }
    if (random() % 50 == 0) std::swap(frame.samples.front(), frame.samples.back());
    pair.pass(frame);
  }
}

TEST_CASE("definitions, events and what is gone come back; a restart begins anew") {
  Pair pair;
  Frame frame = empty_frame(1, 3);
  frame.first = true;
  frame.entities = {{EntityId{0}, {EntityKind::service, "a.service"}}};
  frame.series = {{SeriesId{0}, EntityId{0}, "system.cpu.time", "cpu.mode=user", Unit::seconds, Instrument::counter}};
  frame.samples = {{SeriesId{0}, 17.25}};
  frame.events = {{EventKind::unit_state, EntityId{0}, frame.mono, {{"unit.active_state", "failed"}}}};
  pair.pass(frame);
  Frame later = empty_frame(2, 4);
  later.gone = {EntityId{0}};
  pair.pass(later);
  pair.packer.restart();
  pair.unpacker.restart();
  pair.pass(frame);
}

TEST_CASE("a frame larger than the socket takes comes back too") {
  Pair pair;
  Frame frame = empty_frame(1, 3);
  frame.first = true;
  for (std::uint32_t id = 0; id < 3000; ++id) {
    frame.entities.push_back({EntityId{id}, {EntityKind::service, std::string(200, 'a') + std::to_string(id)}});
    frame.series.push_back(
        {SeriesId{id}, EntityId{id}, "system.cpu.time", std::string(200, 'b'), Unit::seconds, Instrument::counter});
    frame.samples.push_back({SeriesId{id}, id * 0.1});
  }
  for (int i = 0; i < 300; ++i)
    frame.events.push_back({EventKind::unit_state, EntityId{7}, frame.mono, {{"text", std::string(500, 'c')}}});
  pair.pass(frame);
  frame.sequence = 2;
  frame.first = false;
  pair.pass(frame);
}

TEST_CASE("an idle host: what stays and what grows evenly takes a few bits") {
  FramePacker packer;
  std::string bytes;
  std::size_t total = 0;
  for (int tick = 1; tick <= 100; ++tick) {
    Frame frame = empty_frame(static_cast<std::uint64_t>(tick), tick);
    for (std::uint32_t id = 0; id < 1000; ++id)
      frame.samples.push_back({SeriesId{id}, id % 4 == 0 ? 1e6 + 4096.0 * tick : 0.25});
    packer.pack(frame, bytes);
    if (tick > 2) total += bytes.size();
  }
  CHECK(static_cast<double>(total) / 98'000 < 0.35);  // bytes a sample
}

TEST_CASE("any cut and any rubbish is refused or read as something, never more than the bytes allow") {
  FramePacker packer;
  std::string bytes;
  Frame frame = empty_frame(1, 3);
  frame.first = true;
  for (std::uint32_t id = 0; id < 40; ++id) frame.samples.push_back({SeriesId{id}, 1.0 / (id + 1)});
  packer.pack(frame, bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    FrameUnpacker unpacker;
    Frame back;
    CHECK_FALSE(unpacker.unpack(std::string_view(bytes).substr(0, size), back));
  }
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string rubbish(random() % 200, '\0');
    for (char& byte : rubbish) byte = static_cast<char>(random());
    FrameUnpacker unpacker;
    Frame back;
    (void)unpacker.unpack(rubbish, back);
    CHECK(back.samples.size() <= rubbish.size() * 8);
  }
}
