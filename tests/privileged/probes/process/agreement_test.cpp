// SPDX-License-Identifier: Apache-2.0
// The two sources of processes agree on the live host, and the walk agrees with the kernel's own text under load. Where
// BPF is not allowed the tests say why and pass.
#include <doctest/doctest.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <map>
#include <new>
#include <sstream>

#include "agent/base/clock.h"
#include "probes/bpf/sweep_source.h"
#include "probes/parse/process_files.h"
#include "probes/process/proc_source.h"
#include "probes/source/roots.h"

using namespace hostmedic;
using namespace hostmedic::process;

namespace hostmedic {
extern const ProbeInfo processes_probe;
}

namespace {
thread_local std::size_t allocations = 0;
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

const ProbeSettings kSettings;
using Records = std::map<std::uint32_t, ProcessRecord>;

struct Heard final : ProcessVisitor {
  void process(const ProcessRecord& record) override { records[record.pid] = record; }
  void alive(std::uint32_t) override {}
  Records records;
};

std::unique_ptr<ProcessSource> walk_or_say(const Roots& roots) {
  auto made = bpf::make_sweep_source(ProbeContext{roots, kSettings});
  if (made) return std::move(*made);
  MESSAGE("skipped: " << made.error().message());
  CHECK(made.error().message().starts_with("not here, because "));
  return nullptr;
}
// Later by an hour each time, so that every sweep is one of everyone.
Records everyone(ProcessSource& source) {
  static MonoTime now = mono_now();
  now += std::chrono::hours(1);
  Heard heard;
  REQUIRE(source.sweep(now, 0, heard));
  return heard.records;
}
Records read_in_turn(ProcessSource& source, std::size_t processes) {
  Heard heard;
  MonoTime now = mono_now();
  for (std::size_t i = 0; i <= processes / kFullPerSweep + 2; ++i)
    REQUIRE(source.sweep(now += std::chrono::seconds(40), 0, heard));
  return heard.records;
}
void sleep_ms(long ms) {
  const timespec time{ms / 1000, ms % 1000 * 1'000'000};
  ::nanosleep(&time, nullptr);
}
bool same(const ProcessRecord& a, const ProcessRecord& b) {
  return a.started == b.started && a.counters == b.counters && a.gauges == b.gauges && a.name == b.name &&
         a.state == b.state && a.parent_pid == b.parent_pid;
}
std::int64_t tick_ns() { return 1'000'000'000 / ::sysconf(_SC_CLK_TCK); }
std::uint64_t cpu(const ProcessRecord& record) { return record[Counter::user_time] + record[Counter::system_time]; }
std::string slurp(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}
double stat_cpu_s(pid_t pid) {
  const std::string text = slurp("/proc/" + std::to_string(pid) + "/stat");
  const auto stat = parse_process_stat(text);
  REQUIRE(stat);
  return static_cast<double>(stat->user_ticks + stat->system_ticks) * static_cast<double>(tick_ns()) * 1e-9;
}
std::uint64_t statm_rss(pid_t pid) {
  std::istringstream text(slurp("/proc/" + std::to_string(pid) + "/statm"));
  std::uint64_t size = 0, rss = 0;
  text >> size >> rss;
  return rss * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("agreement: walk and process tree tell the same of every process that did not change in between") {
  const Roots roots = std::move(*open_roots("/"));
  const auto walk = walk_or_say(roots);
  if (!walk) return;
  const auto tree = make_proc_source(roots.proc.get());
  const std::uint64_t page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t batch = 3 * 32 * page * static_cast<std::uint64_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_CONF)));
  const Records before = everyone(*walk);
  const Records text = read_in_turn(*tree, before.size());
  const Records after = everyone(*walk);
  int compared = 0, exact_rss = 0;
  for (const auto& [pid, one] : before) {
    const auto again = after.find(pid);
    const auto read = text.find(pid);
    if (again == after.end() || !same(one, again->second)) continue;
    CAPTURE(pid);
    CAPTURE(std::string(one.executable()));
    REQUIRE(read != text.end());
    const ProcessRecord& other = read->second;
    ++compared;
    CHECK(other.parent_pid == one.parent_pid);
    CHECK(other.state == one.state);
    CHECK(other.kernel == one.kernel);
    CHECK(other.started.count() / tick_ns() == one.started.count() / tick_ns());
    CHECK(other[Gauge::threads] == one[Gauge::threads]);
    if (!one.kernel) CHECK(other.executable() == one.executable());  // text shows more of a worker's name
    CHECK(std::llabs(static_cast<long long>(cpu(other) - cpu(one))) <= 2 * tick_ns());  // it cuts both parts
    const auto agrees = [&](auto what) {
      if ((other.known & one.known & bit(what)) == 0) return;
      CAPTURE(static_cast<int>(what));
      CHECK(other[what] == one[what]);
    };
    agrees(Counter::minor_faults);
    agrees(Counter::major_faults);
    agrees(Counter::read_bytes);
    agrees(Counter::written_bytes);
    agrees(Counter::voluntary_switches);
    agrees(Counter::involuntary_switches);
    agrees(Counter::run_delay);
    agrees(Gauge::descriptors);
    agrees(Gauge::swap_bytes);
    if (!one.kernel) {
      const auto off = std::llabs(static_cast<long long>(other[Gauge::rss_bytes] - one[Gauge::rss_bytes]));
      CHECK(static_cast<std::uint64_t>(off) <= batch);
      exact_rss += off == 0;
    }
    if (!one.kernel && one.state != 'Z') CHECK(one[Gauge::rss_bytes] == statm_rss(static_cast<pid_t>(pid)));
  }
  MESSAGE(compared << " of " << before.size() << " processes compared, " << exact_rss << " with the very same memory");
  CHECK(compared >= 20);
}

