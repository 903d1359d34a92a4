// SPDX-License-Identifier: Apache-2.0
// What a sweep over all processes costs, on this host as it is and with sleepers of its own beside it. Cases:
//   walk, recent     the kernel's walk that tells of those that ran, its records decoded and thrown away
//   walk, everyone   the same, of all
//   probe, recent    a whole read of the probe: walk, ledger, samples
//   probe, everyone  the same, of all
//   tree, a sweep    a read of the fallback, which reads a bounded number in turn
//   text, stat       /proc/PID/stat of every process, opened, read, closed, not parsed
//   text, full       stat, statm, status, io, schedstat, cgroup and the number of descriptors: the record's fields
// CPU time of the thread, median over rounds that take turns and start 50 ms apart, or as far as --pace says: caches
// are cold at 1000, as they are on a host. Sleepers are forked and ended by pid. Ratios are of medians of one run; the
// machine's own figure means little. usage: bench_sweep [--pace MS] [SLEEPERS...]
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/clock.h"
#include "agent/base/parse.h"
#include "agent/probe/frame_builder.h"
#include "probes/bpf/sweep_source.h"
#include "probes/process/proc_source.h"
#include "probes/source/roots.h"

namespace hostmedic {
extern const ProbeInfo processes_probe;
}

namespace {

using namespace hostmedic;
using namespace std::chrono_literals;

constexpr int kRounds = 11, kTextRounds = 3;

struct Nobody final : process::ProcessVisitor {
  void process(const process::ProcessRecord&) override {}
  void alive(std::uint32_t) override {}
};

double cpu_us() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}
void pause_ms(long ms) {
  const timespec time{ms / 1000, ms % 1000 * 1'000'000};
  ::nanosleep(&time, nullptr);
}

struct Case {
  const char* name;
  int rounds;
  std::function<void()> run;
  std::vector<double> us;
  double median() {
    std::sort(us.begin(), us.end());
    return us[us.size() / 2];
  }
};

std::size_t read_text(int proc, const std::vector<const char*>& files, bool descriptors) {
  static char buffer[65536];
  std::size_t total = 0;
  DIR* list = ::fdopendir(::openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  while (const dirent* entry = ::readdir(list)) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    char path[300];
    for (const char* file : files) {
      std::snprintf(path, sizeof path, "%s/%s", entry->d_name, file);
      const int fd = ::openat(proc, path, O_RDONLY | O_CLOEXEC);
      if (fd < 0) continue;
      const ssize_t n = ::read(fd, buffer, sizeof buffer);
      total += n > 0 ? static_cast<std::size_t>(n) : 0;
      ::close(fd);
    }
    struct stat found{};
    std::snprintf(path, sizeof path, "%s/fd", entry->d_name);
    if (descriptors && ::fstatat(proc, path, &found, 0) == 0) total += static_cast<std::size_t>(found.st_size);
  }
  ::closedir(list);
  return total;
}

std::vector<pid_t> start_sleepers(long count) {
  std::vector<pid_t> pids;
  for (long i = 0; i < count; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (;;) ::pause();
    }
    if (pid > 0) pids.push_back(pid);
  }
  return pids;
}

int measure(const Roots& roots, long sleepers, long pace) {
  const ProbeSettings settings;
  const ProbeContext context{roots, settings};
  auto recent = bpf::make_sweep_source(context), everyone = bpf::make_sweep_source(context);
  auto probe_recent = processes_probe.make(context), probe_everyone = processes_probe.make(context);
  if (!recent || !everyone || !probe_recent || !probe_everyone) {
    std::printf("%s\n", recent ? "the probe cannot be made" : recent.error().message().c_str());
    return 1;
  }
  auto tree = process::make_proc_source(roots.proc.get());
  Nobody nobody;
  MonoTime now = mono_now(), later = now;
  std::size_t processes = 0;
  const auto sweep = [&](process::ProcessSource& source, MonoTime at) {
    const auto done = source.sweep(at, processes, nobody);
    if (done) processes = done->tasks.processes();
  };
  FrameBuilder builder;
  const auto read = [&](Probe& probe, std::size_t speaker, MonoTime at) {
    builder.begin_tick(at, WallTime{});
    (void)probe.read(at, builder.sink(speaker));  // what it says of the host is not the matter here
    while (builder.pending()) {
      (void)builder.next(at, WallTime{});
      builder.sent();
    }
  };
  std::vector<Case> cases;
  cases.push_back({"walk, recent", kRounds, [&] { sweep(**recent, now); }, {}});
  cases.push_back({"walk, everyone", kRounds, [&] { sweep(**everyone, later += 1h); }, {}});
  cases.push_back({"probe, recent", kRounds, [&] { read(**probe_recent, 0, now); }, {}});
  cases.push_back({"probe, everyone", kRounds, [&] { read(**probe_everyone, 1, later += 1h); }, {}});
  cases.push_back({"tree, a sweep", kRounds, [&] { (void)tree->sweep(later += 2s, 0, nobody); }, {}});
  cases.push_back({"text, stat", kTextRounds, [&] { (void)read_text(roots.proc.get(), {"stat"}, false); }, {}});
  cases.push_back(
      {"text, full",
       kTextRounds,
       [&] { (void)read_text(roots.proc.get(), {"stat", "statm", "status", "io", "schedstat", "cgroup"}, true); },
       {}});
  for (int round = -2; round < kRounds; ++round) {
    for (Case& one : cases) {
      if (round >= one.rounds || (round < 0 && one.rounds == kTextRounds)) continue;
      pause_ms(pace);
      const double begin = cpu_us();
      one.run();
      if (round >= 0) one.us.push_back(cpu_us() - begin);
    }
  }
  std::printf("%ld sleepers, %zu processes\n", sleepers, processes);
  for (Case& one : cases) std::printf("  %-16s %10.0f us\n", one.name, one.median());
  const double walk_recent = cases[0].median(), walk_all = cases[1].median(), text = cases[6].median();
  std::printf("  probe / walk: recent %.2f, everyone %.2f; text, full / probe: recent %.0f, everyone %.1f\n",
              cases[2].median() / walk_recent, cases[3].median() / walk_all, text / cases[2].median(),
              text / cases[3].median());
  std::printf("  per minute, 60 recent and 2 of everyone: %.3f CPU s\n",
              (60 * cases[2].median() + 2 * cases[3].median()) * 1e-6);
  std::fflush(stdout);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto roots = open_roots("");
  if (!roots) return 1;
  std::vector<long> counts;
  const bool paced = argc > 2 && std::string_view(argv[1]) == "--pace";
  const long pace = paced ? static_cast<long>(parse_u64(argv[2]).value_or(50)) : 50;
  for (int i = paced ? 3 : 1; i < argc; ++i) counts.push_back(static_cast<long>(parse_u64(argv[i]).value_or(0)));
  if (counts.empty()) counts = {0, 1000, 5000};
  for (const long count : counts) {
    const std::vector<pid_t> sleepers = start_sleepers(count);
    const int result = measure(*roots, count, pace);
    for (const pid_t pid : sleepers) ::kill(pid, SIGKILL);
    for (const pid_t pid : sleepers) ::waitpid(pid, nullptr, 0);
    if (result != 0) return result;
  }
  return 0;
}
