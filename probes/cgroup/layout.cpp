// SPDX-License-Identifier: Apache-2.0
#include "probes/cgroup/layout.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "agent/base/file.h"

namespace hostmedic {
namespace {

constexpr int kDeepestSlice = 16;

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

bool exists(int dir, const std::string& path) { return ::faccessat(dir, path.c_str(), F_OK, 0) == 0; }

// systemd puts '_' before a name that the kernel would take for one of its own files.
std::string unescape(std::string_view name) { return std::string(name.starts_with('_') ? name.substr(1) : name); }

Status walk(int sys, const std::string& tree, const std::string& path, int depth, std::vector<ServiceGroup>& found) {
  auto dir = open_listing(sys, path.empty() ? tree : tree + "/" + path);
  if (!dir) return std::move(dir).error();
  while (const dirent* entry = ::readdir(dir->get())) {
    if (found.size() > kMostServices) return ok();
    const std::string_view name = entry->d_name;
    if (name.starts_with('.') || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)) continue;
    const std::string below = path.empty() ? std::string(name) : path + "/" + std::string(name);
    if (name.ends_with(".service") && depth > 0) {
      found.push_back({unescape(name), below});
    } else if (name.ends_with(".slice") && name != "user.slice" && depth < kDeepestSlice) {
      // A slice may go away between the listing and the look into it.
      auto status = walk(sys, tree, below, depth + 1, found);
      if (!status && status.error().code != ErrorCode::not_found) return status;
    }
  }
  return ok();
}

}  // namespace

Result<CgroupLayout> find_cgroup_layout(int sys) {
  const std::string base = "fs/cgroup";
  CgroupLayout layout;
  const bool unified = exists(sys, base + "/cgroup.controllers");
  const std::string version2 = unified ? base : base + "/unified";
  const auto has_slices = [&](const std::string& tree) { return exists(sys, tree + "/system.slice"); };
  if (has_slices(version2)) {
    layout.units_tree = version2;
  } else if (has_slices(base + "/systemd")) {
    layout.units_tree = base + "/systemd";
  } else {
    return make_error(ErrorCode::unsupported, "not here, because systemd keeps no control groups on this host");
  }
  layout.cpu = {{version2, "cpu.stat", CgroupForm::cpu_stat_us},
                {base + "/cpuacct", "cpuacct.usage", CgroupForm::number_ns}};
  layout.memory = {{version2, "memory.current", CgroupForm::number},
                   {base + "/memory", "memory.usage_in_bytes", CgroupForm::number}};
  // Without the pids controller the threads are counted, where the unit has no groups below its own.
  layout.tasks = {{version2, "pids.current", CgroupForm::number},
                  {base + "/pids", "pids.current", CgroupForm::number},
                  {version2, "cgroup.threads", CgroupForm::lines},
                  {base + "/systemd", "tasks", CgroupForm::lines}};
  return layout;
}

Result<std::vector<ServiceGroup>> list_services(int sys, const std::string& units_tree) {
  std::vector<ServiceGroup> found;
  if (auto status = walk(sys, units_tree, "", 0, found); !status) return std::move(status).error().in("control groups");
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return found;
}

}  // namespace hostmedic
