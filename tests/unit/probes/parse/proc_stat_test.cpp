// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/proc_stat.h"

#include <doctest/doctest.h>

#include <string>

using hostmedic::parse_proc_stat;

TEST_CASE("proc stat: a good file") {
  const auto stat = parse_proc_stat(
      "cpu  1000 20 300 40000 50 6 7 8 9 10\n"
      "cpu0 500 10 150 20000 25 3 3 4 4 5\n"
      "cpu1 500 10 150 20000 25 3 4 4 5 5\n"
      "intr 12345 0 1 2\n"
      "ctxt 987654\n"
      "btime 1700000000\n"
      "processes 4321\n"
      "procs_running 3\n"
      "procs_blocked 1\n"
      "softirq 5 1 2\n");
  REQUIRE(stat);
  CHECK(stat->user_s == doctest::Approx(10.0));
  CHECK(stat->nice_s == doctest::Approx(0.2));
  CHECK(stat->system_s == doctest::Approx(3.0));
  CHECK(stat->idle_s == doctest::Approx(400.0));
  CHECK(stat->iowait_s.value() == doctest::Approx(0.5));
  CHECK(stat->irq_s.value() == doctest::Approx(0.06));
  CHECK(stat->softirq_s.value() == doctest::Approx(0.07));
  CHECK(stat->steal_s.value() == doctest::Approx(0.08));
  CHECK(stat->cpus == 2);
  CHECK(stat->context_switches == 987654);
  CHECK(stat->processes_created == 4321);
  CHECK(stat->processes_running == 3);
  CHECK(stat->processes_blocked == 1);
}

TEST_CASE("proc stat: columns that a kernel does not print are absent, columns to come are ignored") {
  const auto old_kernel = parse_proc_stat("cpu 1 2 3 4\ncpu0 1 2 3 4\n");
  REQUIRE(old_kernel);
  CHECK(!old_kernel->iowait_s);
  CHECK(!old_kernel->steal_s);
  CHECK(!old_kernel->processes_running);
  const auto new_kernel = parse_proc_stat("cpu 1 2 3 4 5 6 7 8 9 10 11 12 13\ncpu0 1\ncpuset 7\n");
  REQUIRE(new_kernel);
  CHECK(new_kernel->cpus == 1);
}

TEST_CASE("proc stat: bad files are refused with line and item") {
  const auto message = [](std::string_view text) {
    const auto stat = parse_proc_stat(text);
    REQUIRE(!stat);
    CHECK(stat.error().code == hostmedic::ErrorCode::malformed);
    return stat.error().message();
  };
  CHECK(message("") == "empty");
  CHECK(message("ctxt 1\n") == "no cpu line");
  CHECK(message("cpu 1 2 3 4\n") == "no cpu line");  // no CPU that is online
  CHECK(message("cpu 1 2 3 4\ncpu0 1 2").find("cut off") == 0);
  CHECK(message("cpu 1 2 3\ncpu0 1\n") == "line 1: cpu idle: missing");
  CHECK(message("cpu 1 2 3 x4\ncpu0 1\n").find("line 1: cpu idle: 'x4'") == 0);
  CHECK(message("cpu 1 2 3 -4\ncpu0 1\n").find("line 1: cpu idle: ") == 0);
  CHECK(message("cpu 1 2 3 99999999999999999999999\ncpu0 1\n").find("line 1: cpu idle: ") == 0);
  CHECK(message("cpu 1 2 3 4\ncpu0 1\nctxt\n") == "line 3: ctxt: missing");
  CHECK(message(std::string("cpu \0\x01\xff\n", 8)).find("line 1: cpu user: ") == 0);
}
