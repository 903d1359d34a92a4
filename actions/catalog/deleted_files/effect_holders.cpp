// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/deleted_files/effect_holders.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "actions/catalog/plan_check.h"
#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr int kMostProcesses = 65'536, kMostDescriptors = 65'536;
constexpr std::size_t kMostHolders = 1024, kMostFiles = 65'536;

template <class Visit>
void each_number(const std::string& path, int most, Visit visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), ::closedir);
  while (dir && most > 0) {
    const struct dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const auto number = parse_u64(entry->d_name);
    if (!number) continue;
    --most;
    visit(static_cast<int>(*number));
  }
}

std::string name_of(const std::string& process) {
  const auto text = read_file(process + "/comm", kib(4));
  return text ? printable(trim(*text), 64) : std::string();
}

class Search {
 public:
  Search(const std::string& proc, dev_t device) : proc_(proc), device_(device) {}

  std::vector<Holder> run() {
    each_number(proc_, kMostProcesses, [&](int pid) { look(pid); });
    std::vector<Holder> holders;
    for (auto& [key, holder] : holders_) holders.push_back(std::move(holder));
    std::sort(holders.begin(), holders.end(), [](const Holder& a, const Holder& b) { return a.bytes > b.bytes; });
    return holders;
  }

 private:
  void look(int pid) {
    const std::string process = proc_ + "/" + std::to_string(pid);
    Holder* holder = nullptr;
    std::string unit;
    each_number(process + "/fd", kMostDescriptors, [&](int descriptor) {
      struct stat seen{};
      if (::stat((process + "/fd/" + std::to_string(descriptor)).c_str(), &seen) != 0) return;
      if (!S_ISREG(seen.st_mode) || seen.st_nlink != 0 || seen.st_dev != device_) return;
      if (holder == nullptr) {
        const auto groups = read_file(process + "/cgroup", kib(64));
        unit = groups ? service_of_cgroups(*groups) : std::string();
        holder = entry(unit.empty() ? std::to_string(pid) : unit);
      }
      if (holder == nullptr || files_.size() >= kMostFiles || !files_.insert({holder, seen.st_ino}).second) return;
      if (holder->pid == 0) *holder = {unit, name_of(process), pid, 0, 0};
      ++holder->files;
      holder->bytes += static_cast<std::uint64_t>(seen.st_blocks) * 512;
    });
  }

  Holder* entry(const std::string& key) {
    if (const auto known = holders_.find(key); known != holders_.end()) return &known->second;
    return holders_.size() < kMostHolders ? &holders_[key] : nullptr;
  }

  const std::string& proc_;
  const dev_t device_;
  std::map<std::string, Holder> holders_;  // by unit, or by pid where there is none
  std::set<std::pair<const Holder*, ino_t>> files_;
};

}  // namespace

std::string service_of_cgroups(const std::string& text) {
  std::string service;
  for (const std::string_view line : split(text, '\n')) {
    const bool unified = line.starts_with("0::"), systemd = line.find(":name=systemd:") != std::string_view::npos;
    if (!unified && !systemd) continue;
    for (const std::string_view part : split(line.substr(line.rfind(':') + 1), '/'))
      if (is_service_unit(part)) service = part;
    if (!service.empty()) return service;
  }
  return service;
}

std::vector<Holder> find_holders(const std::string& proc, dev_t device) { return Search(proc, device).run(); }

}  // namespace hostmedic
