// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/files_clean/effect_remove.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "actions/catalog/effect_beneath.h"
#include "actions/catalog/log_rotate/effect_archive.h"
#include "agent/base/bytes.h"
#include "agent/base/clock.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

enum class Fate { removed, in_use, changed, failed };

bool is_same(const struct stat& seen, const FoundFile& file) {
  return static_cast<std::uint64_t>(seen.st_dev) == file.device &&
         static_cast<std::uint64_t>(seen.st_ino) == file.inode;
}

Fate fate_of(const Error& error) { return error.code == ErrorCode::io ? Fate::failed : Fate::changed; }

// Short, so that a full directory has room for it.
std::string passing_name(std::uint64_t inode) { return ".hm" + hex64(inode).substr(4); }

Fate remove_one(int root, const FoundFile& file, WallTime before) {
  const auto dir = open_beneath(root, file.directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, Mounts::stay);
  if (!dir) return fate_of(dir.error());
  // First without opening it for use: to open a FIFO or a device is an effect of its own.
  const auto looked = open_beneath(dir->get(), file.name, O_PATH | O_NOFOLLOW, Mounts::stay);
  if (!looked) return fate_of(looked.error());
  const auto seen = stat_ordinary(looked->get(), file.name);
  if (!seen || !is_same(*seen, file) || last_change(*seen) >= before || is_kept_by_mark(*seen)) return Fate::changed;
  const auto opened = open_beneath(dir->get(), file.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME, Mounts::stay);
  if (!opened) return fate_of(opened.error());
  const auto used = stat_ordinary(opened->get(), file.name);
  if (!used || !is_same(*used, file)) return Fate::changed;
  if (!is_sole_user(opened->get())) return Fate::in_use;

  const std::string passing = passing_name(file.inode);
  if (::renameat2(dir->get(), file.name.c_str(), dir->get(), passing.c_str(), RENAME_NOREPLACE) != 0)
    return errno == ENOENT ? Fate::changed : Fate::failed;
  struct stat moved{};
  const bool ours = ::fstatat(dir->get(), passing.c_str(), &moved, AT_SYMLINK_NOFOLLOW) == 0 && is_same(moved, file) &&
                    moved.st_nlink == 1;
  if (ours && is_sole_user(opened->get()))
    return ::unlinkat(dir->get(), passing.c_str(), 0) == 0 ? Fate::removed : Fate::failed;
  // Somebody was faster. What we hold goes back, unless the name has been taken again: then both stay.
  // uncovered: somebody has to come between two calls; the test of exchanged names gets here only now and then
  if (::renameat2(dir->get(), passing.c_str(), dir->get(), file.name.c_str(), RENAME_NOREPLACE) != 0)
    return Fate::failed;
  return ours ? Fate::in_use : Fate::changed;  // uncovered: as above
}

std::string path_of(const FoundFile& file) {
  return printable((file.directory == "." ? "" : file.directory.substr(2) + "/") + file.name, 300);
}

}  // namespace

RemoveReport remove_files(int root, const std::vector<FoundFile>& files, const RemoveRules& rules) {
  RemoveReport report;
  for (const FoundFile& file : files) {
    if (report.bytes >= rules.free_bytes || report.files >= rules.most_files || mono_now() >= rules.deadline) break;
    switch (remove_one(root, file, rules.before)) {
      case Fate::in_use: ++report.in_use; break;
      case Fate::changed: ++report.changed; break;
      case Fate::failed: ++report.failed; break;
      case Fate::removed:
        // Standard error is the journal: what was removed is told file by file.
        std::fprintf(stderr, "removed %s, %s\n", path_of(file).c_str(), format_bytes(Bytes{file.bytes}).c_str());
        if (report.files++ == 0) report.largest = path_of(file);
        report.bytes += file.bytes;
    }
  }
  return report;
}

}  // namespace hostmedic
