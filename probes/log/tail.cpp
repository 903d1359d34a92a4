// SPDX-License-Identifier: Apache-2.0
#include "probes/log/tail.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace hostmedic::log {

// Takes the whole lines of text, and of a line that is too long its beginning. Returns how much of text is done with.
std::size_t TailedFile::take_lines(std::string_view text, double weight, const TakeLine& take) {
  std::size_t done = 0;
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', done)) {
    if (!inside_line_) take(text.substr(done, std::min(end - done, kLongestLine)), weight);
    inside_line_ = false;
    done = end + 1;
  }
  if (text.size() - done < kLongestLine) return inside_line_ ? text.size() : done;
  if (!inside_line_) take(text.substr(done, kLongestLine), weight);
  inside_line_ = true;
  return text.size();
}

Result<TailedFile::Read> TailedFile::read(std::span<char> buffer, std::uint64_t most, const TakeLine& take) {
  struct stat now{};
  if (::fstat(file_.get(), &now) != 0) return errno_error(errno, "log file");
  const auto size = static_cast<std::uint64_t>(now.st_size);
  if (size == size_) return Read{};
  if (size < offset_) begin_at(0);
  size_ = size;
  Read read{.grown = size - offset_};
  double weight = 1;
  if (read.grown > most) {
    read.skipped = read.grown - most;
    weight = static_cast<double>(read.grown) / static_cast<double>(most);
    begin_at(offset_ + read.skipped);
  }
  while (offset_ < size) {
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - offset_));
    const ssize_t got = ::pread(file_.get(), buffer.data(), want, static_cast<off_t>(offset_));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, "log file");
    if (got == 0) break;  // it shrank this moment
    const std::size_t done = take_lines({buffer.data(), static_cast<std::size_t>(got)}, weight, take);
    if (done == 0) break;  // the beginning of a line
    offset_ += done;
  }
  return read;
}

void TailedFile::finish(std::span<char> buffer, const TakeLine& take) {
  if (inside_line_) return;
  const ssize_t got = ::pread(file_.get(), buffer.data(), kLongestLine, static_cast<off_t>(offset_));
  if (got <= 0) return;
  take({buffer.data(), static_cast<std::size_t>(got)}, 1);
  offset_ += static_cast<std::uint64_t>(got);
}

}  // namespace hostmedic::log
