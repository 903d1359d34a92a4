// SPDX-License-Identifier: Apache-2.0
// What a host may be busy with that a repair must not disturb, told by the names of its processes. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hostmedic::guard {

struct BusyKind {
  std::string_view name, doc;
  std::span<const std::string_view> processes;  // globs; only of programs that end when their work is done
};
std::span<const BusyKind> busy_kinds();
bool is_busy_kind(std::string_view name);

// The kind of work that a process of this name is at; empty: none that is known. The kernel cuts names at 15 bytes.
// more: "kind:glob", as in Policy::busy_processes.
std::string_view busy_kind_of(std::string_view process, std::span<const std::string> more = {});
// Whether /proc/mdstat tells of an array that is rebuilt, reshaped or checked.
bool resyncs(std::string_view mdstat);

// An entry of Circumstances::busy that begins so says that the host could not be asked.
inline constexpr std::string_view kBusyUnknown = "unknown:";

}  // namespace hostmedic::guard
