// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "detect/model/names.h"
#include "probes/hardware/collect.h"
#include "probes/hardware/sys_dir.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostZones = 64, kMostCooling = 512, kMostCpus = 1024;
constexpr int kMostTripPoints = 16;
constexpr double kMilli = 1e-3;

std::optional<double> critical_point(const SysDir& zone) {
  for (int i = 0; i < kMostTripPoints; ++i) {
    const std::string point = "trip_point_" + std::to_string(i);
    const auto type = zone.text(point + "_type");
    if (!type) return std::nullopt;
    if (*type != "critical") continue;
    const auto degrees = zone.number(point + "_temp");
    if (degrees && *degrees > 0) return static_cast<double>(*degrees) * kMilli;
  }
  return std::nullopt;
}

void zones(const SysDir& thermal, HardwareReport& report) {
  for (const std::string& name : thermal.list("thermal_zone", kMostZones, report.left_out)) {
    const SysDir zone = thermal.sub(name);
    const std::string attributes = "hw.id=" + attribute_value(name + " " + zone.text("type").value_or(""));
    const auto degrees = zone.number("temp");
    std::optional<double> celsius;
    if (degrees) celsius = static_cast<double>(*degrees) * kMilli;
    report.reading(kHostEntity, metric::kTemperature, attributes, celsius);
    const auto critical = critical_point(zone);
    if (!critical) continue;
    report.reading(kHostEntity, metric::kTemperatureUtilization, attributes,
                   celsius ? std::optional(*celsius / *critical) : std::nullopt);
  }
}

// One series per type of cooling device, of which there is one per CPU: the highest.
void cooling(const SysDir& thermal, HardwareReport& report) {
  std::map<std::string, double> highest;
  for (const std::string& name : thermal.list("cooling_device", kMostCooling, report.left_out)) {
    const SysDir device = thermal.sub(name);
    const auto type = device.text("type");
    const auto now = device.number("cur_state"), most = device.number("max_state");
    if (!type || !now || !most || *most <= 0) continue;
    double& known = highest[*type];
    known = std::max(known, static_cast<double>(*now) / static_cast<double>(*most));
  }
  for (const auto& [type, share] : highest)
    report.reading(kHostEntity, metric::kCoolingUtilization, "hw.id=" + attribute_value(type), share);
}

// All CPUs of a package count the same events of the package.
void throttled(const SysDir& cpus, HardwareReport& report) {
  std::int64_t cores = 0;
  std::map<std::int64_t, std::int64_t> packages;
  bool known = false;
  for (const std::string& name : cpus.list("cpu", kMostCpus, report.left_out)) {
    const SysDir cpu = cpus.sub(name);
    const auto core = cpu.number("thermal_throttle/core_throttle_count");
    if (!core) {
      if (name == "cpu0") return;  // this kind of CPU does not count
      continue;
    }
    known = true;
    cores += *core;
    std::int64_t& package = packages[cpu.number("topology/physical_package_id").value_or(0)];
    package = std::max(package, cpu.number("thermal_throttle/package_throttle_count").value_or(0));
  }
  if (!known) return;
  std::int64_t sum = 0;
  for (const auto& [id, count] : packages) sum += count;
  report.reading(kHostEntity, metric::kCpuThrottled, "hw.type=core", static_cast<double>(cores));
  report.reading(kHostEntity, metric::kCpuThrottled, "hw.type=package", static_cast<double>(sum));
}

}  // namespace

void collect_thermal(int sys, HardwareReport& report) {
  const SysDir thermal(sys, "class/thermal");
  zones(thermal, report);
  cooling(thermal, report);
  throttled(SysDir(sys, "devices/system/cpu"), report);
}

}  // namespace hostmedic
