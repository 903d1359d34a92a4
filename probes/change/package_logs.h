// SPDX-License-Identifier: Apache-2.0
// Reads on in the logs of package managers. The database would say what is installed, but late (dpkg writes it now and
// then while it works) and without a time; the log says what is being done while it is done. A log that was rotated is
// read to its end under its old name. Blocking; one thread, the probe's worker.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/time.h"
#include "probes/change/directory_watch.h"
#include "probes/change/memory.h"
#include "probes/parse/package_log.h"

namespace hostmedic::change {

struct DatedPackageChange {
  PackageChange change;
  WallTime at;
};

class PackageLogs {
 public:
  static constexpr std::size_t kMostPerLook = std::size_t{1} << 20;  // bytes of one log; the rest with the next look
  // What is older is not told when the probe was away for long.
  static constexpr Duration kOldest = std::chrono::hours(24);

  // As WatchedTrees.
  PackageLogs(Fd root, std::string root_path, std::shared_ptr<DirectoryWatch> news);

  // At the first look a log is read on where the memory says, else from its end.
  std::vector<DatedPackageChange> look(WallTime now, const Memory& memory);

  bool any() const;                                      // a package manager that is understood keeps a log here
  bool has_more() const { return more_; }                // the last look left something
  bool has_news_of(const std::set<int>& watches) const;  // of a log, or of the directory of the logs
  std::vector<LogPlace> places() const;

 private:
  struct Log {
    std::string path;
    std::optional<PackageChange> (*parse)(std::string_view line) = nullptr;
    Fd file;  // none: it is not there
    LogPlace place;
    int watch = -1;
  };
  void open(Log& log, bool first, const Memory& memory, std::vector<DatedPackageChange>& ret_changes, WallTime now);
  void read(Log& log, std::vector<DatedPackageChange>& ret_changes, WallTime now);

  const Fd root_;
  const std::string root_path_;
  const std::shared_ptr<DirectoryWatch> news_;
  std::vector<Log> logs_;
  int directory_watch_ = -1;
  std::optional<WallTime> looked_at_;
  WallTime since_;  // what is read now was not written before
  bool more_ = false;
};

}  // namespace hostmedic::change
