// SPDX-License-Identifier: Apache-2.0
// What the fuzzers share: saying what must hold, taking an input apart, a directory of their own that is gone at exit.
#pragma once

#include <stdlib.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace hostmedic::fuzz {

inline void check(bool holds) {
  if (!holds) __builtin_trap();
}

// An input, taken from the front; zeros and empty texts when it is used up.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    const std::string_view one = take(1);
    return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one.front());
  }
  std::size_t number() {  // 0..65535
    const std::size_t high = byte();
    return high << 8 | byte();
  }
  std::string_view take(std::size_t most) {
    const std::string_view taken = rest_.substr(0, most);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // Up to the next such character, which is left out.
  std::string_view until(char end) {
    const std::string_view taken = take(rest_.find(end));
    if (!rest_.empty()) rest_.remove_prefix(1);
    return taken;
  }
  std::string_view rest() { return take(rest_.size()); }

 private:
  std::string_view rest_;
};

class Directory {
 public:
  Directory() { check(::mkdtemp(path_.data()) != nullptr); }
  ~Directory() {
    std::error_code ignored;  // it is only left over
    std::filesystem::remove_all(path_, ignored);
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  // In memory where that is to be had: what is synced there costs nothing.
  static std::string place() {
    const bool memory = std::getenv("TMPDIR") == nullptr && std::filesystem::exists("/dev/shm");
    return memory ? "/dev/shm" : std::filesystem::temp_directory_path().string();
  }
  std::string path_ = place() + "/hostmedic-fuzz-XXXXXX";
};

inline void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  check(file.good());
}

}  // namespace hostmedic::fuzz
