// SPDX-License-Identifier: Apache-2.0
// A host made of files in a temporary directory of its own.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "probes/probe.h"
#include "probes/source/roots.h"

namespace hostmedic::test {

class FakeRoot {
 public:
  FakeRoot() {
    char pattern[] = "/tmp/hostmedic-root-XXXXXX";
    const char* made = ::mkdtemp(pattern);
    REQUIRE(made != nullptr);
    path_ = made;
    for (const char* directory : {"proc", "sys", "etc", "run"}) std::filesystem::create_directories(path_ / directory);
  }
  ~FakeRoot() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  FakeRoot(const FakeRoot&) = delete;
  FakeRoot& operator=(const FakeRoot&) = delete;

  // Overwrites in place: a kept descriptor sees the new content, as with a file of the kernel.
  void write(const std::string& path, const std::string& content) const {
    std::filesystem::create_directories((path_ / path).parent_path());
    std::ofstream(path_ / path, std::ios::binary | std::ios::trunc) << content;
  }
  void mkdir(const std::string& path) const { std::filesystem::create_directories(path_ / path); }
  void remove(const std::string& path) const { std::filesystem::remove_all(path_ / path); }
  std::string path() const { return path_.string(); }

  Roots roots() const {
    auto roots = open_roots(path());
    REQUIRE(roots);
    return std::move(*roots);
  }

 private:
  std::filesystem::path path_;
};

inline MonoTime at_second(std::int64_t second) { return mono_from_ns(second * 1'000'000'000); }

// A probe of a fake root. Declared after the root, so that it goes first.
class ProbeUnderTest {
 public:
  static inline const ProbeSettings kDefaults{};
  // settings must outlive this.
  ProbeUnderTest(const ProbeInfo& info, const FakeRoot& root, const ProbeSettings& settings = kDefaults)
      : roots_(root.roots()) {
    auto made = info.make(ProbeContext{roots_, settings});
    if (made) {
      probe = std::move(*made);
    } else {
      error = made.error().message();
    }
  }
  std::unique_ptr<Probe> probe;
  std::string error;

 private:
  Roots roots_;
};

}  // namespace hostmedic::test
