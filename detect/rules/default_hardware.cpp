// SPDX-License-Identifier: Apache-2.0
#include "detect/model/names.h"
#include "detect/rules/defaults.h"

namespace hostmedic::detect {

namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr DefaultCondition kHardware[] = {
    {"hardware-overheating", "any(hostmedic.hardware.temperature.utilization > 95% clear below 90% for 1m)",
     "hardware.overheating", Severity::error, 0.8,
     "at the sensor's own limit the machine slows down or switches itself off; 5% of 100 degrees are five"},
    {"hardware-throttled", "delta(sum(hostmedic.cpu.throttled{hw.type=package}), 10m) > 600", "hardware.overheating",
     Severity::warning, 0.6, "slowed down once a second for ten minutes; short turbo phases of small machines do less"},
    {"hardware-fan-stopped",
     "any(hostmedic.hardware.fan.speed == 0 and max(hostmedic.hardware.fan.speed, 1d) > 5/s) and "
     "max(hostmedic.hardware.temperature.utilization) > 85% for 1m",
     "hardware.fan_stopped", Severity::error, 0.85,
     "it turned within a day, stands now, and it is hot; fans that stand while it is cool are meant to"},
    {"hardware-memory-corrected", "any(delta(hw.errors{error.type=corrected}, 1h) > 10)", "hardware.memory_failing",
     Severity::warning, 0.8, "cosmic rays flip a bit in months; ten an hour are a module that begins to fail"},
    {"hardware-memory-uncorrected", "any(delta(hw.errors{error.type=uncorrected}, 1d) > 0.5)",
     "hardware.memory_failing", Severity::critical, 0.95, "data was lost; the next one may be in the kernel"},
    {"hardware-machine-checks", "delta(sum(hw.errors{error.type=machine_check}), 1h) > 0", "hardware.cpu_failing",
     Severity::error, 0.85, "a CPU reported a fault of its own"},
};

constexpr DefaultEvent kEvents[] = {
    {"kernel-machine-check", EventKind::kernel_message, attr::kKernelPattern, "machine_check", "hardware.cpu_failing",
     Severity::error, 0.8, hours(1), "the kernel reports a hardware error"},
    {"kernel-memory-error", EventKind::kernel_message, attr::kKernelPattern, "memory_error", "hardware.memory_failing",
     Severity::warning, 0.8, hours(1), "the kernel reports an error of a module"},
    {"kernel-thermal-critical", EventKind::kernel_message, attr::kKernelPattern, "thermal_critical",
     "hardware.overheating", Severity::critical, 0.95, minutes(10), "the machine is about to switch itself off"},
    {"kernel-thermal-throttle",
     EventKind::kernel_message,
     attr::kKernelPattern,
     "thermal_throttle",
     "hardware.overheating",
     Severity::info,
     0.4,
     minutes(10),
     "usual on small machines, so it only supports",
     {},
     false},
    {"sensor-critical",
     EventKind::hardware_fault,
     attr::kHardwareState,
     "critical",
     "hardware.overheating",
     Severity::critical,
     0.9,
     {},
     "the sensor's own alarm",
     "in range"},
    {"fan-failing",
     EventKind::hardware_fault,
     attr::kHardwareState,
     "failing",
     "hardware.fan_stopped",
     Severity::error,
     0.85,
     {},
     "the fan's own alarm",
     "turning"},
};

}  // namespace

void add_hardware(EngineConfig& ret_config) {
  add(kHardware, ret_config);
  add(kEvents, ret_config);
}

}  // namespace hostmedic::detect
