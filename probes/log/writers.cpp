// SPDX-License-Identifier: Apache-2.0
#include "probes/log/writers.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
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

}  // namespace

Writers find_writers(int proc, const std::string& path, std::uint64_t device, std::uint64_t inode) {
  Writers writers;
  const Dir processes = open_list(proc, ".");
  if (!processes) return writers;
  const File file{std::string_view(path).substr(path.rfind('/') + 1), device, inode};
  bool all_append = true;
  std::size_t seen = 0;
  while (const dirent* entry = ::readdir(processes.get())) {
    const auto pid = parse_u64(entry->d_name);
    if (!pid || *pid > UINT32_MAX) continue;
    if (++seen > kMostProcesses) break;
    const auto process = open_at(proc, entry->d_name, O_RDONLY | O_DIRECTORY);
    if (!process) continue;
    const Use use = use_of(process->get(), file);
    if (!use.writes) continue;
    ++writers.count;
    all_append = all_append && use.appends;
    if (!writers.unit.empty()) continue;
    const auto groups = read_file_at(process->get(), "cgroup", kib(64));
    std::string unit(groups ? parse_process_unit(*groups) : std::string_view());
    if (writers.pid != 0 && unit.empty()) continue;
    writers.pid = static_cast<std::uint32_t>(*pid);
    writers.unit = std::move(unit);
    const auto name = read_file_at(process->get(), "comm", kib(1));
    writers.name = name ? printable(trim(*name), 64) : "";
  }
  writers.all_append = writers.count > 0 && all_append;
  return writers;
}

}  // namespace hostmedic::log
