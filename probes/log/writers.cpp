// SPDX-License-Identifier: Apache-2.0
#include "probes/log/writers.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <climits>
#include <memory>
#include <optional>

#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "probes/parse/process_unit.h"

namespace hostmedic::log {
namespace {

struct DirClose {
  void operator()(DIR* dir) const { (void)::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, DirClose>;

Dir open_list(int at, const std::string& path) {
  auto fd = open_at(at, path, O_RDONLY | O_DIRECTORY);
  if (!fd) return nullptr;
  DIR* dir = ::fdopendir(fd->get());
  if (dir != nullptr) (void)fd->release();  // now the list's
  return Dir(dir);
}

// The flags of an open descriptor, from its fdinfo: "flags:\t0102001", octal.
std::optional<std::uint64_t> open_flags(int process, const std::string& descriptor) {
  const auto text = read_file_at(process, "fdinfo/" + descriptor, kib(64));
  if (!text) return std::nullopt;
  TextCursor lines(*text);
  while (!lines.at_end()) {
    TextCursor words(lines.line());
    if (words.word() != "flags:") continue;
    const auto flags = parse_u64(words.word(), 8);
    return flags ? std::optional(*flags) : std::nullopt;
  }
  return std::nullopt;
}

struct File {
  std::string_view last_part;
  std::uint64_t device, inode;
};

struct Use {
  bool writes = false, appends = true;
};

Use use_of(int process, const File& file) {
  Use use;
  const Dir list = open_list(process, "fd");
  if (!list) return use;
  std::size_t seen = 0;
  while (const dirent* entry = ::readdir(list.get())) {
    if (entry->d_name[0] == '.') continue;
    if (++seen > kMostDescriptors) break;
    char target[PATH_MAX];
    const ssize_t size = ::readlinkat(::dirfd(list.get()), entry->d_name, target, sizeof target);
    if (size <= 0) continue;
    const std::string_view path(target, static_cast<std::size_t>(size));
    if (path.substr(path.rfind('/') + 1) != file.last_part) continue;
    struct stat found{};
    if (::fstatat(::dirfd(list.get()), entry->d_name, &found, 0) < 0) continue;
    if (found.st_dev != file.device || found.st_ino != file.inode) continue;
    const auto flags = open_flags(process, entry->d_name);
    if (!flags || (*flags & O_ACCMODE) == O_RDONLY) continue;
    use.writes = true;
    if ((*flags & O_APPEND) == 0) use.appends = false;
  }
  return use;
}

// Takes a process that writes into account. One with a unit is named before one without.
void note(Writers& ret_writers, int process, std::uint32_t pid) {
  ++ret_writers.count;
  if (!ret_writers.unit.empty()) return;
  const auto groups = read_file_at(process, "cgroup", kib(64));
  std::string unit(groups ? parse_process_unit(*groups) : std::string_view());
  if (ret_writers.pid != 0 && unit.empty()) return;
  ret_writers.pid = pid;
  ret_writers.unit = std::move(unit);
  const auto name = read_file_at(process, "comm", kib(1));
  ret_writers.name = name ? printable(trim(*name), 64) : "";
}

// Calls visit(directory of the process, its id) for each, at most kMostProcesses.
template <class Visit>
void each_process(int proc, Visit visit) {
  const Dir processes = open_list(proc, ".");
  std::size_t seen = 0;
  while (const dirent* entry = processes ? ::readdir(processes.get()) : nullptr) {
    const auto pid = parse_u64(entry->d_name);
    if (!pid || *pid > UINT32_MAX) continue;
    if (++seen > kMostProcesses) break;
    const auto process = open_at(proc, entry->d_name, O_RDONLY | O_DIRECTORY);
    if (process) visit(process->get(), static_cast<std::uint32_t>(*pid));
  }
}

void take_deleted(int process, std::uint32_t pid, std::uint64_t device,
                  std::map<std::uint64_t, DeletedFile>& ret_files) {
  const Dir list = open_list(process, "fd");
  std::size_t seen = 0;
  while (const dirent* entry = list ? ::readdir(list.get()) : nullptr) {
    if (entry->d_name[0] == '.') continue;
    if (++seen > kMostDescriptors) break;
    char target[PATH_MAX];
    const ssize_t size = ::readlinkat(::dirfd(list.get()), entry->d_name, target, sizeof target);
    const std::string_view path(target, size > 0 ? static_cast<std::size_t>(size) : 0);
    if (!path.ends_with(kDeletedMark)) continue;
    struct statx found{};
    if (::statx(::dirfd(list.get()), entry->d_name, AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &found) < 0) continue;
    if (makedev(found.stx_dev_major, found.stx_dev_minor) != device || !S_ISREG(found.stx_mode) || found.stx_nlink != 0)
      continue;
    const auto flags = open_flags(process, entry->d_name);
    if (!flags || (*flags & O_ACCMODE) == O_RDONLY) continue;
    const bool known = ret_files.contains(found.stx_ino);
    if (!known && ret_files.size() == kMostDeleted) continue;
    DeletedFile& file = ret_files[found.stx_ino];
    file.path = path;
    file.size = found.stx_size;
    file.allocated = found.stx_blocks * 512;
    file.writers.all_append = (!known || file.writers.all_append) && (*flags & O_APPEND) != 0;
    note(file.writers, process, pid);
  }
}

}  // namespace

std::map<std::uint64_t, DeletedFile> find_deleted(int proc, std::uint64_t device) {
  std::map<std::uint64_t, DeletedFile> files;
  each_process(proc, [&](int process, std::uint32_t pid) { take_deleted(process, pid, device, files); });
  return files;
}

Writers find_writers(int proc, const std::string& path, std::uint64_t device, std::uint64_t inode) {
  Writers writers;
  const File file{std::string_view(path).substr(path.rfind('/') + 1), device, inode};
  bool all_append = true;
  each_process(proc, [&](int process, std::uint32_t pid) {
    const Use use = use_of(process, file);
    if (!use.writes) return;
    all_append = all_append && use.appends;
    note(writers, process, pid);
  });
  writers.all_append = writers.count > 0 && all_append;
  return writers;
}

}  // namespace hostmedic::log
