// SPDX-License-Identifier: Apache-2.0
#include "probes/change/directory_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace hostmedic::change {
namespace {

constexpr std::size_t kMostPending = 4096;  // watches with news; past it everything is looked at

}  // namespace

Result<std::shared_ptr<DirectoryWatch>> DirectoryWatch::make() {
  Fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd) return errno_error(errno, "inotify");
  return std::make_shared<DirectoryWatch>(std::move(fd));
}

int DirectoryWatch::add_directory(const std::string& path) const {
  constexpr std::uint32_t kNews = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
  return ::inotify_add_watch(fd_.get(), path.c_str(), kNews | IN_ONLYDIR | IN_EXCL_UNLINK);
}
int DirectoryWatch::add_names(const std::string& path) const {
  return ::inotify_add_watch(fd_.get(), path.c_str(), IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
}
int DirectoryWatch::add_written(const std::string& path) const {
  return ::inotify_add_watch(fd_.get(), path.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
}
int DirectoryWatch::add_file(const std::string& path) const {
  return ::inotify_add_watch(fd_.get(), path.c_str(), IN_MODIFY | IN_DONT_FOLLOW);
}

// It may have gone with its directory.
void DirectoryWatch::remove(int watch) const { (void)::inotify_rm_watch(fd_.get(), watch); }

bool DirectoryWatch::read(std::set<int>& ret_watches) const {
  alignas(inotify_event) char buffer[16384];
  bool whole = true;
  for (;;) {
    const ssize_t n = ::read(fd_.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return whole;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(n);) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof event);
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0 || ret_watches.size() >= kMostPending)
        whole = false;
      else if ((event.mask & IN_IGNORED) == 0)
        ret_watches.insert(event.wd);
    }
  }
}

}  // namespace hostmedic::change
