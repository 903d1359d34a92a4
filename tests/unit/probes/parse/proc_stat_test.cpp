// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/proc_stat.h"

#include <doctest/doctest.h>

#include <string>

using namespace hostmedic;

namespace {
// What the text says, or nothing and why not.
struct Parsed {
  ProcStat stat;
  std::string refused;
  explicit Parsed(std::string_view text) {
    const Status status = parse_proc_stat(text, stat);
    if (status) return;
    CHECK(status.error().code == ErrorCode::malformed);
    refused = status.error().message();
  }
};
}  // namespace

TEST_CASE("proc stat: a good file") {
  const Parsed parsed(
      "cpu  1000 20 300 40000 50 6 7 8 9 10\n"
      "cpu0 500 10 150 20000 25 3 3 4 4 5\n"
      "cpu3 500 10 150 20000 25 3 4 4 5 5\n"
      "intr 12345 0 1 2\n"
      "ctxt 987654\n"
      "btime 1700000000\n"
      "processes 4321\n"
      "procs_running 3\n"
      "procs_blocked 1\n"
      "softirq 5 1 2 3 4 5 6 7 8 9 10\n");
  REQUIRE(parsed.refused == "");
  const ProcStat& stat = parsed.stat;
  CHECK(stat.user_s == doctest::Approx(10.0));
  CHECK(stat.nice_s == doctest::Approx(0.2));
  CHECK(stat.system_s == doctest::Approx(3.0));
  CHECK(stat.idle_s == doctest::Approx(400.0));
  CHECK(stat.iowait_s.value() == doctest::Approx(0.5));
  CHECK(stat.irq_s.value() == doctest::Approx(0.06));
  CHECK(stat.softirq_s.value() == doctest::Approx(0.07));
  CHECK(stat.steal_s.value() == doctest::Approx(0.08));
  REQUIRE(stat.cpus.size() == 2);
  CHECK(stat.cpus[1].number == 3);
  CHECK(stat.cpus[0].total == 500 + 10 + 150 + 20000 + 25 + 3 + 3 + 4);  // a guest's time is the user's already
  CHECK(stat.cpus[0].unused == 20000 + 25 + 4);
  CHECK(stat.cpus[1].interrupt == 7);
  CHECK(stat.interrupts == 12345);
  CHECK(stat.context_switches == 987654);
  CHECK(stat.boot_time_s == 1700000000);
  CHECK(stat.processes_created == 4321);
  CHECK(stat.processes_running == 3);
  CHECK(stat.processes_blocked == 1);
  CHECK(stat.softirqs[0] == 1);  // the first number is their sum
  CHECK(stat.softirqs[3] == 4);
  CHECK(stat.softirqs[9] == 10);
}

TEST_CASE("proc stat: columns that a kernel does not print are absent, columns to come are ignored") {
  const Parsed old_kernel("cpu 1 2 3 4\ncpu0 1 2 3 4\nsoftirq 9 1\n");
  REQUIRE(old_kernel.refused == "");
  CHECK(!old_kernel.stat.iowait_s);
  CHECK(!old_kernel.stat.steal_s);
  CHECK(!old_kernel.stat.processes_running);
  CHECK(!old_kernel.stat.interrupts);
  CHECK(old_kernel.stat.cpus[0].total == 10);
  CHECK(old_kernel.stat.softirqs[0] == 1);
  CHECK(!old_kernel.stat.softirqs[1]);
  const Parsed new_kernel("cpu 1 2 3 4 5 6 7 8 9 10 11 12 13\ncpu0 1\ncpuset 7\n");
  REQUIRE(new_kernel.refused == "");
  CHECK(new_kernel.stat.cpus.size() == 1);
  CHECK(new_kernel.stat.cpus[0].total == 0);
}

TEST_CASE("proc stat: a second text leaves nothing of the first") {
  ProcStat stat;
  REQUIRE(parse_proc_stat("cpu 1 2 3 4 5\ncpu0 1\ncpu1 1\nctxt 1\nsoftirq 1 1\n", stat));
  REQUIRE(parse_proc_stat("cpu 1 2 3 4\ncpu0 1\n", stat));
  CHECK(stat.cpus.size() == 1);
  CHECK(!stat.iowait_s);
  CHECK(!stat.context_switches);
  CHECK(!stat.softirqs[0]);
}

TEST_CASE("proc stat: bad files are refused with line and item") {
  const auto message = [](std::string_view text) { return Parsed(text).refused; };
  CHECK(message("") == "empty");
  CHECK(message("ctxt 1\n") == "no cpu line");
  CHECK(message("cpu 1 2 3 4\n") == "no cpu line");  // no CPU that is online
  CHECK(message("cpu 1 2 3 4\ncpu0 1 2").find("cut off") == 0);
  CHECK(message("cpu 1 2 3\ncpu0 1\n") == "line 1: cpu idle: missing");
  CHECK(message("cpu 1 2 3 x4\ncpu0 1\n").find("line 1: cpu idle: 'x4'") == 0);
  CHECK(message("cpu 1 2 3 -4\ncpu0 1\n").find("line 1: cpu idle: ") == 0);
  CHECK(message("cpu 1 2 3 99999999999999999999999\ncpu0 1\n").find("line 1: cpu idle: ") == 0);
  CHECK(message("cpu 1 2 3 4\ncpu0 1\nctxt\n") == "line 3: ctxt: missing");
  CHECK(message("cpu 1 2 3 4\ncpu0 1 x\n").find("line 2: cpu0: 'x'") == 0);
  CHECK(message("cpu 1 2 3 4\ncpu99999999999999999999 1\n") == "line 2: cpu99999999999999999999: no number of a CPU");
  CHECK(message("cpu 1 2 3 4\ncpu0 1\nsoftirq 1 2 x\n").find("line 3: softirq: 'x'") == 0);
  CHECK(message(std::string("cpu \0\x01\xff\n", 8)).find("line 1: cpu user: ") == 0);
}
