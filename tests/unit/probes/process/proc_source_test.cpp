// SPDX-License-Identifier: Apache-2.0
#include "probes/process/proc_source.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <map>
#include <set>

#include "../fake_root.h"

using namespace hostmedic;
using namespace hostmedic::process;
using namespace hostmedic::test;

namespace {

struct Heard final : ProcessVisitor {
  void process(const ProcessRecord& record) override {
    records[record.pid] = record;
    ++times[record.pid];
  }
  void alive(std::uint32_t pid) override { living.insert(pid); }
  std::map<std::uint32_t, ProcessRecord> records;
  std::map<std::uint32_t, int> times;
  std::set<std::uint32_t> living;
};

struct Tree {
  explicit Tree() : roots(root.roots()), source(make_proc_source(roots.proc.get())) {}
  void write(int pid, const std::string& name, int ticks = 0, char state = 'S', int start = 7000, int threads = 1) {
    const std::string at = "proc/" + std::to_string(pid);
    root.write(at + "/stat", std::to_string(pid) + " (" + name + ") " + state + " 1 1 1 0 -1 4194560 11 0 2 0 " +
                                 std::to_string(ticks) + " 3 0 0 20 0 " + std::to_string(threads) + " 0 " +
                                 std::to_string(start) + " 1000 25 1 2 3\n");
    root.write(at + "/status",
               "Uid:\t33\t33\t33\t33\nVmSwap:\t4 kB\nvoluntary_ctxt_switches:\t5\n"
               "nonvoluntary_ctxt_switches:\t6\n");
    root.write(at + "/io", "read_bytes: 4096\nwrite_bytes: 512\n");
    root.write(at + "/schedstat", "1 77 1\n");
    root.write(at + "/cgroup", "0::/system.slice/" + name + ".service\n");
  }
  void remove(int pid) { root.remove("proc/" + std::to_string(pid)); }
  Sweep sweep(std::int64_t second) {
    heard = {};
    const auto done = source->sweep(at_second(second), 0, heard);
    REQUIRE(done);
    return *done;
  }
  FakeRoot root;
  Roots roots;
  std::unique_ptr<ProcessSource> source;
  Heard heard;
};

}  // namespace

