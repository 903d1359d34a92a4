// SPDX-License-Identifier: Apache-2.0
// What the tests of effects share: a directory of their own, files, unpacking, a service manager that only remembers.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "actions/catalog/effect.h"

namespace hostmedic::test {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hm-effects-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return path + "/" + name; }
  std::string path;
};

inline void write(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}
inline std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}
// All members of a gzip file, concatenated.
inline std::string unpack(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  std::string text;
  char buffer[65536];
  for (int got = 0; (got = gzread(file, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(got));
  int error = 0;
  gzerror(file, &error);
  CHECK(error == Z_OK);
  gzclose(file);
  return text;
}
// Without the zeros of a freed beginning.
inline std::string without_hole(const std::string& text) {
  return text.substr(std::min(text.find_first_not_of('\0'), text.size()));
}

// Numbered lines from first on, at least `bytes` long together.
inline std::string numbered_lines(std::size_t bytes, std::size_t first = 0) {
  std::string text;
  for (std::size_t i = first; text.size() < bytes; ++i)
    text += "line " + std::to_string(i) + " GET /index.html 200 some user agent\n";
  return text;
}
inline std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

struct FakeManager : ServiceManager {
  Result<UnitStatus> status(const std::string&) override { return next_status; }
  Status job(const std::string& unit, UnitJob job, Duration) override {
    jobs.push_back(std::string(to_string(job)) + " " + unit);
    return next_job;
  }
  Result<std::vector<UnitNumber>> numbers(const std::string&, std::span<const std::string_view> names) override {
    if (refuses) return *refuses;
    std::vector<UnitNumber> found;
    for (const std::string_view name : names)
      for (const UnitNumber& one : present)
        if (one.name == name) found.push_back(one);
    return found;
  }
  Status set_numbers(const std::string&, std::span<const UnitNumber> wanted) override {
    if (refuses) return *refuses;
    set.assign(wanted.begin(), wanted.end());
    return ok();
  }
  Result<std::vector<std::string>> names(const std::string&, std::string_view) override {
    if (refuses) return *refuses;
    return listed;
  }
  Status freeze(const std::string& unit, bool on) override {
    if (refuses) return *refuses;
    frozen.push_back((on ? "freeze " : "thaw ") + unit);
    return ok();
  }
  Status kill(const std::string& unit, bool main_only, int signal) override {
    killed.push_back(unit + (main_only ? " main " : " all ") + std::to_string(signal));
    return ok();
  }
  Status schedule(const TransientUnit& unit, Duration) override {
    scheduled.push_back(unit);
    return ok();
  }
  void unschedule(const std::string& unit) override { unscheduled.push_back(unit); }
  Result<TransientResult> run(const TransientUnit& unit) override {
    ran.push_back(unit);
    return next_run;
  }
  Result<std::optional<TransientResult>> adopt(const std::string&, Duration) override {
    return std::optional<TransientResult>();
  }
  void release(const std::string& unit) override { released.push_back(unit); }

  Result<UnitStatus> next_status = UnitStatus{"loaded", "active", "running", "success", 42, 0, ""};
  Status next_job = ok();
  std::optional<Error> refuses;  // what it says of properties and of freezing
  Result<TransientResult> next_run = TransientResult{true, "success", 0, ""};
  std::vector<std::string> jobs, released;
  std::vector<UnitNumber> present, set;
  std::vector<std::string> listed, frozen, killed, unscheduled;
  std::vector<TransientUnit> scheduled;
  std::vector<TransientUnit> ran;
};

}  // namespace hostmedic::test
