// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "detect/model/names.h"
#include "probes/hardware/collect.h"
#include "probes/hardware/sys_dir.h"
#include "probes/parse/interrupts.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostControllers = 64, kMostModules = 128;
constexpr Bytes kMostInterrupts = mib(4);

void errors_state(const std::string& id, std::int64_t corrected, std::int64_t uncorrected, HardwareReport& report) {
  report.state(kHostEntity, "memory", id,
               strf("%lld corrected, %lld uncorrected errors", static_cast<long long>(corrected),
                    static_cast<long long>(uncorrected)),
               uncorrected > 0);
}

}  // namespace

void collect_memory_errors(int sys, HardwareReport& report) {
  const SysDir edac(sys, "devices/system/edac/mc");
  for (const std::string& name : edac.list("mc", kMostControllers, report.left_out)) {
    const SysDir controller = edac.sub(name);
    const auto corrected = controller.number("ce_count"), uncorrected = controller.number("ue_count");
    const auto value = [](std::optional<std::int64_t> n) {
      return n ? std::optional(static_cast<double>(*n)) : std::nullopt;
    };
    report.reading(kHostEntity, metric::kHardwareErrors, "error.type=corrected,hw.id=" + name, value(corrected));
    report.reading(kHostEntity, metric::kHardwareErrors, "error.type=uncorrected,hw.id=" + name, value(uncorrected));
    if (!corrected || !uncorrected) continue;
    // The module is what is exchanged, so it is named where the kernel knows it.
    std::int64_t unnamed_corrected = *corrected, unnamed_uncorrected = *uncorrected;
    for (const std::string& slot : controller.list("dimm", kMostModules, report.left_out)) {
      const SysDir module = controller.sub(slot);
      const auto ce = module.number("dimm_ce_count"), ue = module.number("dimm_ue_count");
      if (!ce || !ue) continue;
      unnamed_corrected -= *ce;
      unnamed_uncorrected -= *ue;
      errors_state(name + " " + module.text("dimm_label").value_or(slot), *ce, *ue, report);
    }
    constexpr std::int64_t kNone = 0;  // a module may have counted one more in between
    errors_state(name, std::max(unnamed_corrected, kNone), std::max(unnamed_uncorrected, kNone), report);
  }
}

void collect_machine_checks(int proc, HardwareReport& report) {
  const auto text = read_file_at(proc, "interrupts", kMostInterrupts);
  if (!text) return;
  const auto count = parse_interrupt_row(*text, "MCE");
  if (!count || !*count) return;  // not this kind of CPU
  report.reading(kHostEntity, metric::kHardwareErrors, "error.type=machine_check,hw.id=cpu",
                 static_cast<double>(**count));
  report.state(kHostEntity, "cpu", "", strf("%llu machine checks", static_cast<unsigned long long>(**count)),
               **count > 0);
}

}  // namespace hostmedic
