// SPDX-License-Identifier: Apache-2.0
// Inotify: which directories, or which file, something happened to. Made and read by the probe; directories are added
// by its worker, which the kernel permits at the same time. A filesystem that cannot be watched (network, some
// overlays) or a limit that is reached shows as a failed add(); who adds then looks by itself from time to time.
#pragma once

#include <memory>
#include <set>
#include <string>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace hostmedic::change {

class DirectoryWatch {
 public:
  static Result<std::shared_ptr<DirectoryWatch>> make();
  explicit DirectoryWatch(Fd fd) : fd_(std::move(fd)) {}
  int fd() const { return fd_.get(); }

  // The number under which news of the directory come; the same for the same directory. -1: it cannot be watched.
  int add_directory(const std::string& path) const;  // entries made, written, renamed, removed
  int add_names(const std::string& path) const;      // entries made or renamed only
  int add_written(const std::string& path) const;    // entries that are complete: written and closed, or moved there
  int add_file(const std::string& path) const;       // written
  void remove(int watch) const;

  // Takes what happened. False: news were lost, so anything may have.
  bool read(std::set<int>& ret_watches) const;

 private:
  Fd fd_;
};

}  // namespace hostmedic::change
