// SPDX-License-Identifier: Apache-2.0
#include "detect/model/names.h"
#include "probes/hardware/collect.h"
#include "probes/hardware/sys_dir.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostInterfaces = 128;
constexpr double kBytesPerMegabit = 1e6 / 8;

}  // namespace

void collect_links(int sys, HardwareReport& report) {
  const SysDir net(sys, "class/net");
  for (const std::string& name : net.list("", kMostInterfaces, report.left_out)) {
    const SysDir link = net.sub(name);
    if (link.link("device").empty()) continue;  // bridges, tunnels, containers' ends
    const Entity about{EntityKind::network_interface, name};
    // An interface that is switched off does not say whether there is a carrier.
    const auto carrier = link.number("carrier");
    const auto changes = link.number("carrier_changes");
    const auto megabits = link.number("speed");  // -1 without carrier, absent where speed has no meaning
    report.reading(about, metric::kLinkUp, "", carrier ? static_cast<double>(*carrier) : 0.0);
    if (changes) report.reading(about, metric::kCarrierChanges, "", static_cast<double>(*changes));
    std::string state = !carrier ? "off" : *carrier == 0 ? "without carrier" : "up";
    if (state == "up" && megabits && *megabits > 0) {
      report.reading(about, metric::kLinkSpeed, "", static_cast<double>(*megabits) * kBytesPerMegabit);
      state += " at " + std::to_string(*megabits) + " Mbit/s";
      const std::string duplex = link.text("duplex").value_or("");
      if (duplex == "half") state += ", half duplex";
    }
    report.state(about, "link", "", std::move(state), false);
  }
}

}  // namespace hostmedic
