// SPDX-License-Identifier: Apache-2.0
// Which groups there are: the walks through a tree of control groups.
#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <memory>

#include "agent/base/file.h"
#include "probes/cgroup/layout.h"
#include "probes/parse/container_cgroup.h"
#include "probes/parse/unit_name.h"

namespace hostmedic {
namespace {

constexpr int kDeepest = 16;
constexpr int kMostDirectories = 4096;  // looked into in one walk

struct CloseDir {
  void operator()(DIR* dir) const { (void)::closedir(dir); }  // a directory that was read has nothing to flush
};
using Dir = std::unique_ptr<DIR, CloseDir>;

Result<Dir> open_listing(int parent, const std::string& path) {
  auto fd = open_at(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd) return std::move(fd).error();
  Dir dir(::fdopendir(fd->get()));
  if (!dir) return errno_error(errno, "list " + path);
  (void)fd->release();  // the listing owns it now
  return dir;
}

enum class Step : std::uint8_t { pass, descend, take };

struct Walk {
  int sys;
  const std::string& tree;
  std::size_t most;
  // What to do with a group; for take it fills the row.
  Step (*look)(std::string_view name, int depth, GroupRow& row);
  std::vector<GroupRow> found = {};
  int directories = 0;

  Status into(const std::string& path, int depth) {
    auto dir = open_listing(sys, path.empty() ? tree : tree + "/" + path);
    if (!dir) return std::move(dir).error();
    ++directories;
    while (const dirent* entry = ::readdir(dir->get())) {
      if (found.size() > most || directories > kMostDirectories) return ok();
      const std::string_view name = entry->d_name;
      if (name.starts_with('.') || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)) continue;
      GroupRow row;
      row.path = path.empty() ? std::string(name) : path + "/" + std::string(name);
      const Step step = look(name, depth, row);
      if (step == Step::take) found.push_back(std::move(row));
      if (step != Step::descend || depth >= kDeepest) continue;
      // A group may go away between the listing and the look into it.
      auto status = into(row.path, depth + 1);
      if (!status && status.error().code != ErrorCode::not_found) return status;
    }
    return ok();
  }
};

Result<std::vector<GroupRow>> walk(Walk walk) {
  if (auto status = walk.into("", 0); !status) return std::move(status).error().in("control groups");
  std::sort(walk.found.begin(), walk.found.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return std::move(walk.found);
}

Step look_for_service(std::string_view name, int depth, GroupRow& row) {
  // systemd puts '_' before a name that the kernel would take for one of its own files.
  const std::string_view unit = name.starts_with('_') ? name.substr(1) : name;
  if (unit.ends_with(".service")) {
    if (depth == 0 || is_order_unit(unit)) return Step::pass;
    row.name = unit;
    return Step::take;
  }
  return name.ends_with(".slice") && name != "user.slice" ? Step::descend : Step::pass;
}

Step look_for_container(std::string_view name, int, GroupRow& row) {
  const ContainerGroup container = parse_container_cgroup(name);
  if (!container.id.empty()) {
    row.name = container.id;
    row.engine = container.engine;
    // "docker/ID": the engine is the group above.
    if (row.engine.empty()) row.engine = parse_container_cgroup(row.path).engine;
    return Step::take;
  }
  // Containers of a user's own engine are below its manager; no other unit holds any but itself.
  if (name.ends_with(".service")) return name.starts_with("user@") ? Step::descend : Step::pass;
  static constexpr std::string_view kUnits[] = {".scope", ".socket", ".mount", ".swap"};
  const bool unit = std::ranges::any_of(kUnits, [&](std::string_view suffix) { return name.ends_with(suffix); });
  return unit ? Step::pass : Step::descend;
}

}  // namespace

Result<std::vector<GroupRow>> list_services(int sys, const std::string& units_tree) {
  return walk({sys, units_tree, kMostServices, look_for_service});
}

Result<std::vector<GroupRow>> list_containers(int sys, const std::string& units_tree) {
  return walk({sys, units_tree, kMostContainers, look_for_container});
}

}  // namespace hostmedic
