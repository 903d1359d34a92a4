// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_root_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "agent/base/text.h"

namespace hostmedic {
namespace {

Error denied(const std::string& path, const char* why) {
  return make_error(ErrorCode::denied, printable(path, 300) + " " + why);
}

Status of_root(int fd, const std::string& path) {
  struct stat seen{};
  if (::fstat(fd, &seen) != 0) return errno_error(errno, path);
  if (seen.st_uid != 0) return denied(path, "does not belong to root");
  if ((seen.st_mode & (S_IWGRP | S_IWOTH)) != 0) return denied(path, "can be written by others than root");
  if (S_ISDIR(seen.st_mode)) return ok();
  if (!S_ISREG(seen.st_mode)) return denied(path, "is not an ordinary file");
  if (seen.st_nlink != 1) return denied(path, "is known by several names");
  return ok();
}

}  // namespace

Result<Fd> open_root_file(const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    return denied(path, "is not a file of that directory");
  const Fd dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!dir) return errno_error(errno, directory);
  if (Status safe = of_root(dir.get(), directory); !safe) return safe.error();
  struct open_how how{};
  how.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;  // a FIFO would wait for its writer
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  Fd file(static_cast<int>(::syscall(SYS_openat2, dir.get(), name.c_str(), &how, sizeof how)));
  if (!file && (errno == ELOOP || errno == EXDEV)) return denied(path, "is a link or a mount point");
  if (!file) return errno_error(errno, path);
  if (Status safe = of_root(file.get(), path); !safe) return safe.error();
  return file;
}

}  // namespace hostmedic
