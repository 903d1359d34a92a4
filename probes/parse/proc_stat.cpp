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

void take_total(Columns& line, ProcStat& stat) {
  stat.user_s = seconds(line.need("cpu user"));
  stat.nice_s = seconds(line.need("cpu nice"));
  stat.system_s = seconds(line.need("cpu system"));
  stat.idle_s = seconds(line.need("cpu idle"));
  stat.iowait_s = seconds(line.maybe("cpu iowait"));
  stat.irq_s = seconds(line.maybe("cpu irq"));
  stat.softirq_s = seconds(line.maybe("cpu softirq"));
  stat.steal_s = seconds(line.maybe("cpu steal"));
}

// The columns behind steal are time of guests, which user and nice contain.
Result<CpuTicks> take_cpu(Columns& line, std::string_view name) {
  constexpr std::size_t kIdle = 3, kIowait = 4, kIrq = 5, kSoftirq = 6, kSteal = 7;
  const auto number = parse_u64(name.substr(3));
  if (!number || *number >= kMostCpus) return line_error(line.number(), name, "no number of a CPU");
  CpuTicks cpu;
  cpu.number = static_cast<unsigned>(*number);
  std::uint64_t ticks[kSteal + 1] = {};
  std::size_t columns = 0;
  for (; columns <= kSteal && !line.at_end(); ++columns) ticks[columns] = line.need(name);
  if (line.failed()) return std::move(line).error();
  if (columns <= kIdle) return cpu;
  for (const std::uint64_t one : ticks) cpu.total += one;  // a wrap-around is a reset like any other
  cpu.unused = ticks[kIdle] + ticks[kIowait] + ticks[kSteal];
  cpu.interrupt = ticks[kIrq] + ticks[kSoftirq];
  return cpu;
}

struct Counter {
  std::string_view key;
  std::optional<std::uint64_t> ProcStat::* field;
};
constexpr Counter kCounters[] = {
    {"intr", &ProcStat::interrupts},
    {"ctxt", &ProcStat::context_switches},
    {"btime", &ProcStat::boot_time_s},
    {"processes", &ProcStat::processes_created},
    {"procs_running", &ProcStat::processes_running},
    {"procs_blocked", &ProcStat::processes_blocked},
};

}  // namespace

Status parse_proc_stat(std::string_view text, ProcStat& ret_stat) {
  auto cpus = std::move(ret_stat.cpus);
  ret_stat = ProcStat();
  ret_stat.cpus = std::move(cpus);
  ret_stat.cpus.clear();
  if (auto whole = require_whole_lines(text); !whole) return whole;
  bool have_total = false;
  TextCursor lines(text);
  for (unsigned number = 1; !lines.at_end(); ++number) {
    Columns line(lines.line(), number);
    const std::string_view key = line.word();
    if (key == "cpu") {
      take_total(line, ret_stat);
      have_total = true;
    } else if (is_cpu_number(key)) {
      auto cpu = take_cpu(line, key);
      if (!cpu) return std::move(cpu).error();
      if (ret_stat.cpus.size() == kMostCpus) return make_error(ErrorCode::limit, "more CPUs than are followed");
      ret_stat.cpus.push_back(*cpu);
    } else if (key == "softirq") {
      line.skip("softirq total");
      for (auto& count : ret_stat.softirqs) count = line.maybe("softirq");
    } else {
      for (const Counter& counter : kCounters) {
        if (counter.key == key) ret_stat.*counter.field = line.need(key);
      }
    }
    if (line.failed()) return std::move(line).error();
  }
  if (!have_total || ret_stat.cpus.empty()) return make_error(ErrorCode::malformed, "no cpu line");
  return ok();
}

}  // namespace hostmedic
