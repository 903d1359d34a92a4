// SPDX-License-Identifier: Apache-2.0
// Frames as few bytes, each told by how it differs from those before it: times as differences of differences, the order
// of samples as that of last time, a value as the same again, as a whole number that grew as before (counters, in their
// own decimal scale), or as the bits that changed (after Pelkonen et al., "Gorilla: a fast, scalable, in-memory time
// series database", VLDB 2015). A frame can only be read after all before it; a packer that was restarted begins anew.
// Lossless, to the bit. Definitions and events are packed as codec.h writes them. One owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/recorder/squeeze.h"
#include "detect/model/frame.h"

namespace hostmedic {

// What both sides know of a series from what was said so far.
class SeriesMemory {
 public:
  // Whether the value is a whole number in this series' scale, and which.
  std::optional<std::int64_t> whole(double value) const;
  double from_whole(std::int64_t number) const;
  void remember(double value);

  std::uint64_t bits = 0;             // of the last value
  std::int64_t last = 0, growth = 0;  // the last whole number, and by how much it had grown
  std::uint32_t next = 0;             // id of the sample that followed it last time

 private:
  std::int8_t scale_ = -1;  // index of a power of ten; -1: the last value is no whole number in any
};

class FramePacker {
 public:
  // What follows can be read without what was before.
  void restart();
  // Replaces ret_bytes (capacity kept).
  void pack(const Frame& frame, std::string& ret_bytes);

 private:
  std::vector<SeriesMemory> series_;
  std::uint64_t sequence_ = 0;
  std::int64_t mono_ = 0, mono_step_ = 0, wall_ahead_ = 0;
  Squeezer squeezer_;
  std::string rest_, squeezed_;
  Frame without_samples_;
};

class FrameUnpacker {
 public:
  void restart();
  // Replaces ret_frame (capacity kept). Error malformed: what follows cannot be read either.
  Status unpack(std::string_view bytes, Frame& ret_frame);

 private:
  std::vector<SeriesMemory> series_;
  std::uint64_t sequence_ = 0;
  std::int64_t mono_ = 0, mono_step_ = 0, wall_ahead_ = 0;
  Unsqueezer unsqueezer_;
  std::string rest_, squeezed_;
};

}  // namespace hostmedic
