// SPDX-License-Identifier: Apache-2.0
// The event unit_job: a job of systemd that ended badly, or a timer that did not run. One thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "probes/probe.h"

namespace hostmedic::service {

struct FailedJob {
  std::string_view unit;      // whose job
  std::string_view type;      // "timer", or empty: systemd does not tell the type of a job that has ended
  std::string_view result;    // systemd's word ("timeout", "failed", "dependency"); for timers "failed" or "overdue"
  std::string_view triggers;  // of a timer: the unit that it starts
  std::uint64_t overdue_us = 0;
};

// Whether a job that ended with this result did not do what it was for, other than by somebody's wish.
bool is_failed_result(std::string_view result);

// followed: somebody speaks of the unit anyway. Else its entity goes again with the event.
void tell_job(const FailedJob& job, bool followed, MonoTime now, Sink& sink);

}  // namespace hostmedic::service
