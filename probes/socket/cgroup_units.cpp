// SPDX-License-Identifier: Apache-2.0
#include "probes/socket/cgroup_units.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/base/fd.h"
#include "agent/base/text.h"
#include "detect/model/entity.h"
#include "probes/parse/process_unit.h"

namespace hostmedic {
namespace {

constexpr int kDeepest = 12;

struct Walk {
  std::map<std::uint64_t, std::string> units;
  std::size_t seen = 0;

  // path: of the group below the root, "/system.slice".
  void enter(int parent, const char* name, const std::string& path, int depth) {
    Fd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat status{};
    if (!fd || ::fstat(fd.get(), &status) != 0 || ++seen > kMostCgroups) return;
    const std::string line = "0::" + path + "\n";
    const std::string_view unit = parse_process_unit(line);
    if (!unit.empty()) units[status.st_ino] = printable(unit, kMostEntityName);
    if (depth == kDeepest) return;
    DIR* dir = ::fdopendir(fd.get());
    if (dir == nullptr) return;
    const int own = fd.release();  // closedir closes it
    while (const dirent* entry = ::readdir(dir)) {
      if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
        enter(own, entry->d_name, path + "/" + entry->d_name, depth + 1);
    }
    (void)::closedir(dir);
  }
};

}  // namespace

std::map<std::uint64_t, std::string> cgroup_units(int sys) {
  Walk walk;
  for (const char* tree : {"fs/cgroup", "fs/cgroup/unified"}) {
    if (::faccessat(sys, (std::string(tree) + "/cgroup.controllers").c_str(), F_OK, 0) != 0) continue;
    walk.enter(sys, tree, "", 0);
    break;
  }
  return std::move(walk.units);
}

}  // namespace hostmedic
