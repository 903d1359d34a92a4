// SPDX-License-Identifier: Apache-2.0
// A directory of its own with a few files in it, gone with its object.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace hostmedic::test {

class TempTree {
 public:
  TempTree() {
    char pattern[] = "/tmp/hm-log-XXXXXX";
    root = ::mkdtemp(pattern);
  }
  ~TempTree() { std::filesystem::remove_all(root); }
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;

  std::string at(const std::string& path) const { return root + "/" + path; }
  void dir(const std::string& path) const { std::filesystem::create_directories(at(path)); }
  void file(const std::string& path, const std::string& content) const {
    dir(std::filesystem::path(path).parent_path());
    std::ofstream(at(path)) << content;
  }
  void grow(const std::string& path, std::size_t bytes) const {
    dir(std::filesystem::path(path).parent_path());
    std::ofstream(at(path), std::ios::app) << std::string(bytes, 'x');
  }
  // A process that has a file open, as /proc shows it.
  void process(int pid, const std::string& comm, const std::string& cgroup, const std::string& file,
               const std::string& flags) const {
    const std::string base = "proc/" + std::to_string(pid);
    this->file(base + "/comm", comm + "\n");
    this->file(base + "/cgroup", cgroup + "\n");
    this->file(base + "/fdinfo/3", "pos:\t0\nflags:\t" + flags + "\nmnt_id:\t1\n");
    dir(base + "/fd");
    std::filesystem::create_symlink(at(file), at(base + "/fd/3"));
  }
  std::uint64_t inode(const std::string& path) const {
    struct stat found{};
    ::stat(at(path).c_str(), &found);
    return found.st_ino;
  }
  std::uint64_t device(const std::string& path) const {
    struct stat found{};
    ::stat(at(path).c_str(), &found);
    return found.st_dev;
  }

  std::string root;
};

}  // namespace hostmedic::test
