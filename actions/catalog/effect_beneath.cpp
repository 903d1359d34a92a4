// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace hostmedic {
namespace {

Result<Fd> open_how_at(int dir, const std::string& path, int flags, std::uint64_t resolve) {
  struct open_how how{};
  how.flags = static_cast<unsigned>(flags) | O_CLOEXEC;
  how.resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  Fd fd;
  do {
    fd = Fd(static_cast<int>(::syscall(SYS_openat2, dir, path.c_str(), &how, sizeof how)));
  } while (!fd && (errno == EAGAIN || errno == EINTR));
  if (fd) return fd;
  if (errno == ELOOP) return make_error(ErrorCode::denied, path + " leads through a symbolic link");
  if (errno == EXDEV) return make_error(ErrorCode::denied, path + " leads to another mount, or outside");
  if (errno == ENOSYS) return make_error(ErrorCode::unsupported, "this kernel has no openat2");
  return errno_error(errno, path);
}

}  // namespace

Result<Fd> open_beneath(int dir, const std::string& path, int flags, Mounts mounts) {
  return open_how_at(dir, path, flags, RESOLVE_BENEATH | (mounts == Mounts::stay ? RESOLVE_NO_XDEV : 0U));
}

Result<Fd> open_without_links(const std::string& path, int flags) { return open_how_at(AT_FDCWD, path, flags, 0); }

Result<struct stat> stat_ordinary(int fd, const std::string& path) {
  struct stat seen{};
  if (::fstat(fd, &seen) != 0) return errno_error(errno, path);
  if (!S_ISREG(seen.st_mode)) return make_error(ErrorCode::denied, path + " is not an ordinary file");
  if (seen.st_nlink != 1) return make_error(ErrorCode::denied, path + " is known by more than one name");
  return seen;
}

std::optional<std::uint64_t> available_on(int fd) {
  struct statvfs seen{};
  if (::fstatvfs(fd, &seen) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(seen.f_bavail) * seen.f_frsize;
}

}  // namespace hostmedic