TEST_CASE("agreement: CPU time and memory under load are those of the kernel's text, within 2 %") {
  const Roots roots = std::move(*open_roots("/"));
  const auto walk = walk_or_say(roots);
  if (!walk) return;
  std::vector<pid_t> busy;
  for (int i = 0; i < 3; ++i) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const std::size_t size = std::size_t{16} << 20;
      volatile char* memory = static_cast<char*>(std::malloc(size * (i + 1)));
      for (std::size_t at = 0; at < size * (i + 1); at += 4096) memory[at] = 1;
      pthread_t threads[2];
      for (pthread_t& thread : threads) {
        pthread_create(
            &thread, nullptr,
            [](void*) -> void* {
              volatile unsigned never = 0;
              while (never == 0) {
              }
              return nullptr;
            },
            nullptr);
      }
      ::pause();
    }
    busy.push_back(pid);
  }
  sleep_ms(300);
  std::map<pid_t, std::pair<double, double>> begin;  // text, walk
  Records records = everyone(*walk);
  for (const pid_t pid : busy) begin[pid] = {stat_cpu_s(pid), static_cast<double>(cpu(records.at(pid))) * 1e-9};
  for (int i = 0; i < 40 && stat_cpu_s(busy.back()) - begin[busy.back()].first < 1; ++i) sleep_ms(500);
  records = everyone(*walk);
  for (const pid_t pid : busy) {
    const double text = stat_cpu_s(pid) - begin[pid].first;
    const double walked = static_cast<double>(cpu(records.at(pid))) * 1e-9 - begin[pid].second;
    MESSAGE("CPU " << text << " s by text, " << walked << " s by walk; memory " << statm_rss(pid) << " and "
                   << records.at(pid)[Gauge::rss_bytes]);
    CHECK(text > 0.3);
    // The text's resolution at both ends, and what passed between the two readings.
    CHECK(std::fabs(text - walked) <= 0.02 * text + 3e-9 * static_cast<double>(tick_ns()));
    const auto rss = static_cast<double>(statm_rss(pid));
    CHECK(std::fabs(static_cast<double>(records.at(pid)[Gauge::rss_bytes]) - rss) <= 0.02 * rss);
    CHECK(records.at(pid)[Gauge::threads] == 3);
  }
  for (const pid_t pid : busy) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
}

