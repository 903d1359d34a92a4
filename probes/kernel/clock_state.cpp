// SPDX-License-Identifier: Apache-2.0
#include "probes/kernel/clock_state.h"

#include <utility>

namespace hostmedic {

ClockState clock_state(const timex& kernel, int result) {
  constexpr double kMicro = 1e-6, kNano = 1e-9;
  constexpr double kFrequencyUnit = kMicro / 65536;  // parts per million with a 16-bit fraction
  const bool in_ns = (kernel.status & STA_NANO) != 0;
  ClockState state;
  state.offset_s = static_cast<double>(kernel.offset) * (in_ns ? kNano : kMicro);
  state.estimated_error_s = static_cast<double>(kernel.esterror) * kMicro;
  state.maximum_error_s = static_cast<double>(kernel.maxerror) * kMicro;
  state.frequency = static_cast<double>(kernel.freq) * kFrequencyUnit;
  state.synchronized = (kernel.status & STA_UNSYNC) == 0 && result != TIME_ERROR;
  state.leap_s = result == TIME_INS ? 1 : result == TIME_DEL ? -1 : 0;
  return state;
}

std::optional<Duration> StepWatch::look(WallTime wall, MonoTime mono) {
  const Duration difference = wall.time_since_epoch() - mono.time_since_epoch();
  const std::optional<Duration> before = std::exchange(difference_, difference);
  if (!before) return std::nullopt;
  const Duration step = difference - *before;
  if (step > -kLeast && step < kLeast) return std::nullopt;
  return step;
}

void Astray::stepped(Duration by) {
  if (kept_) by_ += by;
}

void Astray::seen(bool synchronized) {
  if (!synchronized) return;
  kept_ = true;
  by_ = {};
}

}  // namespace hostmedic
