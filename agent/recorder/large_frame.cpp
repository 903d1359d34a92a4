// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/large_frame.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "detect/model/codec.h"

namespace hostmedic {
namespace {

// So many of each fit into one part, however long their texts are.
constexpr std::size_t kDefinitions = 256, kSamples = 8192, kEvents = 16;

void append_part(const Frame& frame, std::string& ret_bytes) {
  std::string part;
  encode_frame(frame, part);
  const auto size = static_cast<std::uint32_t>(part.size());
  const std::size_t at = ret_bytes.size();
  ret_bytes.resize(at + sizeof size);
  std::memcpy(ret_bytes.data() + at, &size, sizeof size);
  ret_bytes += part;
}

template <class Row>
void split(const Frame& whole, std::vector<Row> Frame::* rows, std::size_t most, std::string& ret_bytes) {
  const std::vector<Row>& all = whole.*rows;
  for (std::size_t at = 0; at < all.size(); at += most) {
    Frame part;
    part.sequence = whole.sequence;
    part.mono = whole.mono;
    part.wall = whole.wall;
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at);
    (part.*rows).assign(begin, begin + static_cast<std::ptrdiff_t>(std::min(most, all.size() - at)));
    append_part(part, ret_bytes);
  }
}

template <class Row>
void join(std::vector<Row>& ret_rows, const std::vector<Row>& more) {
  ret_rows.insert(ret_rows.end(), more.begin(), more.end());
}

// More than this cannot be in what fits.
bool fits(const Frame& frame) {
  return frame.gone.size() <= kDefinitions && frame.entities.size() <= kDefinitions &&
         frame.series.size() <= kDefinitions && frame.samples.size() <= kSamples && frame.events.size() <= kEvents;
}

}  // namespace

void encode_large(const Frame& frame, std::string& ret_bytes) {
  ret_bytes.clear();
  if (fits(frame)) {
    append_part(frame, ret_bytes);
    if (ret_bytes.size() <= kMostFrameBytes) return;
    ret_bytes.clear();
  }
  Frame head;
  head.first = frame.first;
  head.sequence = frame.sequence;
  head.mono = frame.mono;
  head.wall = frame.wall;
  append_part(head, ret_bytes);
  split(frame, &Frame::gone, kDefinitions, ret_bytes);
  split(frame, &Frame::entities, kDefinitions, ret_bytes);
  split(frame, &Frame::series, kDefinitions, ret_bytes);
  split(frame, &Frame::samples, kSamples, ret_bytes);
  split(frame, &Frame::events, kEvents, ret_bytes);
}

Status decode_large(std::string_view bytes, Frame& ret_frame) {
  ret_frame.clear();
  Frame part;
  for (bool first = true; first || !bytes.empty(); first = false) {
    std::uint32_t size = 0;
    if (bytes.size() < sizeof size) return make_error(ErrorCode::malformed, "a frame is cut");
    std::memcpy(&size, bytes.data(), sizeof size);
    bytes.remove_prefix(sizeof size);
    if (size > bytes.size()) return make_error(ErrorCode::malformed, "a frame is cut");
    Frame& into = first ? ret_frame : part;
    if (Status decoded = decode_frame(bytes.substr(0, size), into); !decoded) return decoded;
    bytes.remove_prefix(size);
    if (first) continue;
    join(ret_frame.gone, part.gone);
    join(ret_frame.entities, part.entities);
    join(ret_frame.series, part.series);
    join(ret_frame.samples, part.samples);
    join(ret_frame.events, part.events);
  }
  if (ret_frame.entities.size() > kMostEntities || ret_frame.series.size() > kMostSeries ||
      ret_frame.gone.size() > kMostEntities || ret_frame.samples.size() > 2 * kMostSeries)
    return make_error(ErrorCode::limit, "a frame has more than a host may have");
  return ok();
}

}  // namespace hostmedic
