// SPDX-License-Identifier: Apache-2.0
// What the attached BPF programs cost everybody else: three workloads with and without the default programs of all
// probes that have some, in turn, many times.
//   switch  two processes that wake each other over pipes on one CPU
//   call    the cheapest system call
//   exec    fork, exec and end of a small program
// Per workload: the median over pairs of (CPU time with) / (CPU time without), its noise (half of the distance between
// the quartiles of the pairs, by 1.57 and the root of their number, as in a notched box plot), and the same of pairs
// without any program, which shows what the machine does by itself. The programs belong to another process, as they do
// on a host: with their maps in its own address space each fork of the measuring one would copy more. Then what the
// kernel says an event costs. Needs the right to load BPF programs; statistics need CAP_SYS_ADMIN. Ends with 1 when a
// bar is missed beyond the noise.
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/parse.h"
#include "probes/bpf/own_programs.h"
#include "probes/probe.h"
#include "probes/source/roots.h"

namespace {

using namespace hostmedic;

constexpr double kMostRatio = 1.01, kMostEventNs = 1000;

double cpu_seconds(int who) {
  rusage used{};
  (void)::getrusage(who, &used);  // cannot fail for these
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}
// CPU time of ours and of our children that ended: what others do on a shared machine is not in it.
double seconds_of(void (*work)()) {
  const double begin = cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN);
  work();
  return cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN) - begin;
}

void switches() {
  constexpr int kTurns = 50'000;
  int there[2], back[2];
  if (::pipe(there) != 0 || ::pipe(back) != 0) std::exit(2);
  char byte = 0;
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (int i = 0; i < kTurns; ++i)
      if (::read(there[0], &byte, 1) != 1 || ::write(back[1], &byte, 1) != 1) ::_exit(2);
    ::_exit(0);
  }
  for (int i = 0; i < kTurns; ++i)
    if (::write(there[1], &byte, 1) != 1 || ::read(back[0], &byte, 1) != 1) std::exit(2);
  (void)::waitpid(pid, nullptr, 0);
  for (const int fd : {there[0], there[1], back[0], back[1]}) (void)::close(fd);
}

void calls() {
  constexpr int kCalls = 2'000'000;
  for (int i = 0; i < kCalls; ++i) (void)::syscall(SYS_getppid);
}

void execs() {
  constexpr int kExecs = 400;
  for (int i = 0; i < kExecs; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::execl("/bin/true", "true", nullptr);
      ::_exit(127);
    }
    (void)::waitpid(pid, nullptr, 0);
  }
}

struct Workload {
  const char* name;
  void (*work)();
  std::vector<double> with, nothing;  // ratios
};

struct Spread {
  double median = 0, noise = 0;
};
Spread spread(std::vector<double> ratios) {
  std::sort(ratios.begin(), ratios.end());
  const auto at = [&](double q) {
    return ratios[static_cast<std::size_t>(q * static_cast<double>(ratios.size() - 1))];
  };
  return {at(0.5), 1.57 * (at(0.75) - at(0.25)) / 2 / std::sqrt(static_cast<double>(ratios.size()))};
}

using Probes = std::vector<std::unique_ptr<Probe>>;
// The default programs: of every probe that loads some when it is made.
Probes attach(const ProbeContext& context, bool say) {
  Probes probes;
  for (const ProbeInfo* info : all_probes()) {
    if (info->needs.find("BPF") == std::string_view::npos) continue;
    auto made = info->make(context);
    if (made)
      probes.push_back(std::move(*made));
    else if (say)
      std::printf("without %s: %s\n", std::string(info->name).c_str(), made.error().message().c_str());
  }
  return probes;
}

