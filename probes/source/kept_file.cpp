// SPDX-License-Identifier: Apache-2.0
#include "probes/source/kept_file.h"

#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <span>

#include "agent/base/file.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

// Not zeroed on purpose: pages that no file ever needed are never touched.
std::span<char> thread_buffer() {
  static thread_local const std::unique_ptr<char[]> buffer(new char[KeptFile::kMostBytes]);
  return {buffer.get(), KeptFile::kMostBytes};
}

bool was_replaced(const Error& error) { return error.sys_errno == ENODEV || error.sys_errno == ESTALE; }

}  // namespace

Status KeptFile::open() {
  auto fd = open_at(dir_, path_, O_RDONLY | O_NONBLOCK);
  if (!fd) return std::move(fd).error();
  fd_ = std::move(*fd);
  return ok();
}

Result<std::string_view> KeptFile::read_open() {
  const std::span<char> buffer = shape_ == Shape::small ? thread_buffer().first(kSmallBytes) : thread_buffer();
  if (shape_ == Shape::pieces) return pread_all(fd_.get(), buffer);
  for (;;) {
    const ssize_t n = ::pread(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, "read");
    if (static_cast<std::size_t>(n) == buffer.size())
      return make_error(ErrorCode::limit, strf("does not fit into %zu bytes", buffer.size()));
    return std::string_view(buffer.data(), static_cast<std::size_t>(n));
  }
}

Result<std::string_view> KeptFile::read() {
  const bool was_open = static_cast<bool>(fd_);
  if (!was_open) {
    if (auto opened = open(); !opened) return std::move(opened).error();
  }
  auto text = read_open();
  if (text) return text;
  fd_.reset();
  if (was_open && was_replaced(text.error())) return read();  // once: the second time it was not open before
  return std::move(text).error().in(path_);
}

}  // namespace hostmedic
