// SPDX-License-Identifier: Apache-2.0
// The search on one filesystem while it fills: which files grow, who writes them, and which configuration of logrotate
// covers them. Where no file explains it, those that are deleted and still written are looked at too, and whether many
// small ones do together. step() blocks and
// keeps its memory between calls; it runs in a worker, one call at a time, and nobody else touches the object
// meanwhile. Owns its descriptors, because a hung step outlives the probe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/fd.h"
#include "probes/log/walk.h"
#include "probes/log/writers.h"

namespace hostmedic::log {

struct GrowingFile {
  // "/var/log/app.log"; "/var/log/app.log (deleted)", still written; "/var/log/*", many files of that root together.
  std::string path, root, logrotate_config;  // the last empty when no configuration covers the file
  std::uint64_t size = 0, allocated = 0;
  double bytes_per_second = 0, share = 0;
  Writers writers;
};

struct Findings {
  std::vector<GrowingFile> files;  // fastest first; empty after the first step
  std::uint64_t names_skipped = 0;
  bool compared = false;  // there was an earlier look to compare with
  MonoTime ended;
  Duration cpu{};  // that the step took; waiting is not counted
};

struct Space {
  std::uint64_t used = 0, free = 0;  // bytes; free is what an ordinary user may still use
};
// Of the filesystem that holds the directory; nullopt when it cannot be told.
using ReadSpace = std::optional<Space> (*)(int dir);

class Hunt {
 public:
  static constexpr double kLeastShare = 0.2;

  Hunt(std::vector<LogRoot> roots, Fd proc, Fd etc, ReadSpace read_space)
      : roots_(std::move(roots)), proc_(std::move(proc)), etc_(std::move(etc)), read_space_(read_space) {}

  Findings step();
  void forget() {
    before_.reset();
    deleted_at_.reset();
  }  // the next step is a first one

 private:
  struct Asked {
    Writers writers;
    MonoTime at;
  };
  struct Covered {
    std::string pattern, config;
  };
  static void add_many(double all, const Snapshot& now, double window, Findings& ret_findings);
  void add_deleted(double all, MonoTime now, Findings& ret_findings);
  const Writers& writers_of(const Grower& grower, MonoTime now);
  std::string config_of(const std::string& path, MonoTime now);
  void read_config(const std::string& path, int depth);

  // Constant after construction.
  const std::vector<LogRoot> roots_;
  const Fd proc_, etc_;
  const ReadSpace read_space_;

  std::optional<Snapshot> before_;
  std::optional<Space> space_before_;
  std::map<std::uint64_t, Asked> asked_;  // by inode
  std::map<std::uint64_t, DeletedFile> deleted_;
  std::optional<MonoTime> deleted_at_;  // of the last step; empty: it had no need to look
  std::vector<Covered> covered_;
  std::optional<MonoTime> configs_read_at_;
  std::size_t configs_left_ = 0;
};

}  // namespace hostmedic::log
