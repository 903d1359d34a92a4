// SPDX-License-Identifier: Apache-2.0
#include "agent/score/lines.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "agent/base/file.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kChunk = 1 << 16;
constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

Result<ReadBytes> read_bytes_of(const std::string& path) {
  auto opened = open_at(AT_FDCWD, path, O_RDONLY | O_NOCTTY);
  if (!opened) return std::move(opened).error();
  // std::function wants what can be copied.
  auto file = std::make_shared<Fd>(std::move(*opened));
  return ReadBytes([file](std::span<char> room) -> Result<std::size_t> {
    for (;;) {
      const ssize_t n = ::read(file->get(), room.data(), room.size());
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno != EINTR) return errno_error(errno, "reading");
    }
  });
}

// Unpacked bytes into the room; 0 at the end of the text.
Result<std::size_t> LineReader::unpack(std::span<char> room) {
  for (;;) {
    if (packed_at_ == packed_.size() && !ended_) {
      packed_.resize(kChunk);
      packed_at_ = 0;
      auto size = read_(packed_);
      if (!size) return size;
      packed_.resize(*size);
      ended_ = *size == 0;
    }
    if (!begun_) {
      begun_ = true;
      if (packed_.starts_with(kGzipMagic)) {
        auto gunzip = GunzipStream::make();
        if (!gunzip) return std::move(gunzip).error();
        gunzip_ = std::move(*gunzip);
      }
    }
    const std::string_view left = std::string_view(packed_).substr(packed_at_);
    if (left.empty()) {
      if (gunzip_ && !gunzip_->complete()) return make_error(ErrorCode::malformed, "the gzip data is cut short");
      return std::size_t{0};
    }
    if (!gunzip_) {
      const std::size_t size = std::min(left.size(), room.size());
      std::memcpy(room.data(), left.data(), size);
      packed_at_ += size;
      return size;
    }
    const auto progress = gunzip_->step(left, room);
    if (!progress) return progress.error();
    packed_at_ += progress->taken;
    if (progress->given > 0) return progress->given;
  }
}

// More text behind what is there.
Status LineReader::fill() {
  text_.erase(0, text_at_);
  text_at_ = 0;
  const std::size_t before = text_.size();
  text_.resize(before + kChunk);
  const auto size = unpack(std::span(text_).subspan(before));
  text_.resize(before + (size ? *size : 0));
  if (!size) return size.error();
  return ok();
}

Result<std::optional<std::string_view>> LineReader::next() {
  std::size_t searched = 0;
  for (;;) {
    const std::size_t end = text_.find('\n', text_at_ + searched);
    searched = text_.size() - text_at_;
    const bool last = end == std::string::npos;
    if (last && searched <= kMostLine) {
      if (auto filled = fill(); !filled) return ++number_, std::move(filled).error();
      if (text_.size() - text_at_ > searched) continue;
      if (searched == 0) return std::optional<std::string_view>();
    }
    std::string_view line = std::string_view(text_).substr(text_at_, last ? searched : end - text_at_);
    ++number_;
    if (line.size() > kMostLine) return make_error(ErrorCode::limit, strf("a line of more than %zu bytes", kMostLine));
    text_at_ += line.size() + (last ? 0 : 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (number_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    return std::optional(line);
  }
}

}  // namespace hostmedic
