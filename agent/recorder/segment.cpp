// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/segment.h"

#include <zlib.h>

#include <cstring>

#include "agent/base/text.h"
#include "detect/model/state_codec.h"

namespace hostmedic {
namespace {

constexpr std::uint32_t kVersion = 1, kMostText = 512;
constexpr std::size_t kRecordHead = 9;

std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_z(0, static_cast<const Bytef*>(static_cast<const void*>(bytes.data())), bytes.size()));
}

std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The next whole record, and what follows it.
bool take_record(std::string_view& ret_bytes, RecordView& ret_record) {
  if (ret_bytes.size() < kRecordHead) return false;
  const std::uint32_t size = u32_at(ret_bytes, 0);
  if (size > ret_bytes.size() - kRecordHead) return false;
  const std::string_view covered = ret_bytes.substr(8, 1 + std::size_t{size});
  if (crc_of(covered) != u32_at(ret_bytes, 4)) return false;
  ret_record = {static_cast<RecordKind>(covered[0]), covered.substr(1)};
  ret_bytes.remove_prefix(kRecordHead + size);
  return true;
}

void file_away(const RecordView& record, Segment& ret_segment) {
  switch (record.kind) {
    case RecordKind::head: break;
    case RecordKind::configuration: ret_segment.configuration = record.payload; break;
    case RecordKind::snapshot: ret_segment.snapshot = record.payload; break;
    case RecordKind::definitions: ret_segment.definitions = record.payload; break;
    case RecordKind::frame:
    case RecordKind::input:
    case RecordKind::decision: ret_segment.records.push_back(record); break;
  }
}

// Bytes begin with the mark. Takes the segment; false when its head cannot be read.
bool take_segment(std::string_view& ret_bytes, Segment& ret_segment) {
  const std::string_view begin = ret_bytes;
  std::string_view rest = ret_bytes.substr(kSegmentMark.size());
  RecordView record;
  if (!take_record(rest, record) || record.kind != RecordKind::head) return false;
  auto head = decode_head(record.payload);
  if (!head) return false;
  ret_segment.head = *std::move(head);
  while (!rest.starts_with(kSegmentMark) && take_record(rest, record)) file_away(record, ret_segment);
  ret_segment.bytes = begin.substr(0, begin.size() - rest.size());
  ret_bytes = rest;
  return true;
}

}  // namespace

std::string encode_head(const SegmentHead& head) {
  detect::StateWriter out;
  out.put(kVersion);
  out.put(head.sequence);
  out.put(head.continues);
  for (const std::string* text : {&head.reason, &head.version, &head.host, &head.boot_id}) out.put_text(*text);
  out.put(head.host_seed);
  out.put(head.config_hash);
  out.put(head.decisions);
  out.put(to_ns(head.mono));
  out.put(to_ns(head.wall));
  return out.take();
}

Result<SegmentHead> decode_head(std::string_view bytes) {
  detect::StateReader in(bytes);
  if (const auto version = in.get<std::uint32_t>(); in.good() && version != kVersion)
    return make_error(ErrorCode::unsupported, strf("a recording of version %u, expected %u", version, kVersion));
  SegmentHead head;
  head.sequence = in.get<std::uint64_t>();
  head.continues = in.get<bool>();
  for (std::string* text : {&head.reason, &head.version, &head.host, &head.boot_id})
    *text = printable(in.get_text(kMostText), kMostText);
  head.host_seed = in.get<std::uint64_t>();
  head.config_hash = in.get<std::uint64_t>();
  head.decisions = in.get<std::uint64_t>();
  head.mono = mono_from_ns(in.get<std::int64_t>());
  head.wall = wall_from_ns(in.get<std::int64_t>());
  if (!in.good() || !in.at_end()) return make_error(ErrorCode::malformed, "the head of a segment is cut");
  return head;
}

void append_record(std::string& out, RecordKind kind, std::string_view payload) {
  const std::size_t begin = out.size();
  out.resize(begin + kRecordHead);
  out[begin + 8] = static_cast<char>(kind);
  out += payload;
  const auto size = static_cast<std::uint32_t>(payload.size());
  const std::uint32_t crc = crc_of(std::string_view(out).substr(begin + 8));
  std::memcpy(out.data() + begin, &size, sizeof size);
  std::memcpy(out.data() + begin + 4, &crc, sizeof crc);
}

Result<ParsedRecording> parse_recording(std::string_view bytes) {
  const std::size_t whole = bytes.size();
  if (!bytes.starts_with(kSegmentMark) && !kSegmentMark.starts_with(bytes))
    return make_error(ErrorCode::malformed, "not a recording of hostmedic");
  ParsedRecording parsed;
  while (!bytes.empty()) {
    Segment segment;
    if (bytes.starts_with(kSegmentMark) && take_segment(bytes, segment)) {
      parsed.segments.push_back(std::move(segment));
      continue;
    }
    // What is neither a record nor a mark: cut at the end, or damaged.
    const std::size_t at = whole - bytes.size();
    const std::size_t next = bytes.find(kSegmentMark, 1);
    const std::size_t size = next == std::string_view::npos ? bytes.size() : next;
    if (parsed.lost.size() < kMostLost)
      parsed.lost.push_back(
          strf("%zu bytes at offset %zu are cut or damaged: the rest of that segment is left out", size, at));
    bytes.remove_prefix(size);
  }
  return parsed;
}

}  // namespace hostmedic
