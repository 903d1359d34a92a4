// SPDX-License-Identifier: Apache-2.0
// Input: a byte that says what follows (0: a recording, else a payload, past the checksum that guards it), then that.
// Nothing may be read past its end, take memory without bound, or be taken for what it is not.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "agent/recorder/config_files.h"
#include "agent/recorder/decisions.h"
#include "agent/recorder/frame_pack.h"
#include "agent/recorder/input_codec.h"
#include "agent/recorder/large_frame.h"
#include "agent/recorder/segment.h"

using namespace hostmedic;

namespace {

Frame some_frame(std::uint64_t sequence) {
  Frame frame;
  frame.first = sequence == 1;
  frame.sequence = sequence;
  frame.mono = mono_from_ns(static_cast<std::int64_t>(sequence) * 1'000'000'000);
  frame.wall = wall_from_ns(1'790'000'000'000'000'000);
  if (frame.first) {
    frame.entities = {{EntityId{0}, {EntityKind::host, ""}}};
    frame.series = {{SeriesId{0}, EntityId{0}, "system.cpu.time", "", Unit::seconds, Instrument::counter}};
  }
  frame.samples = {{SeriesId{0}, 0.25 * static_cast<double>(sequence)}};
  return frame;
}

std::string packed(std::uint64_t sequence) {
  FramePacker packer;
  std::string bytes;
  for (std::uint64_t i = 1; i <= sequence; ++i) packer.pack(some_frame(i), bytes);
  return bytes;
}

void read_recording(std::string_view bytes) {
  const auto parsed = parse_recording(bytes);
  if (!parsed) return;
  std::size_t size = 0;
  for (const Segment& segment : parsed->segments) {
    size += segment.bytes.size();
    FrameUnpacker unpacker;
    Frame frame;
    for (const RecordView& record : segment.records) {
      if (record.kind == RecordKind::frame) (void)unpacker.unpack(record.payload, frame);
      if (record.kind == RecordKind::input) (void)decode_input(record.payload);
      if (record.kind == RecordKind::decision) (void)decode_decision(record.payload);
    }
  }
  if (size > bytes.size() || (size < bytes.size()) != !parsed->lost.empty()) std::abort();
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  std::string file(kSegmentMark);
  SegmentHead head;
  head.reason = "a seed";
  append_record(file, RecordKind::head, encode_head(head));
  for (std::uint64_t i = 1; i < 4; ++i) append_record(file, RecordKind::frame, packed(i));
  append_record(file, RecordKind::input, encode_input(TickInput{}));
  std::string large;
  encode_large(some_frame(1), large);
  return {std::string(1, '\0') + file,
          "\1" + packed(1),
          "\1" + packed(3),
          "\2" + encode_input(RejectInput{"ab", "uid 0 (root)", "no", {}}),
          "\3" + encode_decision({Command::Kind::notify, "ab", "told", 7}),
          "\4" + encode_config({{"policy.toml", "[guard]\n"}}),
          "\5" + large,
          "\6" + encode_head(head)};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Frame frame;
  FrameUnpacker unpacker;
  switch (data[0]) {
    case 0: read_recording(bytes); break;
    case 1: (void)unpacker.unpack(bytes, frame); break;
    case 2: (void)decode_input(bytes); break;
    case 3: (void)decode_decision(bytes); break;
    case 4: (void)decode_config(bytes); break;
    case 5: (void)decode_large(bytes, frame); break;
    case 6: (void)decode_head(bytes); break;
    default: break;
  }
  if (frame.samples.size() > 2 * kMostSeries) std::abort();
  return 0;
}
