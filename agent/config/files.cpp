// SPDX-License-Identifier: Apache-2.0
#include "agent/config/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "agent/base/file.h"

namespace hostmedic {

Node load_toml(const std::string& path, Diagnostics& diagnostics) {
  const auto text = read_file(path, Bytes{kMostConfigBytes});
  if (text) return parse_toml(*text, path, diagnostics);
  diagnostics.error(path, {}, "cannot be read: " + text.error().message());
  return {};
}

std::vector<std::string> toml_files(const std::string& directory, Diagnostics& diagnostics) {
  constexpr std::size_t kMostFiles = 256;
  std::vector<std::string> paths;
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr) {
    if (errno != ENOENT)
      diagnostics.error(directory, {}, "the directory cannot be read: " + errno_error(errno, "opendir").message());
    return paths;
  }
  errno = 0;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string name = entry->d_name;
    if (name.starts_with('.') || !name.ends_with(".toml")) continue;
    paths.push_back(directory + "/" + name);
  }
  if (errno != 0)
    diagnostics.error(directory, {}, "the directory cannot be read: " + errno_error(errno, "readdir").message());
  (void)::closedir(dir);  // nothing was written
  std::sort(paths.begin(), paths.end());
  if (paths.size() > kMostFiles) {
    diagnostics.error(directory, {}, "more than 256 files");
    paths.resize(kMostFiles);
  }
  return paths;
}

namespace {
void require_root_only(const std::string& path, Diagnostics& diagnostics) {
  struct stat seen{};
  if (::lstat(path.c_str(), &seen) != 0) return;  // reading it will say so
  if (S_ISLNK(seen.st_mode)) diagnostics.error(path, {}, "is a link; it must be a plain file");
  if (seen.st_uid != 0) diagnostics.error(path, {}, "is not owned by root");
  if ((seen.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !S_ISLNK(seen.st_mode))
    diagnostics.error(path, {}, "may be written by others than root");
}
}  // namespace

void require_root_owned(const std::string& path, Diagnostics& diagnostics) {
  require_root_only(path, diagnostics);
  const auto slash = path.rfind('/');
  require_root_only(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash), diagnostics);
}

bool file_exists(const std::string& path) {
  struct stat seen{};
  return ::stat(path.c_str(), &seen) == 0 || errno != ENOENT;
}

}  // namespace hostmedic
