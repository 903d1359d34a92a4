// SPDX-License-Identifier: Apache-2.0
// The host's mounts, to name the filesystem that holds a path as the filesystem probe names it. One thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/file.h"
#include "probes/disk/select_mounts.h"
#include "probes/parse/mountinfo.h"
#include "probes/probe.h"
#include "probes/source/roots.h"

namespace hostmedic::service {

class KnownMounts {
 public:
  explicit KnownMounts(const Roots& roots) : proc_(roots.proc.get()), path_(mount_view(roots).mountinfo) {}

  // Reads the table if what is known is older than a minute. What cannot be read is as if nothing were mounted.
  void refresh(MonoTime now) {
    constexpr Duration kMostAge = std::chrono::minutes(1);
    constexpr Bytes kMostText = mib(4);
    if (read_at_ && now - *read_at_ < kMostAge) return;
    read_at_ = now;
    const auto text = read_file_at(proc_, path_, kMostText);
    mounts_ = text ? parse_mountinfo(*text).value_or({}) : std::vector<Mount>();
    selected_ = select_filesystems(mounts_, kMostMounts);
  }
  // Empty: on none that is followed. path is absolute and clean.
  std::string filesystem_of(std::string_view path) const {
    const Filesystem* const found = hostmedic::filesystem_of(path, mounts_, selected_);
    return found == nullptr ? std::string() : found->name;
  }

 private:
  const int proc_;
  const std::string path_;
  std::optional<MonoTime> read_at_;
  std::vector<Mount> mounts_;
  std::vector<Filesystem> selected_;
};

}  // namespace hostmedic::service
