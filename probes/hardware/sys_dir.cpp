// SPDX-License-Identifier: Apache-2.0
#include "probes/hardware/sys_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr Bytes kMostText = kib(4);
// /sys gives a text of at most one page; anything a device may say in it is cut for use in names and events.
constexpr std::size_t kMostWords = 200;

}  // namespace

SysDir::SysDir(int dir, const std::string& path)
    : fd_(::openat(dir, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

std::optional<std::string> SysDir::text(const std::string& path) const {
  if (!fd_) return std::nullopt;
  const auto content = read_file_at(fd_.get(), path, kMostText);
  if (!content) return std::nullopt;
  return printable(trim(*content), kMostWords);
}

std::optional<std::int64_t> SysDir::number(const std::string& path) const {
  const auto content = text(path);
  if (!content) return std::nullopt;
  const auto value = parse_i64(*content);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::uint64_t> SysDir::hex(const std::string& path) const {
  const auto content = text(path);
  if (!content || !content->starts_with("0x")) return std::nullopt;
  const auto value = parse_u64(std::string_view(*content).substr(2), 16);
  return value ? std::optional(*value) : std::nullopt;
}

std::vector<std::string> SysDir::list(std::string_view prefix, std::size_t most, std::size_t& ret_left_out) const {
  std::vector<std::string> names;
  if (!fd_) return names;
  Fd again(::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* dir = again ? ::fdopendir(again.get()) : nullptr;
  if (dir == nullptr) return names;
  (void)again.release();  // closedir closes it
  while (const dirent* entry = ::readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name.starts_with('.') || !name.starts_with(prefix)) continue;
    if (names.size() < most) {
      names.emplace_back(name);
    } else {
      ++ret_left_out;
    }
  }
  (void)::closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

std::string SysDir::link(const std::string& name) const {
  if (!fd_) return {};
  std::array<char, PATH_MAX> target;
  const ssize_t size = ::readlinkat(fd_.get(), name.c_str(), target.data(), target.size());
  if (size <= 0) return {};
  const std::string_view whole(target.data(), static_cast<std::size_t>(size));
  return printable(whole.substr(whole.rfind('/') + 1), kMostWords);
}

}  // namespace hostmedic
