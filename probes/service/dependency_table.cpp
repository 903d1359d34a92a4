// SPDX-License-Identifier: Apache-2.0
#include "probes/service/dependency_table.h"

namespace hostmedic::service {

void DependencyTable::on_service(const std::string& unit, ServiceDirectories directories, MonoTime now) {
  if (directories_.size() >= kMostUnits || !directories_.try_emplace(unit, std::move(directories)).second) return;
  waiting_.push_back({unit, now});
}

void DependencyTable::on_dependencies(const std::string& unit, const UnitDependencies& dependencies,
                                      const FilesystemOf& filesystem_of) {
  const auto known = directories_.find(unit);
  if (known == directories_.end()) return;
  book_.replace({EntityKind::service, unit}, related_of(unit, dependencies, known->second, filesystem_of));
}

void DependencyTable::ask_again() {
  directories_.clear();
  waiting_.clear();
}

}  // namespace hostmedic::service
