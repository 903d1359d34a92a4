// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/own_programs.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string_view>

#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic::bpf {
namespace {

// Our descriptors of one kind, as the kernel names it: "anon_inode:bpf-prog".
std::vector<int> descriptors_of(int proc, std::string_view kind) {
  std::vector<int> found;
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  auto opened = open_at(proc, "self/fd", O_RDONLY | O_DIRECTORY);
  const std::unique_ptr<DIR, Close> directory(opened ? ::fdopendir(opened->get()) : nullptr);
  if (directory) (void)opened->release();  // the stream closes it
  while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
    std::array<char, 64> target{};
    const ssize_t n = ::readlinkat(::dirfd(directory.get()), entry->d_name, target.data(), target.size());
    if (n <= 0 || std::string_view(target.data(), static_cast<std::size_t>(n)) != kind) continue;
    if (const auto fd = parse_u64(entry->d_name)) found.push_back(static_cast<int>(*fd));
  }
  return found;
}

std::uint64_t locked_bytes(int proc, int fd) {
  const auto text = read_file_at(proc, "self/fdinfo/" + std::to_string(fd), kib(4));
  if (!text) return 0;
  for (const std::string_view line : split(*text, '\n')) {
    constexpr std::string_view kKey = "memlock:";
    if (line.starts_with(kKey)) return parse_u64(trim(line.substr(kKey.size()))).value_or(0);
  }
  return 0;
}

template <class Rows>
Rows each_once(Rows rows) {
  std::ranges::sort(rows, {}, &Rows::value_type::id);
  const auto rest = std::ranges::unique(rows, {}, &Rows::value_type::id);
  rows.erase(rest.begin(), rest.end());
  return rows;
}

}  // namespace

std::vector<OwnProgram> own_programs(int proc) {
  std::vector<OwnProgram> programs;
  for (const int fd : descriptors_of(proc, "anon_inode:bpf-prog")) {
    bpf_prog_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) continue;
    programs.push_back({info.id, info.name, info.run_cnt, info.run_time_ns, info.verified_insns});
  }
  return each_once(std::move(programs));
}

std::vector<OwnMap> own_maps(int proc) {
  std::vector<OwnMap> maps;
  for (const int fd : descriptors_of(proc, "anon_inode:bpf-map")) {
    bpf_map_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0) maps.push_back({info.id, locked_bytes(proc, fd)});
  }
  return each_once(std::move(maps));
}

Result<Fd> keep_statistics() {
  Fd fd(bpf_enable_stats(BPF_STATS_RUN_TIME));
  if (!fd) return errno_error(errno, "the kernel keeps no statistics of BPF programs for us");
  return fd;
}

}  // namespace hostmedic::bpf
