// SPDX-License-Identifier: Apache-2.0
// Recordings read from files: one that was kept, the ring, or all together. Reads files; a thread that may wait.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/recorder/segment.h"

namespace hostmedic {

// Owns what its segments point into.
struct Recording {
  std::vector<std::string> files;
  std::vector<Segment> segments;  // by time; one that several files have is there once, as long as the longest
  std::vector<std::string> lost;
};

// Files, or directories of which everything is taken: the ring, and kept recordings in kept/. Error not_found, denied
// or malformed of a file that was named; what cannot be read in a directory is in `lost`.
Result<Recording> read_recording(std::span<const std::string> paths);

inline constexpr Bytes kMostRecording = gib(1);

}  // namespace hostmedic
