// SPDX-License-Identifier: Apache-2.0
// What the flight recorder takes. With a recording of a real host (hostmedic-probe --record FILE, then bench_recorder
// FILE): bytes a sample, and time a frame for both ways. Without: how fast 1,000 series at one second are played.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "agent/base/clock.h"
#include "agent/net/gzip.h"
#include "agent/recorder/large_frame.h"
#include "agent/recorder/play.h"
#include "detect/model/codec.h"
#include "detect/model/names.h"
#include "probes/replay/recording.h"

namespace {

using namespace hostmedic;

double per(std::size_t of, std::size_t by) { return static_cast<double>(of) / static_cast<double>(by); }

int measure_packing(const char* path) {
  auto reader = RecordingReader::open(path);
  if (!reader) return std::printf("%s\n", reader.error().message().c_str()), 1;
  std::vector<Frame> frames;
  std::size_t samples = 0, plain = 0;
  std::string bytes;
  for (Frame frame;;) {
    const auto more = reader->next(frame);
    if (!more) return std::printf("%s\n", more.error().message().c_str()), 1;
    if (!*more) break;
    encode_frame(frame, bytes);
    plain += bytes.size();
    samples += frame.samples.size();
    frames.push_back(frame);
  }
  if (samples == 0) return std::puts("no sample in it"), 1;
  FramePacker packer;
  FrameUnpacker unpacker;
  std::vector<std::string> packed(frames.size());
  Duration began = thread_cpu_time();
  for (std::size_t i = 0; i < frames.size(); ++i) packer.pack(frames[i], packed[i]);
  const Duration packing = thread_cpu_time() - began;
  std::size_t total = 0, differ = 0;
  Frame back;
  began = thread_cpu_time();
  for (const std::string& one : packed) (void)unpacker.unpack(one, back);
  const Duration unpacking = thread_cpu_time() - began;
  unpacker.restart();
  for (std::size_t i = 0; i < frames.size(); ++i) {
    total += packed[i].size();
    differ += !unpacker.unpack(packed[i], back) || back != frames[i] ? 1 : 0;
  }
  std::printf("%zu frames, %zu samples, %zu frames that do not come back\n", frames.size(), samples, differ);
  std::printf("as on the socket  %6.2f bytes a sample\n", per(plain, samples));
  std::printf("packed            %6.2f bytes a sample, definitions and events among them\n", per(total, samples));
  std::printf("packing %.1f us, unpacking %.1f us a frame of %.0f samples\n",
              to_seconds(packing) * 1e6 / static_cast<double>(frames.size()),
              to_seconds(unpacking) * 1e6 / static_cast<double>(frames.size()), per(samples, frames.size()));
  return differ == 0 ? 0 : 1;
}

// A host of 125 services with eight series each, of which some change with each second.
std::string recording_of(int seconds) {
  const MetricInfo* metrics[] = {&metric::kServiceCpuTime,
                                 &metric::kServiceMemoryUsage,
                                 &metric::kServiceTasks,
                                 &metric::kServicePressureStall,
                                 &metric::kServiceIo,
                                 &metric::kServiceOperations,
                                 &metric::kServiceThrottledTime,
                                 &metric::kServiceDiskOperations};
  SegmentHead head;
  head.sequence = 1;
  head.decisions = DecisionHash::kBeginning;
  std::string file(kSegmentMark), bytes;
  append_record(file, RecordKind::head, encode_head(head));
  append_record(file, RecordKind::configuration, *gzip(encode_config({})));
  append_record(file, RecordKind::snapshot, *gzip(""));
  encode_large({}, bytes);
  append_record(file, RecordKind::definitions, *gzip(bytes));
  FramePacker packer;
  for (int second = 1; second <= seconds; ++second) {
    Frame frame;
    frame.sequence = static_cast<std::uint64_t>(second);
    frame.mono = mono_from_ns(second * 1'000'000'000LL);
    frame.wall = wall_from_ns(1'790'000'000'000'000'000 + to_ns(frame.mono));
    frame.first = second == 1;
    for (std::uint32_t id = 0; id < 1000; ++id) {
      const EntityId owner{id / 8};
      const MetricInfo& metric = *metrics[id % 8];
      if (frame.first && id % 8 == 0)
        frame.entities.push_back({owner, {EntityKind::service, "s" + std::to_string(id) + ".service"}});
      if (frame.first)
        frame.series.push_back({SeriesId{id}, owner, std::string(metric.name), "", metric.unit, metric.instrument});
      const double wave = std::sin(second / 50.0 + id);
      frame.samples.push_back({SeriesId{id}, metric.instrument == Instrument::counter
                                                 ? std::floor(second * (2 + wave))
                                                 : std::floor(4096 * (1000 + 10 * wave))});
    }
    packer.pack(frame, bytes);
    append_record(file, RecordKind::frame, bytes);
  }
  return file;
}

int measure_replay() {
  constexpr int kSeconds = 1800;
  Recording recording;
  recording.files.push_back(recording_of(kSeconds));
  auto parsed = parse_recording(recording.files[0]);
  if (!parsed) return std::puts("the recording cannot be read"), 1;
  recording.segments = std::move(parsed->segments);
  const Duration began = thread_cpu_time();
  const auto played = play(recording, {});
  const Duration took = thread_cpu_time() - began;
  if (!played) return std::printf("%s\n", played.error().message().c_str()), 1;
  std::printf("%zu frames, %zu samples, hash %016llx\n", played->frames, played->samples,
              static_cast<unsigned long long>(played->hash));
  std::printf("replay of 1,000 series: %.0f times as fast as it happened (%.2f ms a frame, to be 500 times or more)\n",
              to_seconds(played->span) / to_seconds(took),
              to_seconds(took) * 1e3 / static_cast<double>(played->frames));
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return argc > 1 ? measure_packing(argv[1]) : measure_replay(); }