TEST_CASE("agreement: in a pid namespace of its own the walk tells only what lives there, by its own numbers") {
  int out[2];
  REQUIRE(::pipe(out) == 0);
  struct Told {
    std::uint32_t error, processes, pid, parent, child_parent;
  } told{};
  const pid_t outer = ::fork();
  if (outer == 0) {
    if (::unshare(CLONE_NEWPID) != 0) ::_exit(1);
    const pid_t inner = ::fork();
    if (inner == 0) {
      const pid_t child = ::fork();
      if (child == 0) {
        for (;;) ::pause();
      }
      const Roots roots = std::move(*open_roots("/"));
      auto walk = bpf::make_sweep_source(ProbeContext{roots, kSettings});
      Heard heard;
      Told mine{1, 0, 0, 0, 0};
      if (walk && (*walk)->sweep(mono_now(), 0, heard)) {
        mine = {0, static_cast<std::uint32_t>(heard.records.size()), heard.records.contains(1), 99, 99};
        if (heard.records.contains(1)) mine.parent = heard.records[1].parent_pid;
        if (heard.records.contains(static_cast<std::uint32_t>(child)))
          mine.child_parent = heard.records[static_cast<std::uint32_t>(child)].parent_pid;
      }
      (void)!::write(out[1], &mine, sizeof mine);
      ::_exit(0);  // the first process of a namespace takes the others along
    }
    ::waitpid(inner, nullptr, 0);
    ::_exit(inner > 0 ? 0 : 1);
  }
  ::close(out[1]);
  const bool heard = ::read(out[0], &told, sizeof told) == sizeof told;
  ::waitpid(outer, nullptr, 0);
  ::close(out[0]);
  if (!heard || told.error != 0) {
    MESSAGE("skipped: no pid namespace, or no BPF in it");
    return;
  }
  CHECK(told.processes == 2);
  CHECK(told.pid == 1);
  CHECK(told.parent == 0);
  CHECK(told.child_parent == 1);
}

TEST_CASE("agreement: without the capabilities the process tree is read, and the probe says why") {
  int out[2];
  REQUIRE(::pipe(out) == 0);
  const pid_t plain = ::fork();
  if (plain == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(1);
    const Roots roots = std::move(*open_roots("/"));
    const auto made = processes_probe.make(ProbeContext{roots, kSettings});
    const std::string note = made ? std::string((*made)->note()) : made.error().message();
    (void)!::write(out[1], note.data(), note.size());
    ::_exit(0);
  }
  ::close(out[1]);
  char note[512] = {};
  (void)!::read(out[0], note, sizeof note - 1);
  ::waitpid(plain, nullptr, 0);
  ::close(out[0]);
  const std::string said = note;
  if (said.empty()) {
    MESSAGE("skipped: cannot become another user");
    return;
  }
  CAPTURE(said);
  CHECK(said.starts_with("reads the process tree in turn, because "));
  CHECK(said.size() > 50);
}

TEST_CASE("agreement: a read of the live host allocates nothing while nobody new comes") {
  const Roots roots = std::move(*open_roots("/"));
  if (!walk_or_say(roots)) return;
  const auto probe = processes_probe.make(ProbeContext{roots, kSettings});
  REQUIRE(probe);
  struct Silent final : Sink {
    EntityId entity(EntityKind, std::string_view) override { return EntityId{1}; }
    SeriesId series(EntityId, const MetricInfo&, std::string_view) override { return SeriesId{1}; }
    void retire(EntityId) override {}
    void sample(SeriesId, std::optional<double>) override { ++samples; }
    void event(Event) override {}
    int samples = 0;
  } sink;
  const MonoTime now = mono_now();
  std::size_t least = SIZE_MAX;
  for (int round = 0; round < 30 && least > 0; ++round) {
    const std::size_t before = allocations;
    REQUIRE((*probe)->read(now, sink));
    if (round > 0) least = std::min(least, allocations - before);
    sleep_ms(20);
  }
  CHECK(least == 0);
  CHECK(sink.samples > 0);
}
