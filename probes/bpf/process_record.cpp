// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/process_record.h"

#include <cstring>

#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/bpf/record/process.h"
#include "probes/bpf/text.h"

namespace hostmedic::bpf {
namespace {

std::string_view cause_name(std::uint32_t cause) {
  switch (cause) {
    case HM_CAUSE_PROCESS: return "process";
    case HM_CAUSE_SELF: return "itself";
    case HM_CAUSE_KERNEL: return "kernel";
    default: return "";
  }
}

// The part that only some records have.
bool decode_cause(std::span<const std::byte> bytes, ProcessEvent& ret_event) {
  hm_caused_record record;
  if (bytes.size() != sizeof record) return false;
  std::memcpy(&record, bytes.data(), sizeof record);
  ret_event.by.pid = record.by_pid;
  ret_event.by.name = printable_of(record.by_comm);
  ret_event.by.unit = unit_of(record.by_unit);
  ret_event.signal_cause = cause_name(record.cause);
  ret_event.limited = printable_of(record.limited);
  ret_event.limit_bytes = record.limit_bytes;
  return ret_event.kind == EventKind::oom_kill || !ret_event.signal_cause.empty();
}

bool decode_start(std::span<const std::byte> bytes, ProcessEvent& ret_event) {
  hm_exec_record record;
  if (bytes.size() != sizeof record) return false;
  std::memcpy(&record, bytes.data(), sizeof record);
  ret_event.path = printable_of(record.path);
  ret_event.parent = printable_of(record.parent_comm);
  ret_event.uid = record.uid;
  return true;
}

// What comes behind the part that all records have.
bool decode_rest(std::span<const std::byte> bytes, ProcessEvent& ret_event) {
  if (ret_event.kind == EventKind::process_exit) return bytes.size() == sizeof(hm_process_record);
  if (ret_event.kind == EventKind::process_exec) return decode_start(bytes, ret_event);
  return decode_cause(bytes, ret_event);
}

}  // namespace

std::optional<ProcessEvent> decode_process_record(std::span<const std::byte> bytes) {
  hm_process_record record;
  if (bytes.size() < sizeof record) return std::nullopt;
  std::memcpy(&record, bytes.data(), sizeof record);
  ProcessEvent event;
  switch (record.kind) {
    case HM_PROCESS_EXIT: event.kind = EventKind::process_exit; break;
    case HM_PROCESS_OOM: event.kind = EventKind::oom_kill; break;
    case HM_PROCESS_EXEC: event.kind = EventKind::process_exec; break;
    case HM_PROCESS_SIGNAL: event.kind = EventKind::fatal_signal; break;
    default: return std::nullopt;
  }
  if (!decode_rest(bytes, event)) return std::nullopt;
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
  event.name = printable_of(record.comm);
  event.unit = unit_of(record.unit);
  return event;
}

std::vector<Attribute> process_attributes(const ProcessEvent& event) {
  std::vector<Attribute> attributes;
  const auto add = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) attributes.push_back({std::string(key), std::string(value)});
  };
  const auto add_number = [&](std::string_view key, std::uint64_t value) {
    if (value != 0) add(key, std::to_string(value));
  };
  add_number(attr::kProcessPid, event.pid);
  add_number(attr::kProcessParentPid, event.parent_pid);
  add(attr::kProcessName, event.name);
  add(attr::kProcessUnit, event.unit);
  switch (event.kind) {
    case EventKind::process_exit:
      add(event.by_signal ? attr::kProcessExitSignal : attr::kProcessExitCode, std::to_string(event.status));
      break;
    case EventKind::process_exec:
      add(attr::kProcessPath, event.path);
      add(attr::kProcessParentName, event.parent);
      add(attr::kProcessUser, std::to_string(event.uid));
      return attributes;
    case EventKind::fatal_signal:
      add(attr::kSignalNumber, std::to_string(event.status));
      add(attr::kSignalCause, event.signal_cause);
      add_number(attr::kSignalSenderPid, event.by.pid);
      add(attr::kSignalSenderName, event.by.name);
      add(attr::kSignalSenderUnit, event.by.unit);
      break;
    default:
      add(attr::kOomGroup, event.limited);
      add_number(attr::kOomLimit, event.limit_bytes);
      add_number(attr::kOomRequesterPid, event.by.pid);
      add(attr::kOomRequesterName, event.by.name);
      add(attr::kOomRequesterUnit, event.by.unit);
      break;
  }
  if (event.started != MonoTime{} && event.at >= event.started) {
    const auto lived = std::chrono::duration<double>(event.at - event.started).count();
    add(attr::kProcessUptime, strf("%.3f", lived));
  }
  return attributes;
}

}  // namespace hostmedic::bpf
