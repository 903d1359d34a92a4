// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "detect/model/names.h"
#include "probes/hardware/collect.h"
#include "probes/hardware/sys_dir.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostChips = 64, kMostSensors = 64;
constexpr double kMilli = 1e-3;
constexpr double kMinute = 60;

struct Chip {
  SysDir dir;
  std::string id;  // "coretemp.0", "nvme0"
  Entity about;
  std::set<std::string> labels;  // given so far
};

// Sensors that sit in a disk speak of the disk.
Entity disk_or_host(const SysDir& chip, const std::string& device, std::size_t& left_out) {
  const auto named = [](std::string name) { return Entity{EntityKind::block_device, std::move(name)}; };
  const auto scsi = chip.sub("device/block").list("", 1, left_out);
  if (!scsi.empty()) return named(scsi.front());
  if (!device.starts_with("nvme")) return kHostEntity;
  const auto spaces = chip.sub("device").list(device + "n", 1, left_out);
  return spaces.empty() ? kHostEntity : named(spaces.front());
}

// Boards that give several sensors one label get the sensor's own name too.
std::string label_of(Chip& chip, const std::string& sensor) {
  std::string label = chip.id + " " + chip.dir.text(sensor + "_label").value_or(sensor);
  return chip.labels.insert(label).second ? label : label + " " + sensor;
}

void temperature(Chip& chip, const std::string& sensor, HardwareReport& report) {
  const std::string id = label_of(chip, sensor);
  const auto degrees = chip.dir.number(sensor + "_input");
  const std::string attributes = "hw.id=" + attribute_value(id);
  std::optional<double> celsius, share;
  if (degrees) celsius = static_cast<double>(*degrees) * kMilli;
  auto limit = chip.dir.number(sensor + "_crit");
  if (!limit || *limit <= 0) limit = chip.dir.number(sensor + "_max");
  report.reading(chip.about, metric::kTemperature, attributes, celsius);
  if (limit && *limit > 0) {
    if (celsius) share = *celsius / (static_cast<double>(*limit) * kMilli);
    report.reading(chip.about, metric::kTemperatureUtilization, attributes, share);
  }
  if (const auto alarm = chip.dir.number(sensor + "_crit_alarm"))
    report.state(chip.about, "temperature", id, *alarm != 0 ? "critical" : "in range", *alarm != 0);
}

// Many boards raise the alarm of a fan that nobody connected; only a change of it means something.
void fan(Chip& chip, const std::string& sensor, HardwareReport& report) {
  const std::string id = label_of(chip, sensor);
  const auto rpm = chip.dir.number(sensor + "_input");
  report.reading(chip.about, metric::kFanSpeed, "hw.id=" + attribute_value(id),
                 rpm ? std::optional(static_cast<double>(*rpm) / kMinute) : std::nullopt);
  auto fault = chip.dir.number(sensor + "_fault");
  if (!fault || *fault == 0) {
    if (const auto alarm = chip.dir.number(sensor + "_alarm")) fault = alarm;
  }
  if (fault) report.state(chip.about, "fan", id, *fault != 0 ? "failing" : "turning", false);
}

}  // namespace

std::string attribute_value(std::string text) {
  for (char& c : text)
    if (c == ',' || c == '=') c = '_';
  return text;
}

void collect_sensors(int sys, HardwareReport& report) {
  const SysDir chips(sys, "class/hwmon");
  for (const std::string& name : chips.list("hwmon", kMostChips, report.left_out)) {
    SysDir dir = chips.sub(name);
    const std::string device = dir.link("device");
    if (device.starts_with("thermal_zone")) continue;  // the same once more
    const std::string driver = dir.text("name").value_or(name);
    std::string id = device.empty() || device == driver ? driver : driver + " " + device;
    const Entity about = disk_or_host(dir, device, report.left_out);
    Chip chip{std::move(dir), std::move(id), about, {}};
    constexpr std::string_view kInput = "_input";
    for (const std::string& file : chip.dir.list("temp", kMostSensors * 16, report.left_out)) {
      if (file.ends_with(kInput)) temperature(chip, file.substr(0, file.size() - kInput.size()), report);
    }
    for (const std::string& file : chip.dir.list("fan", kMostSensors * 16, report.left_out)) {
      if (file.ends_with(kInput)) fan(chip, file.substr(0, file.size() - kInput.size()), report);
    }
  }
}

}  // namespace hostmedic
