// SPDX-License-Identifier: Apache-2.0
#include "agent/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "agent/base/text.h"

namespace hostmedic {

Result<Fd> open_at(int dir, const std::string& path, int flags, unsigned mode) {
  const int fd = ::openat(dir, path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return errno_error(errno, "open " + path);
  return Fd(fd);
}

Result<Fd> open_dir(const std::string& path) { return open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY); }

Result<std::string> read_file_at(int dir, const std::string& path, Bytes most) {
  auto fd = open_at(dir, path, O_RDONLY | O_NONBLOCK);
  if (!fd) return std::move(fd).error();
  std::string text;
  char chunk[16384];
  for (;;) {
    const ssize_t n = ::read(fd->get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, "read " + path);
    if (n == 0) return text;
    if (text.size() + static_cast<std::size_t>(n) > most.count)
      return make_error(ErrorCode::limit, path + " is larger than " + format_bytes(most));
    text.append(chunk, static_cast<std::size_t>(n));
  }
}

Result<std::string> read_file(const std::string& path, Bytes most) { return read_file_at(AT_FDCWD, path, most); }

Result<std::string_view> pread_all(int fd, std::span<char> buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ssize_t n = ::pread(fd, buffer.data() + filled, buffer.size() - filled, static_cast<off_t>(filled));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(errno, "pread");
    if (n == 0) return std::string_view(buffer.data(), filled);
    filled += static_cast<std::size_t>(n);
  }
  return make_error(ErrorCode::limit, strf("does not fit into %zu bytes", buffer.size()));
}

Status write_file_atomic(const std::string& path, std::string_view content, unsigned mode) {
  const std::string temporary = path + ".tmp" + std::to_string(::getpid());
  auto fd = open_at(AT_FDCWD, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
  if (!fd) return std::move(fd).error();
  const auto fail = [&](const char* what) {
    Error error = errno_error(errno, std::string(what) + " " + temporary);
    (void)::unlink(temporary.c_str());  // best effort: the first error is the one to report
    return error;
  };
  std::string_view rest = content;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd->get(), rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail("write");
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fchmod(fd->get(), mode) != 0) return fail("chmod");
  if (::fsync(fd->get()) != 0) return fail("fsync");
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail("rename");
  const auto slash = path.find_last_of('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash == 0 ? 1 : slash);
  auto directory = open_dir(parent);
  if (!directory) return std::move(directory).error();
  if (::fsync(directory->get()) != 0) return errno_error(errno, "fsync " + parent);
  return ok();
}

}  // namespace hostmedic
