// SPDX-License-Identifier: Apache-2.0
// What the agent costs the host: processor time and resident memory of this process and of the agent's daemon at the
// other end of the connection, every ten seconds. One thread.
#pragma once

#include <optional>
#include <string>

#include "agent/base/bytes.h"
#include "agent/base/time.h"
#include "agent/probe/probe_set.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"

namespace hostmedic {

class SelfCost {
 public:
  struct Total {
    Duration cpu{};  // since the start of each part
    Bytes resident;
  };

  SelfCost(int proc, std::string part);
  // A new connection, with the daemon behind it: ids are forgotten.
  void begin(int connection);
  // Samples this process's cost when it is due; then returns the cost of both, or nullopt if one could not be read.
  std::optional<Total> read(MonoTime now, Sink& sink);

 private:
  std::optional<Total> read_daemon();

  const int proc_;
  const std::string part_;
  KeptFile statm_;
  std::optional<KeptFile> daemon_stat_;
  Schedule schedule_;
  SeriesId cpu_ = kNoSeries, memory_ = kNoSeries;
};

}  // namespace hostmedic
