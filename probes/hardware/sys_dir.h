// SPDX-License-Identifier: Apache-2.0
// A directory of /sys and the small files in it. Opened, read and closed each time: what is read here is slow-moving,
// and a device that left must not be held. A call may hang as long as the device does not answer. Any one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/fd.h"

namespace hostmedic {

class SysDir {
 public:
  // path is relative to dir. What is not there is an empty directory.
  SysDir(int dir, const std::string& path);
  SysDir sub(const std::string& path) const { return {fd_.get(), path}; }
  explicit operator bool() const { return static_cast<bool>(fd_); }

  // The content without the newline, at most 4 KiB and printable; nothing if it cannot be read.
  std::optional<std::string> text(const std::string& path) const;
  std::optional<std::int64_t> number(const std::string& path) const;
  std::optional<std::uint64_t> hex(const std::string& path) const;  // "0x1f"
  // Names that begin with prefix, sorted; at most `most`, and all beyond are counted in ret_left_out.
  std::vector<std::string> list(std::string_view prefix, std::size_t most, std::size_t& ret_left_out) const;
  // The last part of what the symbolic link points to; empty if it is none.
  std::string link(const std::string& name) const;

 private:
  Fd fd_;
};

}  // namespace hostmedic
