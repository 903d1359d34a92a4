// SPDX-License-Identifier: Apache-2.0
// What the probes said, in a file: the recorded twin of a running probe. The file is the text "HMR1\n", then for each
// frame its length (4 bytes, little-endian, at most kMostFrameBytes) and the frame as codec.h writes it. A file that
// ends within a frame is read up to there. One thread.
#pragma once

#include <string>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "detect/model/frame.h"

namespace hostmedic {

class RecordingWriter {
 public:
  // fd is borrowed and positioned at the end of what is there; an empty file gets its head with the first frame.
  explicit RecordingWriter(int fd) : fd_(fd) {}
  // frame: encoded. Error io; what was written of the frame then ends the file.
  Status append(std::string_view frame);

 private:
  const int fd_;
  bool begun_ = false;
  std::string bytes_;
};

class RecordingReader {
 public:
  // Error malformed: not a recording.
  static Result<RecordingReader> open(const std::string& path);
  // True and the next frame, false at the end. Error malformed names the place in the file.
  Result<bool> next(Frame& ret_frame);

 private:
  explicit RecordingReader(Fd fd) : fd_(std::move(fd)) {}
  Result<std::size_t> take(std::size_t size);

  Fd fd_;
  std::uint64_t at_ = 0;
  std::string bytes_;
};

// Moves a frame and its events in time, by the same distance on both clocks.
void shift(Frame& frame, Duration by_mono, Duration by_wall);

}  // namespace hostmedic
