// SPDX-License-Identifier: Apache-2.0
// Temporary folders, damaged files and children that die, for the tests of agent/store.
#pragma once

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

namespace hostmedic::test {

class TempDir {
 public:
  TempDir() {
    char pattern[] = "/tmp/hostmedic-store-XXXXXX";
    path_ = ::mkdtemp(pattern);
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  // Names that start with prefix, sorted.
  std::vector<std::string> list(const std::string& prefix) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      if (entry.path().filename().string().starts_with(prefix)) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::string path_;
};

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}
inline void spit(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

// Runs body(pipe) in a child, reads `acks` bytes that it wrote to the pipe, kills it with SIGKILL and returns the bytes
// it wrote until then. A child that ends by itself ends the reading.
inline std::string run_and_kill(std::size_t acks, const std::function<void(int)>& body) {
  int ends[2];
  if (::pipe(ends) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    body(ends[1]);
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string got;
  char byte = 0;
  while (got.size() < acks && ::read(ends[0], &byte, 1) == 1) got += byte;
  ::kill(child, SIGKILL);
  while (::read(ends[0], &byte, 1) == 1) got += byte;  // acknowledged before it died
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return got;
}

// Runs body in a child and returns its exit code; -1 when it was killed.
inline int run_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace hostmedic::test
