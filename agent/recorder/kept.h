// SPDX-License-Identifier: Apache-2.0
// Recordings of incidents, cut from the ring and kept beside it: ID.hmrec holds the segments from that which covers the
// wished beginning on, so that it can be played anywhere. Bounded each and together; the oldest go first. One thread,
// which may wait.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/recorder/ring.h"

namespace hostmedic {

struct KeptLimits {
  Duration keep = std::chrono::hours(24 * 14);
  Bytes each = mib(16), all = mib(256);
};

class Kept {
 public:
  // Makes the directory.
  static Result<Kept> open(const std::string& dir, KeptLimits limits);

  // Takes over what the ring has since the last time, from the segment that covers `from` the first time. Past the
  // bound of a recording nothing more of it is taken.
  Status extend(const std::string& incident_id, WallTime from, const Ring& ring);
  // What is too old or too much goes, except what was extended last and is not yet done.
  void prune(WallTime now);
  void done(const std::string& incident_id) { open_.erase(incident_id); }

  // The paths of those in a directory, by the time of their last change. None where there is no directory.
  static Result<std::vector<std::string>> recordings(const std::string& dir);

  std::size_t count() const { return count_; }
  Bytes size() const { return size_; }
  static std::string path_of(const std::string& dir, const std::string& incident_id) {
    return dir + "/" + incident_id + ".hmrec";
  }

 private:
  // Where the last segment of a recording begins in it, which may have grown since.
  struct End {
    std::uint64_t sequence = 0;
    std::uint64_t offset = 0;
    bool full = false;
  };
  Kept(std::string dir, KeptLimits limits) : dir_(std::move(dir)), limits_(limits) {}
  static Result<End> end_of(const std::string& path, WallTime from, const Ring& ring);

  std::string dir_;
  KeptLimits limits_;
  std::map<std::string, End> open_;
  std::size_t count_ = 0;
  Bytes size_;
};

}  // namespace hostmedic
