// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "agent/base/parse.h"
#include "detect/model/names.h"
#include "probes/hardware/collect.h"
#include "probes/hardware/sys_dir.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostArrays = 128, kMostMembers = 256;

// "healthy" for all the states between which a sound array goes to and fro.
std::string state_of(const std::string& kernel, std::int64_t missing, const std::string& syncing) {
  constexpr std::array<std::string_view, 5> kSound{"clean", "active", "active-idle", "write-pending", "read-auto"};
  std::string state = kernel;
  for (const std::string_view sound : kSound)
    if (kernel == sound) state = "healthy";
  if (missing > 0 && state == "healthy") state = "degraded";
  if (syncing == "recover" || syncing == "resync" || syncing == "reshape") state += ", " + syncing;
  return state;
}

// "123 / 4567" of sectors; "none" when nothing is synced.
std::optional<double> progress(const std::string& text) {
  const std::size_t slash = text.find(" / ");
  if (slash == std::string::npos) return std::nullopt;
  const auto done = parse_u64(std::string_view(text).substr(0, slash));
  const auto all = parse_u64(std::string_view(text).substr(slash + 3));
  if (!done || !all || *all == 0 || *done > *all) return std::nullopt;
  return static_cast<double>(*done) / static_cast<double>(*all);
}

void members(const SysDir& md, const Entity& about, HardwareReport& report) {
  constexpr std::string_view kPrefix = "dev-";
  for (const std::string& name : md.list(kPrefix, kMostMembers, report.left_out)) {
    const auto states = md.text(name + "/state");
    if (!states) continue;
    const bool faulty = states->find("faulty") != std::string::npos || states->find("error") != std::string::npos;
    report.state(about, "array member", name.substr(kPrefix.size()), *states, faulty);
  }
}

}  // namespace

void collect_arrays(int sys, HardwareReport& report) {
  const SysDir block(sys, "block");
  for (const std::string& name : block.list("md", kMostArrays, report.left_out)) {
    const SysDir md = block.sub(name + "/md");
    const auto kernel = md.text("array_state");
    if (!kernel || *kernel == "clear") continue;  // no array, or one without disks
    const Entity about{EntityKind::block_device, name};
    const auto missing = md.number("degraded");  // levels without redundancy do not have it
    const std::string action = md.text("sync_action").value_or("idle");
    report.state(about, "array", "", state_of(*kernel, missing.value_or(0), action),
                 missing.value_or(0) > 0 || *kernel == "broken" || *kernel == "inactive");
    if (missing) report.reading(about, metric::kArrayMissing, "", static_cast<double>(*missing));
    if (const auto found = md.number("mismatch_cnt"))
      report.reading(about, metric::kArrayMismatches, "", static_cast<double>(*found));
    if (const auto done = progress(md.text("sync_completed").value_or("")))
      report.reading(about, metric::kArraySync, "", *done);
    members(md, about, report);
  }
}

}  // namespace hostmedic
