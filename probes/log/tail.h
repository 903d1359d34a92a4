// SPDX-License-Identifier: Apache-2.0
// One file to which lines are appended, read as it grows. Keeps an offset and no text: what has no line end yet is read
// again when there is more. The file is the open one, whatever becomes of its name; that a shorter one was put in its
// place (copytruncate) is seen by its size. One thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace hostmedic::log {

inline constexpr std::size_t kLongestLine = 8192;  // what is longer is cut

class TailedFile {
 public:
  // A line without its end, and how many lines it stands for: more than one when part of the growth was skipped.
  using TakeLine = std::function<void(std::string_view line, double weight)>;

  TailedFile() = default;
  // offset: where to begin; inside a line, its rest is left out.
  TailedFile(Fd file, std::uint64_t offset) : file_(std::move(file)) { begin_at(offset); }

  struct Read {
    std::uint64_t grown = 0, skipped = 0;  // bytes
  };
  // Reads what was appended, at most `most` bytes of it: of more, the last. buffer: at least kLongestLine.
  Result<Read> read(std::span<char> buffer, std::uint64_t most, const TakeLine& take);
  // The last line, although it has no end; for a file to which nothing more will be written.
  void finish(std::span<char> buffer, const TakeLine& take);

  int fd() const { return file_.get(); }
  bool has_more(const struct stat& now) const { return static_cast<std::uint64_t>(now.st_size) != size_; }

 private:
  // One byte earlier: the end of the line before is the end of what is left out.
  void begin_at(std::uint64_t offset) {
    offset_ = offset > 0 ? offset - 1 : 0;
    inside_line_ = offset > 0;
  }
  std::size_t take_lines(std::string_view text, double weight, const TakeLine& take);

  Fd file_;
  std::uint64_t offset_ = 0, size_ = 0;  // size_: when it was last read
  bool inside_line_ = false;             // what comes belongs to a line that is left out
};

}  // namespace hostmedic::log
