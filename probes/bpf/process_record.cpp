// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/process_record.h"

#include <algorithm>
#include <cstring>

#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/bpf/record/process.h"

namespace hostmedic::bpf {
namespace {

template <std::size_t size>
std::string_view text_of(const char (&field)[size]) {
  return {field, ::strnlen(field, size)};
}
bool is_unit(std::string_view name) {
  if (!name.ends_with(".service") && !name.ends_with(".scope")) return false;
  return std::ranges::all_of(name, [](unsigned char c) { return c > ' ' && c < 0x7f && c != '/'; });
}

}  // namespace

std::optional<ProcessEvent> decode_process_record(std::span<const std::byte> bytes) {
  hm_process_record record;
  if (bytes.size() != sizeof record) return std::nullopt;
  std::memcpy(&record, bytes.data(), sizeof record);
  ProcessEvent event;
  switch (record.kind) {
    case HM_PROCESS_EXIT: event.kind = EventKind::process_exit; break;
    case HM_PROCESS_OOM: event.kind = EventKind::oom_kill; break;
    default: return std::nullopt;
  }
  constexpr std::uint64_t kMostNs = INT64_MAX;
  if (record.at_ns > kMostNs || record.start_ns > kMostNs) return std::nullopt;
  event.at = mono_from_ns(static_cast<std::int64_t>(record.at_ns));
  event.started = mono_from_ns(static_cast<std::int64_t>(record.start_ns));
  event.pid = record.pid;
  event.parent_pid = record.parent_pid;
  // As wait(2) has it: the low seven bits are the signal, the eighth says core dump, the next byte is the exit code.
  const std::uint32_t signal = record.status & 0x7f;
  event.by_signal = signal != 0;
  event.status = static_cast<int>(event.by_signal ? signal : (record.status >> 8) & 0xff);
  event.name = printable(text_of(record.comm), sizeof record.comm);
  if (const auto unit = text_of(record.unit); is_unit(unit)) event.unit = unit;
  return event;
}

std::vector<Attribute> process_attributes(const ProcessEvent& event) {
  std::vector<Attribute> attributes;
  const auto add = [&](std::string_view key, std::string value) {
    attributes.push_back({std::string(key), std::move(value)});
  };
  if (event.pid != 0) add(attr::kProcessPid, std::to_string(event.pid));
  if (event.parent_pid != 0) add(attr::kProcessParentPid, std::to_string(event.parent_pid));
  if (!event.name.empty()) add(attr::kProcessName, event.name);
  if (event.kind == EventKind::process_exit) {
    add(event.by_signal ? attr::kProcessExitSignal : attr::kProcessExitCode, std::to_string(event.status));
  }
  if (!event.unit.empty()) add(attr::kProcessUnit, event.unit);
  return attributes;
}

}  // namespace hostmedic::bpf
