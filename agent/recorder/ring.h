// SPDX-License-Identifier: Apache-2.0
// The recording of the last hours: files of one segment each in a directory, SEQUENCE-SECONDS.hmseg by the segment's
// number and the wall time of its beginning; the oldest go first. Only what was begun by this object is written to, so
// a file that ends in the middle of something stays as it is and is read up to there. One thread, which may wait.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

struct RingLimits {
  Duration keep = std::chrono::hours(6);
  Bytes size = mib(64);
};

struct RingFile {
  std::string path;
  std::uint64_t sequence = 0;
  WallTime begin;  // to the second
  Bytes size;
};
// In order of their numbers. None where there is no such directory; an error when it cannot be read.
Result<std::vector<RingFile>> ring_files(const std::string& dir);

class Ring {
 public:
  // Makes the directory.
  static Result<Ring> open(const std::string& dir, RingLimits limits);

  // Ends the segment at hand, synced, begins another and forgets what is too old.
  Status begin(std::uint64_t sequence, WallTime at, std::string_view bytes);
  // To the segment at hand; the oldest goes when it is too much. After an error there is none until the next begin().
  Status append(std::string_view bytes);
  Status sync();
  bool at_hand() const { return static_cast<bool>(fd_); }

  const std::string& dir() const { return dir_; }
  const std::vector<RingFile>& files() const { return files_; }  // the last is the one at hand
  Bytes size() const;
  std::uint64_t next_sequence() const { return files_.empty() ? 1 : files_.back().sequence + 1; }

 private:
  Ring(std::string dir, RingLimits limits, std::vector<RingFile> files)
      : dir_(std::move(dir)), limits_(limits), files_(std::move(files)) {}
  void prune(WallTime now);
  bool forget_oldest();
  Status give_up(int error, const char* what);

  std::string dir_;
  RingLimits limits_;
  std::vector<RingFile> files_;
  Fd fd_;
};

}  // namespace hostmedic