TEST_CASE("process tree: a small host is read whole, with all files") {
  Tree tree;
  tree.write(10, "nginx", 100);
  tree.write(11, "a) b", 0, 'R', 7000, 3);
  tree.root.write("proc/notanumber/stat", "");
  tree.root.write("proc/12x/stat", "");
  const auto sweep = tree.sweep(1);
  CHECK(sweep.complete);
  CHECK(tree.heard.living == std::set<std::uint32_t>{10, 11});
  const ProcessRecord nginx = tree.heard.records.at(10);
  const auto tick = static_cast<std::uint64_t>(1'000'000'000 / ::sysconf(_SC_CLK_TCK));
  CHECK(nginx.executable() == "nginx");
  CHECK(nginx.parent_pid == 1);
  CHECK(nginx.uid == 33);
  CHECK(nginx.state == 'S');
  CHECK(nginx.started == Duration(static_cast<std::int64_t>(7000 * tick)));
  CHECK(nginx[Counter::user_time] == 100 * tick);
  CHECK(nginx[Counter::system_time] == 3 * tick);
  CHECK(nginx[Counter::minor_faults] == 11);
  CHECK(nginx[Counter::major_faults] == 2);
  CHECK(nginx[Counter::read_bytes] == 4096);
  CHECK(nginx[Counter::written_bytes] == 512);
  CHECK(nginx[Counter::run_delay] == 77);
  CHECK(nginx[Counter::voluntary_switches] == 5);
  CHECK(nginx[Counter::involuntary_switches] == 6);
  CHECK(nginx[Gauge::rss_bytes] == 25 * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  CHECK(nginx[Gauge::swap_bytes] == 4096);
  CHECK(nginx[Gauge::threads] == 1);
  CHECK((nginx.known & bit(Gauge::descriptors)) == 0);  // this tree does not count them
  CHECK(nginx.known == (kAllKnown & ~bit(Gauge::descriptors)));
  // Switches and delay in these files are those of the first thread only.
  const ProcessRecord threaded = tree.heard.records.at(11);
  CHECK(threaded.executable() == "a) b");
  CHECK((threaded.known & (bit(Counter::run_delay) | bit(Counter::voluntary_switches))) == 0);
  CHECK(threaded.group != 0);
  CHECK(threaded.group != nginx.group);
  CHECK(sweep.tasks.running == 1);
  CHECK(sweep.tasks.sleeping == 1);
  CHECK(sweep.tasks.processes() == 2);
  CHECK(sweep.tasks.threads == 4);
}

TEST_CASE("process tree: files that may not be read leave their numbers unknown") {
  Tree tree;
  tree.write(10, "nginx");
  for (const char* file : {"status", "io", "schedstat", "cgroup"}) tree.root.remove(std::string("proc/10/") + file);
  (void)tree.sweep(1);
  const ProcessRecord record = tree.heard.records.at(10);
  CHECK(record.group == 0);
  CHECK(record.known ==
        (bit(Counter::user_time) | bit(Counter::system_time) | bit(Counter::minor_faults) | bit(Counter::major_faults) |
         bit(Gauge::threads) | bit(Gauge::rss_bytes) | bit(Gauge::zombies)));
  tree.root.write("proc/11/stat", "11 (broken S 1\n");
  const auto sweep = tree.sweep(100);
  CHECK_FALSE(tree.heard.records.contains(11));
  CHECK(sweep.tasks.processes() == 1);
}

TEST_CASE("process tree: each sweep reads a bounded number, and in the end everybody") {
  Tree tree;
  constexpr int kMany = 1000;
  for (int pid = 1; pid <= kMany; ++pid) tree.write(pid, "sleeper");
  std::map<std::uint32_t, int> times;
  int sweeps = 0;
  while (times.size() < kMany && sweeps < 100) {
    (void)tree.sweep(++sweeps * 2);
    CHECK(tree.heard.records.size() <= kStatsPerSweep);
    for (const auto& [pid, count] : tree.heard.times) {
      CHECK(count == 1);
      times[pid] += count;
    }
  }
  CHECK(sweeps <= 2 * kMany / static_cast<int>(kStatsPerSweep) + 1);
  // Who uses a CPU comes each time, once that is known.
  int ticks = 0, heard = 0;
  for (int i = 0; i < 40; ++i) {
    tree.write(500, "sleeper", ticks += 10);
    (void)tree.sweep(++sweeps * 2);
    heard += tree.heard.times.contains(500);
  }
  CHECK(heard >= 25);
}

TEST_CASE("process tree: who leaves is not listed, who is new comes first") {
  Tree tree;
  for (int pid = 1; pid <= 400; ++pid) tree.write(pid, "sleeper");
  for (int second = 0; second < 20; ++second) (void)tree.sweep(second * 2);
  tree.remove(7);
  tree.write(9000, "new");
  const auto sweep = tree.sweep(200);
  CHECK(sweep.complete);
  CHECK_FALSE(tree.heard.living.contains(7));
  CHECK(tree.heard.living.contains(9000));
  CHECK(tree.heard.records.contains(9000));
  CHECK(sweep.tasks.processes() == 400);
}

TEST_CASE("process tree: how long a process has been blocked is counted from when it was first seen so") {
  Tree tree;
  tree.write(10, "nfs", 5, 'D');
  CHECK(tree.sweep(10).tasks.longest_blocked == Duration(0));
  CHECK(tree.sweep(14).tasks.longest_blocked == std::chrono::seconds(4));
  CHECK(tree.heard.records.at(10).blocked == std::chrono::seconds(4));
  CHECK(tree.sweep(14).tasks.blocked_threads == 1);
  tree.write(10, "nfs", 6, 'D');  // it ran meanwhile
  CHECK(tree.sweep(20).tasks.longest_blocked == Duration(0));
  tree.write(10, "nfs", 6, 'S');
  const auto last = tree.sweep(24);
  CHECK(last.tasks.longest_blocked == Duration(0));
  CHECK(last.tasks.blocked_threads == 0);
  tree.write(10, "other", 6, 'D', 9999);
  CHECK(tree.sweep(30).tasks.longest_blocked == Duration(0));
}
