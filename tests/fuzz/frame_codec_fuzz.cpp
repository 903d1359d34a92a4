// SPDX-License-Identifier: Apache-2.0
// Input: a frame as in detect/model/codec.h. What decodes must encode to bytes that decode to the same frame, and
// the view must bear it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "detect/model/codec.h"
#include "detect/model/host_view.h"

using namespace hostmedic;

std::vector<std::string> hm_fuzz_seeds() {
  std::vector<std::string> seeds(2);
  Frame frame;
  encode_frame(frame, seeds[0]);
  frame.first = true;
  frame.sequence = 3;
  frame.mono = mono_from_ns(5'000'000'000);
  frame.wall = wall_from_ns(1'790'000'000'000'000'000);
  frame.gone = {EntityId{4}};
  frame.entities = {{EntityId{0}, {EntityKind::host, ""}}, {EntityId{1}, {EntityKind::filesystem, "/srv"}}};
  frame.series = {{SeriesId{0}, EntityId{1}, "system.filesystem.utilization", "", Unit::ratio, Instrument::gauge},
                  {SeriesId{1}, EntityId{0}, "system.cpu.time", "cpu.mode=idle", Unit::seconds, Instrument::counter}};
  frame.samples = {{SeriesId{0}, 0.5}, {SeriesId{1}, std::nullopt}};
  frame.events = {{EventKind::file_growth, EntityId{1}, frame.mono, {{"file.path", "/srv/app.log"}}}};
  encode_frame(frame, seeds[1]);
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static HostView view;  // keeps what earlier inputs left, as the daemon's does
  Frame frame;
  if (!decode_frame({reinterpret_cast<const char*>(data), size}, frame)) return 0;
  std::string bytes;
  encode_frame(frame, bytes);
  Frame again;
  if (!decode_frame(bytes, again) || !(again == frame)) std::abort();
  view.apply(frame);
  if (view.entity_count() > kMostEntities || view.series_count() > kMostSeries) std::abort();
  std::size_t visited = 0;
  view.each_series([&](const SeriesDef&, const Entity&, const std::optional<double>&) { ++visited; });
  if (visited != view.series_count()) std::abort();
  return 0;
}
