// SPDX-License-Identifier: Apache-2.0
// A log file by its name: what its lines say, over the files that bear the name one after the other. The file that was
// renamed away is read to its end, and for a while longer because its writer may not have noticed yet. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/base/time.h"
#include "probes/log/access_stats.h"
#include "probes/log/log_source.h"
#include "probes/log/tail.h"

namespace hostmedic::log {

class FollowedFile {
 public:
  static constexpr Duration kOldFor = std::chrono::seconds(30);
  static constexpr Duration kGoneFor = std::chrono::minutes(1);

  FollowedFile(std::string path, Fd file, const struct stat& found, std::uint64_t offset);

  const std::string& path() const { return path_; }
  bool is(const struct stat& found) const {
    return same(found, device_, inode_) || same(found, old_device_, old_inode_);
  }
  bool is_current(const struct stat& found) const { return same(found, device_, inode_); }
  std::uint64_t device() const { return device_; }
  std::uint64_t inode() const { return inode_; }

  // Another file has the name now. It is read from its beginning.
  void replace(Fd file, const struct stat& found, MonoTime now);
  void seen(MonoTime now) { seen_ = now; }
  // Its name has been gone for kGoneFor and nothing more was written.
  bool gone(MonoTime now) const { return now - std::max(seen_, grown_) >= kGoneFor; }

  // There is something to read.
  bool has_grown() const;
  // Whose log it is; asked before the first read.
  bool has_owner() const { return source_ != nullptr; }
  EntityId owner() const { return source_ ? source_->entity() : kNoEntity; }
  void set_owner(EntityId entity, MonoTime now);

  // Reads what was added, at most `most` bytes of each of its files.
  Result<TailedFile::Read> read(std::span<char> buffer, std::uint64_t most, NewTemplates& news, MonoTime now,
                                Sink& sink);
  // Takes a last line without an end; before the file is let go.
  void finish(std::span<char> buffer, NewTemplates& news, MonoTime now, Sink& sink);

  void sample(Sink& sink);
  void sample_slow(MonoTime now, Sink& sink);  // kinds of message and durations

 private:
  static bool same(const struct stat& found, std::uint64_t device, std::uint64_t inode) {
    return inode != 0 && found.st_dev == device && found.st_ino == inode;
  }
  void take(std::string_view line, double weight, NewTemplates& news, MonoTime now, Sink& sink);

  const std::string path_;
  TailedFile file_;
  std::uint64_t device_ = 0, inode_ = 0, old_device_ = 0, old_inode_ = 0;
  std::optional<TailedFile> old_;
  MonoTime old_since_, seen_, grown_;
  RecordJoiner joiner_;
  std::unique_ptr<LogSource> source_;
  std::unique_ptr<AccessStats> access_;  // once a line of an access log was seen
};

}  // namespace hostmedic::log