// Another process that holds the programs while it is told to: 'a' attaches, 'd' lets go, the answer is whether any is.
class Holder {
 public:
  explicit Holder(const ProbeContext& context) {
    int told[2], said[2];
    if (::pipe(told) != 0 || ::pipe(said) != 0) std::exit(2);
    pid_ = ::fork();
    if (pid_ == 0) {
      (void)::close(told[1]);
      hold(context, told[0], said[1]);
      ::_exit(0);
    }
    (void)::close(told[0]);
    (void)::close(said[1]);
    to_ = told[1];
    from_ = said[0];
  }
  ~Holder() {
    (void)::close(to_);
    (void)::waitpid(pid_, nullptr, 0);
    (void)::close(from_);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  bool tell(char what) const {
    char any = 0;
    if (::write(to_, &what, 1) != 1 || ::read(from_, &any, 1) != 1) std::exit(2);
    return any != 0;
  }

 private:
  static void hold(const ProbeContext& context, int told, int said) {
    char what = 0;
    bool first = true;
    Probes probes;
    while (::read(told, &what, 1) == 1) {
      probes.clear();
      if (what == 'a') {
        probes = attach(context, first);
        if (first) describe(context, probes.size());
        first = false;
      }
      const char any = probes.empty() ? 0 : 1;
      if (::write(said, &any, 1) != 1) return;
    }
  }
  static void describe(const ProbeContext& context, std::size_t probes) {
    std::uint64_t bytes = 0;
    const auto maps = bpf::own_maps(context.roots.proc.get());
    for (const bpf::OwnMap& map : maps) bytes += map.bytes;
    std::printf("%zu probes, %zu programs, %zu maps of %llu KiB\n", probes,
                bpf::own_programs(context.roots.proc.get()).size(), maps.size(),
                static_cast<unsigned long long>(bytes >> 10));
    (void)std::fflush(stdout);
  }
  pid_t pid_ = -1;
  int to_ = -1, from_ = -1;
};

bool print_events(const ProbeContext& context, std::vector<Workload>& workloads) {
  const Probes probes = attach(context, false);
  const auto statistics = bpf::keep_statistics();
  if (!statistics) {
    std::printf("events are not timed: %s\n", statistics.error().message().c_str());
    return true;
  }
  for (const Workload& one : workloads) one.work();
  double events = 0, ns = 0;
  std::printf("%-24s %12s %14s\n", "program", "events", "ns per event");
  for (const bpf::OwnProgram& program : bpf::own_programs(context.roots.proc.get())) {
    if (program.runs == 0) continue;
    events += static_cast<double>(program.runs);
    ns += static_cast<double>(program.run_ns);
    std::printf("%-24s %12llu %14.0f\n", program.name.c_str(), static_cast<unsigned long long>(program.runs),
                static_cast<double>(program.run_ns) / static_cast<double>(program.runs));
  }
  const double each = events > 0 ? ns / events : 0;
  std::printf("%-24s %12.0f %14.0f (bar %.0f)\n", "together", events, each, kMostEventNs);
  return each <= kMostEventNs;
}

}  // namespace

int main(int argc, char** argv) {
  const int pairs =
      argc > 1 ? static_cast<int>(std::clamp<std::uint64_t>(parse_u64(argv[1]).value_or(40), 4, 1000)) : 40;
  const auto roots = open_roots("");
  if (!roots) return std::fprintf(stderr, "%s\n", roots.error().message().c_str()), 2;
  cpu_set_t one_cpu;
  CPU_ZERO(&one_cpu);
  CPU_SET(::sched_getcpu(), &one_cpu);
  if (::sched_setaffinity(0, sizeof one_cpu, &one_cpu) != 0) std::puts("not bound to one CPU: more noise");
  const ProbeSettings settings;
  const ProbeContext context{*roots, settings};
  std::vector<Workload> workloads{{"switch", switches, {}, {}}, {"call", calls, {}, {}}, {"exec", execs, {}, {}}};
  const Holder holder(context);
  for (int i = 0; i < pairs; ++i) {
    // Without, with, without: in every order of neighbours, so that a drift of the machine falls out.
    std::vector<double> before, with, after;
    for (const Workload& one : workloads) before.push_back(seconds_of(one.work));
    if (!holder.tell('a')) return std::puts("no BPF program can be attached here"), 0;
    for (const Workload& one : workloads) with.push_back(seconds_of(one.work));
    (void)holder.tell('d');
    for (const Workload& one : workloads) after.push_back(seconds_of(one.work));
    for (std::size_t w = 0; w < workloads.size(); ++w) {
      workloads[w].with.push_back(with[w] / ((before[w] + after[w]) / 2));
      workloads[w].nothing.push_back(before[w] / after[w]);
    }
  }
  bool fine = true;
  std::printf("%-8s %10s %10s %16s   %d pairs, bar %.2f\n", "workload", "ratio", "noise", "with nothing", pairs,
              kMostRatio);
  for (Workload& one : workloads) {
    const Spread with = spread(one.with), nothing = spread(one.nothing);
    fine = fine && with.median - with.noise <= kMostRatio;
    std::printf("%-8s %10.4f %10.4f %8.4f +-%6.4f\n", one.name, with.median, with.noise, nothing.median, nothing.noise);
  }
  fine = print_events(context, workloads) && fine;
  return fine ? 0 : 1;
}
