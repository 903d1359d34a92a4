// SPDX-License-Identifier: Apache-2.0
// The kinds of hardware, each from its part of /sys. A part that this machine does not have adds nothing. Calls may
// hang with the device. sys and proc: directory descriptors.
#pragma once

#include "probes/hardware/report.h"

namespace hostmedic {

// Text from a device within a series' attributes, which have the form "key=value,key=value".
std::string attribute_value(std::string text);

void collect_sensors(int sys, HardwareReport& report);        // hwmon: temperatures and fans
void collect_thermal(int sys, HardwareReport& report);        // thermal zones, cooling devices, throttled CPUs
void collect_memory_errors(int sys, HardwareReport& report);  // edac
void collect_machine_checks(int proc, HardwareReport& report);
void collect_arrays(int sys, HardwareReport& report);  // md
void collect_disks(int sys, HardwareReport& report);   // state, errors and wear of SCSI, NVMe and MMC devices
void collect_links(int sys, HardwareReport& report);   // network interfaces with a device behind them

}  // namespace hostmedic
