// SPDX-License-Identifier: Apache-2.0
// Checks and translates what behaviour.bpf.c hands over. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/model/frame.h"

namespace hostmedic::bpf {

struct BehaviourEvent {
  EventKind kind{};       // behaviour or filesystem_error
  std::string_view what;  // setuid_exec, ...; of a filesystem error: damage, shutdown, writeback
  MonoTime at;

  // behaviour: who does it, with what or to whom.
  std::uint32_t pid = 0, parent_pid = 0;  // 0: not in our pid namespace
  std::uint32_t uid = 0;
  std::string name, unit;       // printable; empty when unknown
  std::string object;           // a program, a module, the name of the other process
  std::uint32_t other_pid = 0;  // the tracer, or the process that is traced

  // filesystem_error.
  unsigned major = 0, minor = 0;  // of the device; 0 and 0: unknown
  std::string device, type;       // "sda1", "ext4"
  std::string place;              // in the kernel: "ext4_lookup:1700"
  int error = 0;                  // errno; 0: unknown
};

// The name of a kind of record (enum hm_behaviour_kind), which is also that of its counter; nullopt: no such kind.
std::optional<std::string_view> behaviour_name(std::uint32_t kind);

// nullopt for a record that our program cannot have written.
std::optional<BehaviourEvent> decode_behaviour_record(std::span<const std::byte> record);
// The event's attributes, as names.h has them.
std::vector<Attribute> behaviour_attributes(const BehaviourEvent& event);

}  // namespace hostmedic::bpf
