// SPDX-License-Identifier: Apache-2.0
// Where evidence is put together: a directory of root's own with one file for each member. Everything that is put there
// counts against one bound; what does not fit, or cannot be read, is noted with its reason. One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actions/catalog/evidence_collect/manifest.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

class Stage {
 public:
  // directory is made anew, with all that was in it gone.
  static Result<Stage> make(std::string directory, std::uint64_t most_bytes, MonoTime end);

  // name: "process/12/maps", of our own making. Empty content is no member.
  void put(const std::string& name, std::string_view content);
  // Byte by byte in a bounded buffer; what can be read of it, at most `most`.
  void copy(const std::string& name, const std::string& source, std::uint64_t most);
  void leave_out(const std::string& name, const std::string& why);
  // Time and room are left.
  bool goes_on() const;
  Duration left() const;

  const std::string& directory() const { return directory_; }
  std::vector<EvidenceMember>& members() { return members_; }
  const std::vector<std::string>& left_out() const { return left_out_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  bool has_room(const std::string& name);

  std::string directory_;
  std::uint64_t most_bytes_ = 0, bytes_ = 0;
  MonoTime end_;
  std::vector<EvidenceMember> members_;
  std::vector<std::string> left_out_;  // at most kMostLeftOut, then one that says so
};

}  // namespace hostmedic
