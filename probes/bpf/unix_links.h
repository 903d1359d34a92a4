// SPDX-License-Identifier: Apache-2.0
// Checks the records of unix_sockets.bpf.c and finds out which service is connected to which. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "agent/base/result.h"

namespace hostmedic::bpf {

class UnixLinks {
 public:
  static constexpr std::size_t kMost = 4096;  // of servers, and of connections that are kept

  // Takes the whole records at the front of the bytes and returns how many bytes they were.
  std::size_t take(std::span<const std::byte> bytes);
  // Client and server, both services and not the same.
  std::set<std::pair<std::string, std::string>> links() const;
  std::uint64_t left_out() const { return left_out_; }

 private:
  std::map<std::uint64_t, std::string> servers_;             // by place
  std::set<std::pair<std::uint64_t, std::string>> clients_;  // place and unit
  std::uint64_t left_out_ = 0;
};

}  // namespace hostmedic::bpf
