// SPDX-License-Identifier: Apache-2.0
// The contract of a probe: it turns a part of the host into samples and events and judges nothing. Probes run in the
// probe process on one thread; what may block goes through a Worker (source/worker.h) with a deadline.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "detect/model/frame.h"
#include "detect/model/series.h"
#include "probes/settings/settings.h"

namespace hostmedic {

class AskerSource;  // endpoint/asker.h

// Where a probe puts what it sees. Interning is for start and change; the steady state only calls sample().
class Sink {
 public:
  virtual ~Sink() = default;
  // The id of the entity, defined in the stream if it is new. Past the bound of frame.h kNoEntity is returned and the
  // refusal is counted: series() of it is kNoSeries, an event about it is told of the host.
  virtual EntityId entity(EntityKind kind, std::string_view name) = 0;
  // The id of the series; id kNoSeries past the bound.
  virtual SeriesId series(EntityId entity, const MetricInfo& metric, std::string_view attributes = {}) = 0;
  // This probe says nothing more about the entity: its series become unknown. The entity goes with all its series when
  // the last probe that asked for it has retired it.
  virtual void retire(EntityId entity) = 0;
  virtual void sample(SeriesId series, std::optional<double> value) = 0;
  virtual void event(Event event) = 0;  // wakes the daemon at once
};
inline constexpr EntityId kNoEntity{0xffffffff};
inline constexpr SeriesId kNoSeries{0xffffffff};  // sample() ignores it

// Roots enter once, as directory descriptors. Probes open below them with openat and know no absolute path.
struct Roots {
  Fd proc, sys, etc, run, root;  // /proc, /sys, /etc, /run, /
  std::string root_path = "/";   // for statfs on mount points and for D-Bus sockets
};

struct ProbeContext {
  const Roots& roots;
  const ProbeSettings& settings;
  AskerSource* askers = nullptr;  // for probes that use the network; only the process of the active checks has one
};

class Probe {
 public:
  virtual ~Probe() = default;
  // Reads and emits. An error is reported as the probe's state once, not each tick; samples it could not read were
  // emitted as unknown. Must not block.
  virtual Status read(MonoTime now, Sink& sink) = 0;
  // Descriptors to poll for readability between ticks (ring buffer, D-Bus, inotify); on_ready when one is readable.
  virtual std::vector<int> descriptors() const { return {}; }
  virtual Status on_ready(MonoTime now, Sink& sink) {
    (void)now, (void)sink;
    return ok();
  }
  // Asked after each read: when to be read next, counted from that read. Most return their info's interval.
  virtual Duration interval() const = 0;
  // Which of several ways it takes here and why, if there are several; told with its state while it works.
  virtual std::string_view note() const { return {}; }
};

// In which order probes are slowed down when the agent costs more than its budget: detail first.
enum class ProbePriority : std::uint8_t { vital, useful, detail };

struct ProbeInfo {
  std::string_view name, summary;
  Duration interval;
  std::string_view needs;  // kernel feature or capability, "" for none
  std::string_view cost;   // measured: "23 us per read on a 2-core VM"
  std::span<const MetricInfo* const> metrics;
  // unsupported with "not here, because ..." is a state to report, not a failure of the agent.
  Result<std::unique_ptr<Probe>> (*make)(const ProbeContext& context);
  ProbePriority priority = ProbePriority::useful;
};

std::span<const ProbeInfo* const> all_probes();

}  // namespace hostmedic
