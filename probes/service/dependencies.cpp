// SPDX-License-Identifier: Apache-2.0
#include "probes/service/dependencies.h"

#include <algorithm>

#include "probes/parse/unit_name.h"

namespace hostmedic::service {
namespace {

// The service that a unit stands for; empty if it is none.
std::string service_of(std::string_view unit) {
  constexpr std::string_view kSocket = ".socket";
  std::string name(unit);
  if (is_unit_name(unit, kSocket)) name = std::string(unit.substr(0, unit.size() - kSocket.size())) + ".service";
  return is_followed_service(name) && name.size() <= kMostEntityName ? name : std::string();
}

class Collector {
 public:
  explicit Collector(std::string_view unit) : unit_(unit) {}

  void services(std::string_view type, const std::vector<std::string>& units, bool weak) {
    for (const std::string& one : units) {
      std::string name = service_of(one);
      if (name.empty() || name == unit_) continue;
      Entity to{EntityKind::service, std::move(name)};
      const bool known = std::ranges::any_of(
          found, [&](const Related& related) { return related.to == to && (weak || related.type == type); });
      if (!known) found.push_back({type, std::move(to)});
    }
  }
  void filesystem(std::string_view type, std::string name) {
    if (name.empty()) return;
    Related related{type, {EntityKind::filesystem, std::move(name)}};
    if (std::ranges::find(found, related) == found.end()) found.push_back(std::move(related));
  }

  std::vector<Related> found;

 private:
  std::string_view unit_;
};

}  // namespace

std::vector<Related> related_of(std::string_view unit, const UnitDependencies& dependencies,
                                const ServiceDirectories& directories, const FilesystemOf& filesystem_of) {
  Collector all(unit);
  all.services("requires", dependencies.requires_, false);
  const auto writes = [&](const std::vector<std::string>& names, const std::string& below) {
    for (const std::string& name : names) all.filesystem("writes_to", filesystem_of(below + name));
  };
  writes(directories.state, "/var/lib/");
  writes(directories.logs, "/var/log/");
  writes(directories.cache, "/var/cache/");
  // Nobody who works in the root directory means to write there.
  if (directories.working_directory.starts_with('/') && directories.working_directory != "/")
    all.filesystem("writes_to", filesystem_of(directories.working_directory));
  for (const std::string& path : dependencies.mounts_for) {
    if (path.starts_with('/')) all.filesystem("requires", filesystem_of(path));
  }
  all.services("part_of", dependencies.part_of, false);
  all.services("wants", dependencies.wants, true);
  all.services("after", dependencies.after, true);
  return std::move(all.found);
}

}  // namespace hostmedic::service
