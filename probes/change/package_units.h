// SPDX-License-Identifier: Apache-2.0
// Which services belong to which package, from the lists of files that dpkg keeps: the service whose unit file the
// package brought, and the service that starts a program of its. rpm keeps such lists in a database that is read with
// rpm's library only. Blocking; one thread, the probe's worker.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/time.h"
#include "probes/change/directory_watch.h"
#include "probes/parse/package_files.h"

namespace hostmedic::change {

struct Ownership {
  std::string service, package;
  bool present = true;
  bool operator==(const Ownership&) const = default;
};

class PackageUnits {
 public:
  static constexpr std::size_t kMostLists = 16384;
  static constexpr std::size_t kMostTold = 1024;  // at one look

  // As WatchedTrees.
  PackageUnits(Fd root, std::string root_path, std::shared_ptr<DirectoryWatch> news);

  // Reads the lists that are new or changed. What a changed package owns is told, and what it owns no more. With
  // `services`, those that run or are enabled here, also all that is owned of these, and their programs are taken anew.
  std::vector<Ownership> look(const std::set<std::string>* services);

  bool here() const { return here_; }
  bool has_news_of(const std::set<int>& watches) const { return watches.contains(watch_); }

 private:
  struct List {
    std::uint64_t inode = 0;
    std::int64_t changed = 0;
    std::vector<std::string> services;
  };
  void take_programs(const std::set<std::string>& services);

  const Fd root_;
  const std::string root_path_;
  const std::shared_ptr<DirectoryWatch> news_;
  int watch_ = -1;
  bool here_ = false, first_ = true;
  std::map<std::string, List> lists_;  // by the name of the file: "nginx.list", "libc6:amd64.list"
  UnitPrograms programs_;
};

// The services that are enabled, by the links in the directories of .wants and .requires below the unit directories.
std::set<std::string> enabled_services(int root);

}  // namespace hostmedic::change
