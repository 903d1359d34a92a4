// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/proc_stat.h"

#include "probes/parse/lines.h"

namespace hostmedic {
namespace {

// USER_HZ: what the kernel counts in when it talks to user space, 100 on every architecture we build for.
constexpr double kTicksPerSecond = 100.0;
double seconds(std::uint64_t ticks) { return static_cast<double>(ticks) / kTicksPerSecond; }
std::optional<double> seconds(std::optional<std::uint64_t> ticks) {
  if (!ticks) return std::nullopt;
  return seconds(*ticks);
}

bool is_cpu_number(std::string_view word) {
  return word.size() > 3 && word.starts_with("cpu") &&
         word.find_first_not_of("0123456789", 3) == std::string_view::npos;
}

}  // namespace

Result<CpuStat> parse_proc_stat(std::string_view text) {
  if (auto whole = require_whole_lines(text); !whole) return std::move(whole).error();
  CpuStat stat;
  bool have_total = false;
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    Columns line(lines.line(), number);
    const std::string_view key = line.word();
    if (key == "cpu") {
      stat.user_s = seconds(line.need("cpu user"));
      stat.nice_s = seconds(line.need("cpu nice"));
      stat.system_s = seconds(line.need("cpu system"));
      stat.idle_s = seconds(line.need("cpu idle"));
      stat.iowait_s = seconds(line.maybe("cpu iowait"));
      stat.irq_s = seconds(line.maybe("cpu irq"));
      stat.softirq_s = seconds(line.maybe("cpu softirq"));
      stat.steal_s = seconds(line.maybe("cpu steal"));
      have_total = true;
    } else if (is_cpu_number(key)) {
      ++stat.cpus;
    } else if (key == "ctxt") {
      stat.context_switches = line.need("ctxt");
    } else if (key == "processes") {
      stat.processes_created = line.need("processes");
    } else if (key == "procs_running") {
      stat.processes_running = line.need("procs_running");
    } else if (key == "procs_blocked") {
      stat.processes_blocked = line.need("procs_blocked");
    }
    if (line.failed()) return std::move(line).error();
  }
  if (!have_total || stat.cpus == 0) return make_error(ErrorCode::malformed, "no cpu line");
  return stat;
}

}  // namespace hostmedic
