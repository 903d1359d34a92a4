// SPDX-License-Identifier: Apache-2.0
// The form of a recording: segments, each of which can be read without the others. A file of the ring is one segment, a
// kept recording is several, one after the other.
//
//   segment = "HMREC1\r\n" record(head) {record}
//   record  = size:u32 crc32:u32 kind:u8 payload          size: of the payload; crc32: of kind and payload
//
// Numbers are little-endian. A record that is cut or damaged ends its segment: what follows in it could not be read,
// since frames are told by how they differ. Reading goes on with the next segment. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

enum class RecordKind : std::uint8_t {
  head = 1,
  configuration,  // packed, as config_files.h writes it
  snapshot,       // packed: the pipeline's state before what follows
  definitions,    // packed: a frame of codec.h that names every series; not itself heard by the pipeline
  frame,          // as frame_pack.h writes it, anew from the beginning of the segment
  input,          // as input_codec.h writes it
  decision,       // as decisions.h writes it
};

struct SegmentHead {
  std::uint64_t sequence = 0;  // +1 with each segment of a host
  bool continues = false;      // nothing was missed since the end of the one before, and it decides in the same way
  std::string reason;          // why it begins: "the agent started"
  std::string version, host, boot_id;
  std::uint64_t host_seed = 0;
  std::uint64_t config_hash = 0;
  std::uint64_t decisions = 0;  // the running hash before what follows
  MonoTime mono;
  WallTime wall;
};
std::string encode_head(const SegmentHead& head);
Result<SegmentHead> decode_head(std::string_view bytes);

inline constexpr std::string_view kSegmentMark = "HMREC1\r\n";
inline constexpr Bytes kMostRecord = mib(64);
void append_record(std::string& out, RecordKind kind, std::string_view payload);

struct RecordView {
  RecordKind kind{};
  std::string_view payload;
};
struct Segment {
  SegmentHead head;
  std::string_view configuration, snapshot, definitions;  // packed; empty: not there
  std::vector<RecordView> records;                        // frames, inputs and decisions, in order
  std::string_view bytes;                                 // all that can be read of it
};

// What can be read. bytes must outlive the segments.
struct ParsedRecording {
  std::vector<Segment> segments;
  std::vector<std::string> lost;  // what could not be read and why, at most kMostLost sentences
};
inline constexpr std::size_t kMostLost = 16;
// Error malformed: not a recording at all. The beginning of one is an empty recording.
Result<ParsedRecording> parse_recording(std::string_view bytes);

}  // namespace hostmedic
