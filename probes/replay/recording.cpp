// SPDX-License-Identifier: Apache-2.0
#include "probes/replay/recording.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "agent/base/text.h"
#include "detect/model/codec.h"

namespace hostmedic {
namespace {

constexpr std::string_view kHead = "HMR1\n";
constexpr std::size_t kLength = 4;

}  // namespace

Status RecordingWriter::append(std::string_view frame) {
  bytes_.clear();
  if (!begun_) bytes_ = kHead;
  begun_ = true;
  for (std::size_t i = 0; i < kLength; ++i) bytes_ += static_cast<char>(frame.size() >> (8 * i) & 0xff);
  bytes_ += frame;
  for (std::string_view rest = bytes_; !rest.empty();) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, "write the recording");
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  return ok();
}

Result<RecordingReader> RecordingReader::open(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return errno_error(errno, path);
  RecordingReader reader(std::move(fd));
  const auto head = reader.take(kHead.size());
  if (!head) return head.error();
  if (reader.bytes_ != kHead) return make_error(ErrorCode::malformed, path + " is not a recording");
  return reader;
}

// Reads up to `size` bytes into bytes_; fewer only at the end of the file.
Result<std::size_t> RecordingReader::take(std::size_t size) {
  bytes_.resize(size);
  std::size_t have = 0;
  while (have < size) {
    const ssize_t n = ::read(fd_.get(), bytes_.data() + have, size - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, "read the recording");
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  bytes_.resize(have);
  at_ += have;
  return have;
}

Result<bool> RecordingReader::next(Frame& ret_frame) {
  const std::uint64_t begin = at_;
  const auto bad = [&](const std::string& what) {
    return make_error(ErrorCode::malformed,
                      strf("recording, byte %llu: ", static_cast<unsigned long long>(begin)) + what);
  };
  auto have = take(kLength);
  if (!have) return std::move(have).error();
  if (*have < kLength) return false;
  std::size_t size = 0;
  for (std::size_t i = 0; i < kLength; ++i)
    size |= static_cast<std::size_t>(static_cast<unsigned char>(bytes_[i])) << (8 * i);
  if (size > kMostFrameBytes) return bad("a frame of " + std::to_string(size) + " bytes");
  have = take(size);
  if (!have) return std::move(have).error();
  if (*have < size) return false;
  if (auto decoded = decode_frame(bytes_, ret_frame); !decoded) return bad(decoded.error().message());
  return true;
}

void shift(Frame& frame, Duration by_mono, Duration by_wall) {
  frame.mono += by_mono;
  frame.wall += by_wall;
  for (Event& event : frame.events) event.at += by_mono;
}

}  // namespace hostmedic
