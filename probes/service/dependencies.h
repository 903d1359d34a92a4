// SPDX-License-Identifier: Apache-2.0
// What a service unit depends on, from its properties: other services and filesystems. Pure; any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "probes/source/relations.h"

namespace hostmedic::service {

// Properties of a unit, as systemd has resolved them.
struct UnitDependencies {
  std::vector<std::string> requires_;  // Requires=, Requisite= and BindsTo=
  std::vector<std::string> wants, part_of, after;
  std::vector<std::string> mounts_for;  // absolute paths
};

// Properties of a service: where it keeps its files.
struct ServiceDirectories {
  std::vector<std::string> state, logs, cache;  // names below /var/lib, /var/log and /var/cache
  std::string working_directory;
};

// The name of the filesystem on which an absolute path lies; empty: on none that is followed.
using FilesystemOf = std::function<std::string(std::string_view path)>;

// The strongest first. Of units only services count, and sockets for the service of the same name; that a unit wants
// one that it requires, or is started after it, says nothing more.
std::vector<Related> related_of(std::string_view unit, const UnitDependencies& dependencies,
                                const ServiceDirectories& directories, const FilesystemOf& filesystem_of);

}  // namespace hostmedic::service
