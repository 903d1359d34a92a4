// SPDX-License-Identifier: Apache-2.0
// What the probe process itself costs: CPU time and resident memory, every ten seconds. One thread.
#pragma once

#include "agent/base/time.h"
#include "agent/probe/probe_set.h"
#include "probes/probe.h"
#include "probes/source/kept_file.h"

namespace hostmedic {

class SelfCost {
 public:
  explicit SelfCost(int proc);
  void reset();  // ids are forgotten
  void read(MonoTime now, Sink& sink);

 private:
  KeptFile statm_;
  Schedule schedule_;
  SeriesId cpu_ = kNoSeries, memory_ = kNoSeries;
};

}  // namespace hostmedic
