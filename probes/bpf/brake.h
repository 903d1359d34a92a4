// SPDX-License-Identifier: Apache-2.0
// The brake on BPF: a host that went down while our programs were attached does not get them again until an
// administrator says so, whoever was to blame.
//
// A file in the probe's state directory, "bpf-attached", holds the id of the boot in which programs are attached. It is
// on disk before the first one is attached and goes when the last process that attached some ends of its own will.
// Found with the id of another boot it is the brake, and stays. What sets it: a crash of the host, power lost, and a
// probe that was killed and not started again before the host went down. Any thread; one holder per process.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace hostmedic::bpf {

// The mark of one process. Those of several processes are told apart by a shared lock on the file: the last takes it
// away.
class BootMark {
 public:
  BootMark() = default;
  ~BootMark() { release(); }
  BootMark(const BootMark&) = delete;
  BootMark& operator=(const BootMark&) = delete;

  // Errors: denied with "not here, because ..." when the brake is on or the mark cannot be written. Not unsupported: an
  // administrator can change it while we run. Once it succeeded it is one comparison.
  Status hold(const std::string& state_dir, std::string_view boot_id);
  void release();

 private:
  Fd file_;
  std::string path_;
};

// Holds the mark of this process until it exits; a process that is killed leaves it.
Status hold_mark(const std::string& state_dir, std::string_view boot_id);

// Releases the brake. False: there was no mark of another boot.
Result<bool> clear_brake(const std::string& state_dir, std::string_view boot_id);

// "" when it cannot be read.
std::string boot_id(int proc);

}  // namespace hostmedic::bpf
