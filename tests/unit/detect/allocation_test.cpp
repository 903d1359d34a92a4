// SPDX-License-Identifier: Apache-2.0
// The steady state allocates nothing. Counts every allocation of this program while it is told to.
#include <doctest/doctest.h>

#include <cstdlib>
#include <new>
#include <utility>

#include "detect/model/codec.h"
#include "tests/unit/detect/allocations.h"
#include "tests/unit/detect/behaviour/behaviour_host.h"
#include "tests/unit/detect/rules/all_series.h"
#include "tests/unit/detect/stream.h"

namespace hostmedic::test {
bool counting = false;
std::size_t allocations = 0;
}  // namespace hostmedic::test
using hostmedic::test::allocations;
using hostmedic::test::counting;

namespace {
void* allocate(std::size_t size) {
  if (counting) ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void* allocate_or_throw(std::size_t size) {
  void* memory = allocate(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(std::size_t size) { return allocate_or_throw(size); }
void* operator new[](std::size_t size) { return allocate_or_throw(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

using namespace hostmedic;

TEST_CASE("a steady tick of 2,000 series allocates nothing, from the bytes to the incidents") {
  auto engine = test::engine_of();
  test::Stream stream;
  std::vector<SeriesId> gauges, counters;
  for (int i = 0; i < 200; ++i) {
    const auto disk = stream.entity(EntityKind::filesystem, "/disk" + std::to_string(i));
    gauges.push_back(stream.series(disk, metric::kFilesystemUtilization));
    gauges.push_back(stream.series(disk, metric::kFilesystemInodesUtilization));
    const auto service = stream.entity(EntityKind::service, std::to_string(i) + ".service");
    counters.push_back(stream.series(service, metric::kServiceRestarts));
    for (int j = 0; j < 7; ++j) counters.push_back(stream.series(service, metric::kServiceCpuTime, std::to_string(j)));
  }
  REQUIRE(gauges.size() + counters.size() == 2000);
  (void)engine->step(stream.cut(1));
  CHECK(engine->detector_count() == 200 * (4 + 3) + 2 * 200);

  Frame frame;
  for (const SeriesId id : gauges) frame.samples.push_back({id, 0.0});
  for (const SeriesId id : counters) frame.samples.push_back({id, 0.0});
  std::string bytes;
  Frame received;
  for (int tick = 2; tick < 60; ++tick) {
    frame.sequence = static_cast<std::uint64_t>(tick - 1);
    frame.mono = test::at_s(tick);
    frame.wall = wall_from_ns(test::Stream::kEpochNs + to_ns(frame.mono));
    for (std::size_t i = 0; i < frame.samples.size(); ++i)
      frame.samples[i].value = 0.6 + 0.001 * static_cast<double>((i * 7 + static_cast<std::size_t>(tick) * 13) % 10);
    counting = tick >= 10;
    encode_frame(frame, bytes);
    const bool decoded = decode_frame(bytes, received).has_value();
    (void)engine->step(received);
    counting = false;
    REQUIRE(decoded);
  }
  CHECK(std::exchange(allocations, 0) == 0);
  CHECK(engine->incidents().empty());
  CHECK(engine->lost_frames() == 0);
}

TEST_CASE("what a known service does again allocates nothing") {
  test::BehaviourHost host;
  host.days(3);
  const Event start = test::started("/usr/sbin/nginx", "nginx"), connect = test::connected("10.0.0.7", "5432");
  for (int i = 0; i < 1000; ++i) {
    counting = true;
    host.model.advance(test::BehaviourHost::at(host.second += 1));
    const auto service = host.model.service("nginx.service");
    host.model.note(service, "nginx.service", start);
    host.model.note(service, "nginx.service", connect);
    host.model.load(service, "nginx.service", 0.3);
    const bool quiet = host.model.ripe().empty();
    counting = false;
    REQUIRE(quiet);
  }
  CHECK(allocations == 0);
}

TEST_CASE("a steady tick with every shipped condition at work allocates nothing") {
  detect::EngineConfig config = detect::default_engine_config();
  const auto all = test::all_series_of_conditions(config);
  config.rules.clear();  // an idle CPU of nothing is not what they expect
  auto engine = test::engine_of(std::move(config));
  test::Stream stream;
  const auto service = stream.entity(EntityKind::service, "all.service");
  Frame frame;
  for (const test::HealthySeries& row : all)
    frame.samples.push_back({stream.series(service, *row.info, row.attributes), row.value});
  (void)engine->step(stream.cut(1));
  CHECK(engine->condition_count() > 80);
  for (int tick = 2; tick < 700; ++tick) {
    frame.sequence = static_cast<std::uint64_t>(tick - 1);
    frame.mono = test::at_s(tick);
    frame.wall = wall_from_ns(test::Stream::kEpochNs + to_ns(frame.mono));
    counting = tick >= 10;
    (void)engine->step(frame);
    counting = false;
  }
  CHECK(allocations == 0);
  for (const auto& [id, incident] : engine->incidents()) MESSAGE(incident.anomalies[0].evidence);
  CHECK(engine->incidents().empty());
}

TEST_CASE("no detector allocates in step(), whatever it is given") {
  for (const detect::DetectorInfo* info : detect::all_detectors()) {
    CAPTURE(info->name);
    const auto detector = test::detector_of(*info);
    allocations = 0;
    counting = true;
    for (int i = 0; i < 30'000; ++i) {
      const double value = i % 97 * 0.01 + (i > 20'000 ? 1000 : 0);
      (void)detector->step({test::at_s(60.0 * i), i % 50 == 7 ? std::nullopt : std::optional(value)});
    }
    counting = false;
    CHECK(allocations == 0);
  }
}
