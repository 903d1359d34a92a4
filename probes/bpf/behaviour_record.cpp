// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/behaviour_record.h"

#include <array>
#include <cstring>

#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/bpf/record/behaviour.h"
#include "probes/bpf/text.h"

namespace hostmedic::bpf {
namespace {

// In the order of enum hm_behaviour_kind. The counters are named so; an event of a filesystem drops the prefix.
constexpr std::string_view kFilesystem = "filesystem_";
constexpr std::array<std::string_view, HM_BEHAVIOUR_KINDS> kNames{
    "setuid_exec",   "memfd_exec",        "traced_exec",         "ptrace_attach",       "module_load",
    "module_unload", "filesystem_damage", "filesystem_shutdown", "filesystem_writeback"};

}  // namespace

std::optional<std::string_view> behaviour_name(std::uint32_t kind) {
  if (kind >= kNames.size()) return std::nullopt;
  return kNames[kind];
}

std::optional<BehaviourEvent> decode_behaviour_record(std::span<const std::byte> bytes) {
  hm_behaviour_record record;
  if (bytes.size() != sizeof record) return std::nullopt;
  std::memcpy(&record, bytes.data(), sizeof record);
  const auto name = behaviour_name(record.kind);
  if (!name || record.at_ns > INT64_MAX) return std::nullopt;
  BehaviourEvent event;
  event.at = mono_from_ns(static_cast<std::int64_t>(record.at_ns));
  const std::string text = printable_of(record.text);
  if (!name->starts_with(kFilesystem)) {
    event.kind = EventKind::behaviour;
    event.what = *name;
    event.pid = record.pid;
    event.parent_pid = record.parent_pid;
    event.uid = record.uid;
    event.name = printable_of(record.comm);
    event.unit = unit_of(record.unit);
    event.object = text;
    event.other_pid = record.other_pid;
    return event;
  }
  event.kind = EventKind::filesystem_error;
  event.what = name->substr(kFilesystem.size());
  event.major = record.device >> 20;
  event.minor = record.device & 0xfffff;
  event.device = printable_of(record.fs_device);
  event.type = printable_of(record.fs_type);
  if (!text.empty()) event.place = text + ":" + std::to_string(record.line);
  if (record.error < 4096) event.error = static_cast<int>(record.error);
  return event;
}

std::vector<Attribute> behaviour_attributes(const BehaviourEvent& event) {
  std::vector<Attribute> attributes;
  const auto add = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) attributes.push_back({std::string(key), std::string(value)});
  };
  const auto add_number = [&](std::string_view key, std::uint64_t value) {
    if (value != 0) add(key, std::to_string(value));
  };
  if (event.kind == EventKind::filesystem_error) {
    add(attr::kFilesystemErrorKind, event.what);
    add(attr::kFilesystemType, event.type);
    add(attr::kFilesystemErrorPlace, event.place);
    if (event.major != 0 || event.minor != 0) add(attr::kFilesystemDevice, strf("%u:%u", event.major, event.minor));
    add(attr::kFilesystemDeviceName, event.device);
    const char* error = event.error != 0 ? ::strerrorname_np(event.error) : nullptr;
    if (error != nullptr) add(attr::kErrorType, error);
    return attributes;
  }
  add(attr::kBehaviourKind, event.what);
  add_number(attr::kProcessPid, event.pid);
  add_number(attr::kProcessParentPid, event.parent_pid);
  add(attr::kProcessName, event.name);
  add(attr::kProcessUnit, event.unit);
  add(attr::kProcessUser, std::to_string(event.uid));
  add(attr::kBehaviourObject, event.object);
  add_number(attr::kBehaviourObjectPid, event.other_pid);
  return attributes;
}

}  // namespace hostmedic::bpf
