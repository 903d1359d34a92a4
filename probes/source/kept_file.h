// SPDX-License-Identifier: Apache-2.0
// A small kernel file that is read again and again: opened once, read with pread. One thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace hostmedic {

class KeptFile {
 public:
  // How the kernel hands the file out. whole: in one read, which saves the second one that finds the end. small: the
  // same, and at most kSmallBytes. For /proc/sys, where the kernel allocates and clears as much as is asked for.
  enum class Shape { whole, small, pieces };

  KeptFile() = default;
  // path is relative to dir, which must stay open longer than this.
  KeptFile(int dir, std::string path, Shape shape) : dir_(dir), path_(std::move(path)), shape_(shape) {}

  // The content now, from a buffer of the thread: valid until the next read of any KeptFile on this thread. Opens at
  // the first call, and again when what the file spoke of was replaced (ENODEV, ESTALE). At most kMostBytes, else
  // limit.
  Result<std::string_view> read();
  // Opens without reading; for those who ask whether it is there.
  Status open();

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20, kSmallBytes = 1024;

 private:
  Result<std::string_view> read_open();

  int dir_ = -1;
  std::string path_;
  Shape shape_ = Shape::whole;
  Fd fd_;
};

}  // namespace hostmedic
