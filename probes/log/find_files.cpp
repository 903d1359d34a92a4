// SPDX-License-Identifier: Apache-2.0
#include "probes/log/find_files.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/file.h"
#include "agent/base/text.h"

namespace hostmedic::log {
namespace {

constexpr std::size_t kMostNames = 4096;  // read of all directories of one pattern
constexpr std::string_view kCompressed[] = {".gz", ".xz", ".bz2", ".zst", ".lz4", ".zip"};

bool varies(std::string_view component) { return component.find_first_of("*?") != std::string_view::npos; }

struct Search {
  std::vector<std::string> components;
  const VisitFile& visit;
  std::size_t names_left = kMostNames;

  void file(int dir, const std::string& name, const std::string& path) const {
    if (std::ranges::any_of(kCompressed, [&](std::string_view end) { return name.ends_with(end); })) return;
    struct stat found{};
    if (::fstatat(dir, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(found.st_mode)) return;
    visit(dir, name, path, found);
  }
  void enter(int dir, const std::string& name, const std::string& path, std::size_t depth, int more_flags) {
    const auto below = open_at(dir, name, O_RDONLY | O_DIRECTORY | more_flags);
    if (below) look(below->get(), path, depth);
  }
  void take(int dir, const std::string& name, const std::string& path, std::size_t depth, int more_flags) {
    const std::string full = path + "/" + name;
    if (depth + 1 == components.size()) {
      file(dir, name, full);
    } else {
      enter(dir, name, full, depth + 1, more_flags);
    }
  }
  void look(int dir, const std::string& path, std::size_t depth) {
    const std::string& component = components[depth];
    if (!varies(component)) return take(dir, component, path, depth, 0);
    auto again = open_at(dir, ".", O_RDONLY | O_DIRECTORY);
    if (!again) return;
    DIR* raw = ::fdopendir(again->get());
    if (raw == nullptr) return;
    (void)again->release();  // now the list's
    const std::unique_ptr<DIR, int (*)(DIR*)> list(raw, ::closedir);
    while (const dirent* entry = ::readdir(list.get())) {
      const std::string name = entry->d_name;
      if (names_left == 0) return;
      --names_left;
      if ((name.starts_with('.') && !component.starts_with('.')) || !glob_match(component, name)) continue;
      take(dir, name, path, depth, O_NOFOLLOW);
    }
  }
};

}  // namespace

void find_files(const std::string& prefix, const std::string& pattern, const VisitFile& visit) {
  Search search{{}, visit};
  for (const std::string_view component : split(std::string_view(pattern).substr(1), '/'))
    search.components.emplace_back(component);
  const auto root = open_dir(prefix.empty() ? "/" : prefix);
  if (root) search.look(root->get(), "", 0);
}

std::string fixed_part(const std::string& pattern) {
  const std::size_t variable = std::min(pattern.find_first_of("*?"), pattern.size());
  const std::size_t end = pattern.rfind('/', variable);
  return end == 0 || end == std::string::npos ? "/" : pattern.substr(0, end);
}

}  // namespace hostmedic::log
