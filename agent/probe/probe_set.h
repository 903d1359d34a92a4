// SPDX-License-Identifier: Apache-2.0
// The probes of one connection: makes them, reads each in its own interval, passes readable descriptors on, and reports
// a probe's state when it changes. What goes wrong in one probe stays in that probe. Each probe's processor time on
// this thread is measured; that of worker threads is in the whole process's. One thread.
#pragma once

#include <poll.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/probe/frame_builder.h"
#include "agent/self/governor.h"
#include "probes/probe.h"

namespace hostmedic {

// When something that runs every so many seconds is due. Pure. Times are cut to whole seconds, so that all probes with
// the same interval run in the same tick.
class Schedule {
 public:
  bool due(MonoTime now) const { return now >= next_; }
  // interval is rounded up to whole seconds, at least one.
  void ran(MonoTime now, Duration interval);

 private:
  MonoTime next_{};
};

class ProbeSet {
 public:
  // infos: at most FrameBuilder::kMostSpeakers - 1 are used. Everything given must outlive this. Names in disabled, and
  // those missing in a non-empty enabled, are not made.
  ProbeSet(std::span<const ProbeInfo* const> infos, const ProbeContext& context, FrameBuilder& builder,
           std::span<const std::string> enabled, std::span<const std::string> disabled);

  void tick(MonoTime now);
  // Whether a tick at that time makes probes, which can take a slow host a minute.
  bool makes(MonoTime now) const;
  // Whether a probe still has BPF programs to load: one that is not made yet and may be. called: of those that the pace
  // does not put away.
  bool loads_left(bool called) const;
  // Multiplies the intervals from the next read on; a probe whose priority is at 0 is put away until the pace changes.
  void set_pace(const Pace& pace);
  // Appends what to poll; the order is that of the last call when on_ready is called. Cheap when nothing changed.
  void add_descriptors(std::vector<pollfd>& polled) const;
  // polled: as appended by add_descriptors, with revents. Calls back those that are ready. True if any was.
  bool on_ready(std::span<const pollfd> polled, MonoTime now);

  static constexpr Duration kRetry = std::chrono::seconds(30);  // of a probe that could not be made

 private:
  struct Running {
    const ProbeInfo* info = nullptr;
    Sink* sink = nullptr;
    EntityId entity{};
    bool wanted = true, put_away = false, never = false;  // never: this host cannot
    std::unique_ptr<Probe> probe;
    Schedule schedule;
    Duration cpu{};  // spent in it so far
    SeriesId cpu_series = kNoSeries;
    std::vector<int> descriptors;
    bool has_descriptors = false;      // had some when it was made
    std::optional<Error> ready_error;  // of on_ready since the last read
    std::string state, reason;         // as last reported
  };

  bool step(Running& running, MonoTime now);
  bool make(Running& running, MonoTime now);
  void read(Running& running, MonoTime now);
  void put_away(Running& running, MonoTime now);
  int factor(const Running& running) const;
  void sample_cost(MonoTime now);
  static void report(Running& running, MonoTime now, std::string_view state, std::string_view reason);
  static void report(Running& running, MonoTime now, const Error& error);

  const ProbeContext context_;
  FrameBuilder& builder_;
  Pace pace_;
  Schedule cost_schedule_;
  std::vector<Running> running_;
};

}  // namespace hostmedic
