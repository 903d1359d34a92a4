// SPDX-License-Identifier: Apache-2.0
#include "probes/kernel/kernel_log.h"

#include "agent/base/text.h"
#include "detect/model/names.h"

namespace hostmedic {
namespace {

// Which of the kernel's devices have an entity of their own, and of what kind.
std::optional<EntityKind> kind_of(std::string_view pattern) {
  constexpr std::string_view kDisk[] = {"io_error", "medium_error", "filesystem_error", "remount_read_only",
                                        "array_degraded"};
  for (const std::string_view one : kDisk)
    if (one == pattern) return EntityKind::block_device;
  if (pattern == "link_down" || pattern == "link_up") return EntityKind::network_interface;
  return std::nullopt;
}

}  // namespace

void KernelLog::line(std::string_view text, MonoTime at, Sink& sink) {
  ++lines_;
  KernelMatch match;
  if (!match_kernel_message(text, match)) return;
  Pattern& pattern = patterns_[match.pattern];
  ++pattern.matched;
  if (!may_tell(pattern, at)) {
    ++held_back_;
    return;
  }
  ++pattern.in_window;
  Event event{EventKind::kernel_message,
              entity_of(match, sink),
              at,
              {{std::string(attr::kKernelPattern), std::string(kernel_pattern(match.pattern))},
               {std::string(attr::kKernelText), printable(text, kMostTextBytes)}}};
  const auto add = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) event.attributes.push_back({std::string(key), printable(value, kMostTextBytes)});
  };
  add(attr::kKernelDevice, match.device);
  add(attr::kProcessName, match.process);
  add(attr::kProcessPid, match.pid);
  add(attr::kServerPort, match.port);
  sink.event(std::move(event));
}

bool KernelLog::may_tell(Pattern& pattern, MonoTime at) const {
  if (pattern.in_window == 0 || at < pattern.window || at - pattern.window >= kWindow) {
    pattern.window = at;
    pattern.in_window = 0;
  }
  return pattern.in_window < kMostPerWindow;
}

EntityId KernelLog::entity_of(const KernelMatch& match, Sink& sink) {
  const EntityId host = sink.entity(EntityKind::host, "");
  const auto kind = kind_of(kernel_pattern(match.pattern));
  if (!kind || match.device.empty()) return host;
  const std::string name =
      printable(*kind == EntityKind::block_device ? whole_disk(match.device) : match.device, kMostEntityName);
  if (!devices_.contains(name) && devices_.size() >= kMostEntities) return host;
  devices_.insert(name);
  return sink.entity(*kind, name);
}

void KernelLog::sample(Sink& sink) {
  const EntityId host = sink.entity(EntityKind::host, "");
  if (lines_series_ == kNoSeries) {
    lines_series_ = sink.series(host, metric::kKernelLogLines);
    held_back_series_ = sink.series(host, metric::kKernelMessagesDropped, "reason=rate");
    lost_series_ = sink.series(host, metric::kKernelMessagesDropped, "reason=overwritten");
  }
  sink.sample(lines_series_, static_cast<double>(lines_));
  sink.sample(held_back_series_, static_cast<double>(held_back_));
  sink.sample(lost_series_, static_cast<double>(lost_));
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    Pattern& pattern = patterns_[i];
    if (pattern.matched == 0) continue;
    if (pattern.series == kNoSeries)
      pattern.series = sink.series(host, metric::kKernelMessages, "kernel.pattern=" + std::string(kernel_pattern(i)));
    sink.sample(pattern.series, static_cast<double>(pattern.matched));
  }
}

}  // namespace hostmedic
