// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/own_programs.h"

#include <bpf/bpf.h>
#include <dirent.h>
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
std::vector<int> descriptors_of(std::string_view kind) {
  std::vector<int> found;
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(::opendir("/proc/self/fd"));
  while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
    std::array<char, 64> target{};
    const ssize_t n = ::readlinkat(::dirfd(directory.get()), entry->d_name, target.data(), target.size());
    if (n <= 0 || std::string_view(target.data(), static_cast<std::size_t>(n)) != kind) continue;
    if (const auto fd = parse_u64(entry->d_name)) found.push_back(static_cast<int>(*fd));
  }
  return found;
}

std::uint64_t locked_bytes(int fd) {
  const auto text = read_file("/proc/self/fdinfo/" + std::to_string(fd), kib(4));
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

std::vector<OwnProgram> own_programs() {
  std::vector<OwnProgram> programs;
  for (const int fd : descriptors_of("anon_inode:bpf-prog")) {
    bpf_prog_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) continue;
    programs.push_back({info.id, info.name, info.run_cnt, info.run_time_ns});
  }
  return each_once(std::move(programs));
}

std::vector<OwnMap> own_maps() {
  std::vector<OwnMap> maps;
  for (const int fd : descriptors_of("anon_inode:bpf-map")) {
    bpf_map_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0) maps.push_back({info.id, locked_bytes(fd)});
  }
  return each_once(std::move(maps));
}

Result<Fd> keep_statistics() {
  Fd fd(bpf_enable_stats(BPF_STATS_RUN_TIME));
  if (!fd) return errno_error(errno, "the kernel keeps no statistics of BPF programs for us");
  return fd;
}

}  // namespace hostmedic::bpf
