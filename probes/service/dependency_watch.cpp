// SPDX-License-Identifier: Apache-2.0
#include "probes/service/dependency_watch.h"

namespace hostmedic::service {

DependencyWatch::DependencyWatch(const Roots& roots)
    : mounts_(roots), questions_([this](const std::string& unit, const char*, sd_bus_message* message) {
        return message != nullptr ? take(unit, message) : 0;
      }) {}

int DependencyWatch::take(const std::string& unit, sd_bus_message* message) {
  ReadDependencies read;
  if (const int r = read_properties(message, read); r < 0) return r;
  mounts_.refresh(now_);
  table_.on_dependencies(unit, read.found, [this](std::string_view path) { return mounts_.filesystem_of(path); });
  return 0;
}

void DependencyWatch::lose_contact() {
  questions_.forget();
  table_.ask_again();
}

}  // namespace hostmedic::service
