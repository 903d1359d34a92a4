// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/config_rollback/effect_replace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <vector>

#include "actions/catalog/config_rollback/store.h"
#include "actions/catalog/effect_beneath.h"
#include "actions/catalog/plan_check.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

struct Opened {
  Fd dir, file;
  std::string name;
  struct stat seen{};
  std::string content;
};

bool only_root_writes(const struct stat& seen) {
  return seen.st_uid == ::geteuid() && ((seen.st_mode & 022) == 0 || S_ISLNK(seen.st_mode));
}

Result<Opened> open_config(const std::string& path) {
  Opened opened;
  const std::size_t slash = path.rfind('/');
  opened.name = path.substr(slash + 1);
  auto dir = open_without_links(path.substr(0, slash), O_RDONLY | O_DIRECTORY);
  if (!dir) return dir.error();
  opened.dir = std::move(*dir);
  struct stat above{};
  if (::fstat(opened.dir.get(), &above) != 0) return errno_error(errno, path);
  if (!only_root_writes(above)) return make_error(ErrorCode::denied, "others than root may write beside " + path);
  const auto looked = open_beneath(opened.dir.get(), opened.name, O_PATH | O_NOFOLLOW, Mounts::cross);
  if (!looked) return looked.error();
  if (const auto ordinary = stat_ordinary(looked->get(), path); !ordinary) return ordinary.error();
  auto file = open_beneath(opened.dir.get(), opened.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, Mounts::cross);
  if (!file) return file.error();
  const auto seen = stat_ordinary(file->get(), path);
  if (!seen) return seen.error();
  if (!only_root_writes(*seen)) return make_error(ErrorCode::denied, path + " is not root's alone");
  opened.seen = *seen;
  opened.file = std::move(*file);
  std::vector<char> buffer(kMostConfig.count + 1);
  const auto content = pread_all(opened.file.get(), buffer);
  if (!content) return Error(content.error()).in(path);
  opened.content = *content;
  return opened;
}

Status write_all(int fd, const std::string& content, const std::string& path) {
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t put = ::write(fd, content.data() + done, content.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno_error(errno, path);
    done += static_cast<std::size_t>(put);
  }
  return ok();
}

// Labels and access lists. What the filesystem does not know is left out.
void copy_attributes(int from, int to) {
  char names[4096], value[4096];
  const ssize_t length = ::flistxattr(from, names, sizeof names);
  for (ssize_t at = 0; at < length;) {
    const std::string name = names + at;
    at += static_cast<ssize_t>(name.size()) + 1;
    const ssize_t size = ::fgetxattr(from, name.c_str(), value, sizeof value);
    if (size >= 0) (void)::fsetxattr(to, name.c_str(), value, static_cast<std::size_t>(size), 0);
  }
}

// The new file comes under a name that no pattern of a directory of snippets matches, for a moment.
Status exchange(const Opened& old, const std::string& content, const std::string& path) {
  const std::string passing = "." + old.name.substr(0, 200) + ".hostmedic";
  (void)::unlinkat(old.dir.get(), passing.c_str(), 0);  // of a run that was killed
  const Fd fresh(::openat(old.dir.get(), passing.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fresh) return errno_error(errno, path);
  Status done = write_all(fresh.get(), content, path);
  // First the owner, since chown clears bits of the mode.
  if (done && (::fchown(fresh.get(), old.seen.st_uid, old.seen.st_gid) != 0 ||
               ::fchmod(fresh.get(), old.seen.st_mode & 07777) != 0))
    done = errno_error(errno, "owner and mode of " + path);
  if (done) copy_attributes(old.file.get(), fresh.get());
  if (done && ::fsync(fresh.get()) != 0) done = errno_error(errno, path);
  struct stat now{};
  if (done &&
      (::fstatat(old.dir.get(), old.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0 || now.st_ino != old.seen.st_ino ||
       now.st_mtim.tv_sec != old.seen.st_mtim.tv_sec || now.st_mtim.tv_nsec != old.seen.st_mtim.tv_nsec))
    // uncovered: somebody has to come between two calls; a test that races for it would pass by luck
    done = make_error(ErrorCode::conflict, path + " was changed meanwhile");
  if (done && ::renameat(old.dir.get(), passing.c_str(), old.dir.get(), old.name.c_str()) != 0)
    done = errno_error(errno, path);  // uncovered: beside the file that it replaces, only a failing disk refuses
  if (!done) {
    (void)::unlinkat(old.dir.get(), passing.c_str(), 0);
    return done;
  }
  return ::fsync(old.dir.get()) == 0 ? ok() : Status(errno_error(errno, path));
}

}  // namespace

Result<std::string> kept_content(const std::string& path, const ConfigPlaces& places) {
  auto kept = open_config(places.known_good + path);
  if (kept) return std::move(kept->content);
  if (kept.error().code == ErrorCode::not_found)
    return make_error(ErrorCode::not_found, "no good copy of " + path + " is kept (hostmedic keep " + path + ")");
  return kept.error();
}

Result<std::string> present_content(const std::string& path) {
  auto present = open_config(path);
  if (!present) return present.error();
  return std::move(present->content);
}

Result<std::string> put_kept(const std::string& path, const ConfigPlaces& places) {
  const auto kept = kept_content(path, places);
  if (!kept) return kept.error();
  const auto present = open_config(path);
  if (!present) return present.error();
  if (present->content == *kept) return make_error(ErrorCode::conflict, path + " is what was kept as good");
  if (::mkdir(places.replaced.c_str(), 0700) != 0 && errno != EEXIST) return errno_error(errno, places.replaced);
  const std::string saved =
      places.replaced + "/" + hex64(fnv1a(path)) + "-" + hex64(static_cast<std::uint64_t>(to_ns(wall_now())));
  if (const Status status = write_file_atomic(saved, present->content, 0600); !status) return status.error();
  if (const Status status = exchange(*present, *kept, path); !status) {
    (void)::unlink(saved.c_str());
    return status.error();
  }
  return saved;
}

Status put_replaced(const std::string& path, const std::string& saved, const ConfigPlaces& places) {
  if (!is_clean_path(saved) || !is_below(saved, places.replaced))
    return make_error(ErrorCode::malformed, "where the replaced content of " + path + " is, is not known");
  const auto kept = kept_content(path, places);
  if (!kept) return kept.error();
  const auto present = open_config(path);
  if (!present) return present.error();
  if (present->content != *kept)
    return make_error(ErrorCode::conflict, path + " was changed since; it is left as it is");
  const auto before = open_config(saved);
  if (!before) return before.error();
  if (const Status status = exchange(*present, before->content, path); !status) return status;
  (void)::unlink(saved.c_str());
  return ok();
}

}  // namespace hostmedic
