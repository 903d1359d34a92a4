// SPDX-License-Identifier: Apache-2.0
#include "probes/change/package_units.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "agent/base/file.h"
#include "probes/change/file_rules.h"
#include "probes/parse/unit_name.h"

namespace hostmedic::change {
namespace {

constexpr const char* kLists = "/var/lib/dpkg/info";
constexpr std::string_view kSuffix = ".list";
constexpr Bytes kMostList = mib(8), kMostUnit = kib(64);
constexpr std::size_t kMostEntries = 65536;

// The names in a directory; of one that is not there, none.
template <class Visit>
bool each_entry(int root, const std::string& path, Visit visit) {
  auto fd = open_at(root, path, O_RDONLY | O_DIRECTORY);
  DIR* const raw = fd ? ::fdopendir(fd->get()) : nullptr;
  if (raw == nullptr) return false;
  (void)fd->release();  // now the list's
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(raw, ::closedir);
  std::size_t count = 0;
  while (const dirent* entry = ::readdir(entries.get())) {
    if (++count > kMostEntries) break;
    if (entry->d_name[0] != '.') visit(::dirfd(entries.get()), std::string(entry->d_name));
  }
  return true;
}

// "libc6:amd64.list" -> "libc6".
std::string package_of(std::string_view list) {
  list.remove_suffix(kSuffix.size());
  return std::string(list.substr(0, list.find(':')));
}

}  // namespace

std::set<std::string> enabled_services(int root) {
  std::set<std::string> services;
  for (const std::string& directory : unit_directories()) {
    std::vector<std::string> wants;
    (void)each_entry(root, directory.substr(1), [&](int, const std::string& name) {
      if (name.ends_with(".wants") || name.ends_with(".requires")) wants.push_back(directory + "/" + name);
    });
    for (const std::string& path : wants) {
      (void)each_entry(root, path.substr(1), [&](int, const std::string& name) {
        if (is_followed_service(name)) services.insert(name);
      });
    }
  }
  return services;
}

PackageUnits::PackageUnits(Fd root, std::string root_path, std::shared_ptr<DirectoryWatch> news)
    : root_(std::move(root)), root_path_(root_path == "/" ? "" : std::move(root_path)), news_(std::move(news)) {
  watch_ = news_->add_names(root_path_ + kLists);
}

void PackageUnits::take_programs(const std::set<std::string>& services) {
  programs_.clear();
  for (const std::string& service : services) {
    for (const std::string& directory : unit_directories()) {
      const auto text = read_file_at(root_.get(), directory.substr(1) + "/" + service, kMostUnit);
      if (!text) continue;
      for (std::string& program : programs_of_unit(*text)) programs_.emplace(std::move(program), service);
      break;  // what stands first hides the others
    }
  }
}

std::vector<Ownership> PackageUnits::look(const std::set<std::string>* services) {
  const UnitPrograms before = services != nullptr ? std::exchange(programs_, {}) : UnitPrograms();
  if (services != nullptr) take_programs(*services);
  const bool anew = services != nullptr && programs_ != before;
  std::vector<Ownership> told;
  const auto tell = [&](const std::string& service, const std::string& package, bool present) {
    if (told.size() < kMostTold) told.push_back({service, package, present});
  };
  std::set<std::string> seen;
  here_ = each_entry(root_.get(), std::string(kLists).substr(1), [&](int dir, const std::string& name) {
    struct stat found{};
    if (!name.ends_with(kSuffix) || name.size() == kSuffix.size() || seen.size() >= kMostLists ||
        ::fstatat(dir, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(found.st_mode))
      return;
    seen.insert(name);
    List& list = lists_[name];
    const std::int64_t changed =
        static_cast<std::int64_t>(found.st_ctim.tv_sec) * 1'000'000'000 + found.st_ctim.tv_nsec;
    const bool same = list.inode == found.st_ino && list.changed == changed;
    if (same && !anew) return;
    const auto text = read_file_at(dir, name, kMostList);
    if (!text) return;
    list.inode = found.st_ino;
    list.changed = changed;
    std::vector<std::string> owned = services_of_list(*text, programs_);
    if (!same && !first_) {
      for (const std::string& service : owned) tell(service, package_of(name), true);
      for (const std::string& service : list.services)
        if (!std::ranges::binary_search(owned, service)) tell(service, package_of(name), false);
    }
    list.services = std::move(owned);
  });
  for (auto row = lists_.begin(); here_ && row != lists_.end();) {
    const bool gone = !seen.contains(row->first);
    if (gone)
      for (const std::string& service : row->second.services) tell(service, package_of(row->first), false);
    row = gone ? lists_.erase(row) : std::next(row);
  }
  first_ = false;
  if (services == nullptr) return told;
  for (const auto& [name, list] : lists_)
    for (const std::string& service : list.services)
      if (services->contains(service)) tell(service, package_of(name), true);
  return told;
}

}  // namespace hostmedic::change
