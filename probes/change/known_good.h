// SPDX-License-Identifier: Apache-2.0
// Copies of configuration files as they were before they changed, kept below the probe's state directory under the
// path that they have on the host: STATE/known-good/etc/nginx/nginx.conf. Only what everybody may read is kept (file_
// rules.h), in directories that nobody else may enter. Bounded; a directory of somebody else is only read. Blocking;
// one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/fd.h"
#include "agent/base/time.h"

namespace hostmedic::change {

class KnownGood {
 public:
  static constexpr Bytes kMostFile = kib(64), kMostTotal = mib(16);
  static constexpr std::size_t kMostFiles = 4096;

  // state_dir: absolute; empty: nothing is kept and nothing known.
  explicit KnownGood(const std::string& state_dir);

  // Text that is not too long.
  static bool takes(std::string_view content) {
    return content.size() <= kMostFile.count && content.find('\0') == std::string_view::npos;
  }
  bool knows(const std::string& path) const { return copies_.contains(path); }
  // When the copy was made; what was not changed since is like it.
  std::optional<WallTime> made_at(const std::string& path) const;
  std::optional<std::string> read(const std::string& path) const;
  // False: past a bound, not text, or it could not be written; what was there before stays.
  bool keep(const std::string& path, std::string_view content);
  void drop(const std::string& path);
  // Makes what was kept outlast a power cut. One call for many.
  void settle();

  template <class Visit>
  void each(Visit visit) const {  // the paths, sorted
    for (const auto& [path, copy] : copies_) visit(path);
  }
  bool writes() const { return writes_; }
  std::uint64_t refused() const { return refused_; }  // for want of room

 private:
  struct Copy {
    std::uint64_t size = 0;
    WallTime made;
  };
  void list(const std::string& path, int depth);

  Fd dir_;
  bool writes_ = false, unsettled_ = false;
  std::map<std::string, Copy> copies_;
  std::uint64_t total_ = 0, refused_ = 0;
};

}  // namespace hostmedic::change
