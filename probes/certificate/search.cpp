// SPDX-License-Identifier: Apache-2.0
#include "probes/certificate/search.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>

#include "agent/base/fd.h"
#include "agent/base/file.h"
#include "agent/base/text.h"
#include "probes/parse/certificate_paths.h"
#include "probes/parse/process_unit.h"
#include "probes/parse/unit_name.h"

namespace hostmedic {
namespace {

struct Server {
  const char *directory, *unit;
};
constexpr Server kServers[] = {{"etc/nginx", "nginx.service"},
                               {"etc/apache2", "apache2.service"},
                               {"etc/httpd", "httpd.service"},
                               {"etc/haproxy", "haproxy.service"}};
constexpr std::size_t kMostEntries = 1024;  // of one directory
constexpr std::size_t kMostConfigs = 512;
constexpr std::size_t kMostProcesses = 8192;
constexpr int kDeepestConfig = 3;
constexpr Bytes kMostFile = kib(256), kMostArguments = kib(128);

struct Entry {
  std::string name;
  bool directory = false;
};
std::vector<Entry> entries(int dir, const std::string& path, std::size_t most) {
  std::vector<Entry> found;
  Fd fd(::openat(dir, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* opened = fd ? ::fdopendir(fd.get()) : nullptr;
  if (opened == nullptr) return found;
  (void)fd.release();  // closedir closes it
  while (const dirent* entry = ::readdir(opened)) {
    if (found.size() >= most) break;
    if (entry->d_name[0] != '.') found.push_back({entry->d_name, entry->d_type == DT_DIR});
  }
  (void)::closedir(opened);
  std::sort(found.begin(), found.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return found;
}

// Only regular files: a FIFO would wait for a writer, a device might do anything.
std::string text_of(int dir, const std::string& path, Bytes most) {
  struct stat status{};
  if (::fstatat(dir, path.c_str(), &status, 0) != 0 || !S_ISREG(status.st_mode)) return {};
  return read_file_at(dir, path, most).value_or(std::string());
}

class Search {
 public:
  Search(int root, int proc) : root_(root), proc_(proc) {}

  // done: what of the pattern has become a path, without a slash at its end.
  void expand(const std::string& done, std::string_view pattern) {
    while (pattern.starts_with('/')) pattern.remove_prefix(1);
    if (pattern.empty()) {
      note(done, "");
      return;
    }
    const std::string_view part = pattern.substr(0, pattern.find('/'));
    const std::string_view rest = pattern.substr(part.size());
    if (part.find('*') == std::string_view::npos) return expand(done + "/" + std::string(part), rest);
    for (const Entry& entry : entries(root_, done.empty() ? "." : done.substr(1), kMostEntries)) {
      if (full()) return;
      if (glob_match(part, entry.name)) expand(done + "/" + entry.name, rest);
    }
  }
  void configs(const std::string& directory, std::string_view unit, int depth) {
    for (const Entry& entry : entries(root_, directory, kMostEntries)) {
      const std::string path = directory + "/" + entry.name;
      if (entry.directory) {
        if (depth < kDeepestConfig) configs(path, unit, depth + 1);
      } else if (configs_++ < kMostConfigs) {
        std::vector<std::string> named;
        find_certificates_in_config(text_of(root_, path, kMostFile), named);
        for (const std::string& one : named) note(one, unit);
      }
    }
  }
  void processes() {
    for (const Entry& entry : entries(proc_, ".", kMostProcesses)) {
      if (entry.name.find_first_not_of("0123456789") != std::string::npos) continue;
      const auto arguments = read_file_at(proc_, entry.name + "/cmdline", kMostArguments);
      if (!arguments) continue;
      std::vector<std::string> named;
      find_certificates_in_arguments(*arguments, named);
      if (named.empty()) continue;
      const std::string groups = read_file_at(proc_, entry.name + "/cgroup", kib(16)).value_or(std::string());
      for (const std::string& one : named) note(one, parse_process_unit(groups));
    }
  }

  bool full() const { return paths.size() >= kMostCertificatePaths; }

  std::map<std::string, std::set<std::string>> paths;  // and the services that load what is there

 private:
  // unit: who names it; counts if it is a service.
  void note(const std::string& path, std::string_view unit) {
    if (full() && !paths.contains(path)) return;
    std::set<std::string>& users = paths[path];
    if (is_followed_service(unit) && users.size() < kMostUsers) users.emplace(unit);
  }
  int root_, proc_;
  std::size_t configs_ = 0;
};

}  // namespace

CertificateSearch search_certificates(int root, int proc, const std::vector<std::string>& patterns) {
  Search search(root, proc);
  for (const std::string& pattern : patterns) search.expand("", pattern);
  for (const Server& server : kServers) search.configs(server.directory, server.unit, 0);
  search.processes();
  CertificateSearch result;
  result.too_many = search.full();
  for (const auto& [path, users] : search.paths) {
    auto certificate = parse_certificate_pem(text_of(root, path.substr(1), kMostFile));
    if (certificate) result.found.push_back({path, std::move(*certificate), {users.begin(), users.end()}});
  }
  return result;
}

}  // namespace hostmedic
