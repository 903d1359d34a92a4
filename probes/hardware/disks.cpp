// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agent/base/parse.h"
#include "detect/model/names.h"
#include "probes/hardware/collect.h"
#include "probes/hardware/sys_dir.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostDisks = 1024;

// MMC: "0x01 0x03", a tenth of the expected life per step for each kind of memory; the more worn one counts.
std::optional<double> wear(const std::string& text) {
  double worst = -1;
  TextCursor words(text);
  for (std::string_view word = words.word(); !word.empty(); word = words.word()) {
    if (!word.starts_with("0x")) return std::nullopt;
    const auto step = parse_u64(word.substr(2), 16);
    constexpr std::uint64_t kOverdue = 11;  // beyond the expected life
    if (!step || *step == 0 || *step > kOverdue) continue;
    worst = std::max(worst, static_cast<double>(*step) / 10);
  }
  return worst < 0 ? std::nullopt : std::optional(worst);
}

void errors(const SysDir& device, const Entity& about, HardwareReport& report) {
  const auto add = [&](const char* file, const char* type) {
    if (const auto count = device.hex(file))
      report.reading(about, metric::kHardwareErrors, std::string("error.type=") + type, static_cast<double>(*count));
  };
  add("ioerr_cnt", "io");
  add("iotmo_cnt", "timeout");
}

}  // namespace

void collect_disks(int sys, HardwareReport& report) {
  const SysDir block(sys, "block");
  for (const std::string& name : block.list("", kMostDisks, report.left_out)) {
    const SysDir device = block.sub(name + "/device");
    if (!device) continue;  // loop, RAM, mapped and the like
    const Entity about{EntityKind::block_device, name};
    if (const auto state = device.text("state"); state && !state->empty())
      report.state(about, "disk", "", *state, *state != "running" && *state != "live");
    errors(device, about, report);
    if (const auto worn = wear(device.text("life_time").value_or("")))
      report.reading(about, metric::kDiskWear, "", *worn);
  }
}

}  // namespace hostmedic
