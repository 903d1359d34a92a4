// SPDX-License-Identifier: Apache-2.0
// All that is looked at for changes, and what is told of it. Blocking: used by one thread, the probe's worker, and only
// there once it was given to it.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "detect/model/frame.h"
#include "probes/change/directory_watch.h"
#include "probes/change/known_good.h"
#include "probes/change/memory.h"
#include "probes/change/package_logs.h"
#include "probes/change/package_units.h"
#include "probes/change/watched_trees.h"
#include "probes/probe.h"

namespace hostmedic::change {

// An event without the ids of a stream.
struct Fact {
  EventKind kind = EventKind::change;
  Entity entity;
  WallTime at;
  std::vector<Attribute> attributes;
};

struct Ask {
  bool everything = false;
  std::set<int> news;  // watches; of what they stand for is looked at
};

struct Findings {
  std::vector<Fact> facts;    // changes before relations, each in order of time
  std::uint64_t dropped = 0;  // changes of files that change all the time
  bool more = false;          // there is more to read at once
  bool unsaved = false;       // what is remembered will be written with a later look
  bool polls = false;         // of some directories no news come
  std::string note;           // what is here and what is not
};

class ChangeWatch {
 public:
  static constexpr Duration kSaveEvery = std::chrono::seconds(5);
  // Relations are told again, because who hears of them forgets what is not (detect/correlate/entity_graph.h).
  static constexpr Duration kTellAgain = std::chrono::hours(6);

  // The roots are opened again: this may outlive the probe.
  static Result<std::shared_ptr<ChangeWatch>> make(const ProbeContext& context, std::shared_ptr<DirectoryWatch> news);

  Findings look(const Ask& ask, WallTime now);

 private:
  struct Dirs {
    Fd root, proc, sys;
  };
  ChangeWatch(Dirs dirs, Fd trees, Fd logs, Fd units, const ProbeContext& context,
              std::shared_ptr<DirectoryWatch> news);

  void begin(WallTime now, Findings& findings);
  WallTime started_at() const;
  void tell_boot(Findings& findings);
  void tell_file(const FileChange& change, Findings& findings) const;
  void tell_packages(WallTime now, Findings& findings);
  void tell_owners(WallTime now, Findings& findings);
  std::set<std::string> services_here() const;
  std::optional<std::string> service_of(const std::string& path) const;
  void remember(WallTime now, Findings& findings);
  std::string note() const;

  const Dirs dirs_;
  const std::string state_dir_;
  KnownGood copies_;
  WatchedTrees trees_;
  PackageLogs logs_;
  PackageUnits units_;
  Memory memory_;
  bool begun_ = false, remembers_ = false, writes_ = false;
  Memory saved_;
  WallTime saved_at_, owners_at_;
};

}  // namespace hostmedic::change
