// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/process_files.h"

#include <doctest/doctest.h>

#include <string>

using namespace hostmedic;

namespace {
const std::string kStat =
    "1234 (nginx: wor) S 1 1234 1234 0 -1 4194560 501 7 3 8 1500 250 10 20 20 0 4 0 98765 220000256 1800 "
    "18446744073709551615 1 1 0 0 0 0 0 16781312 134235395 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
}

TEST_CASE("stat of a process: the columns that are used") {
  const auto stat = parse_process_stat(kStat);
  REQUIRE(stat);
  CHECK(stat->pid == 1234);
  CHECK(stat->parent_pid == 1);
  CHECK(stat->name == "nginx: wor");
  CHECK(stat->state == 'S');
  CHECK(stat->flags == 4194560);
  CHECK(stat->minor_faults == 501);
  CHECK(stat->major_faults == 3);
  CHECK(stat->user_ticks == 1500);
  CHECK(stat->system_ticks == 250);
  CHECK(stat->threads == 4);
  CHECK(stat->start_ticks == 98765);
  CHECK(stat->rss_pages == 1800);
}

TEST_CASE("stat of a process: a name that looks like the rest of the line") {
  std::string text = kStat;
  text.replace(text.find("nginx: wor"), 10, "a) Z 9 (b");
  const auto stat = parse_process_stat(text);
  REQUIRE(stat);
  CHECK(stat->name == "a) Z 9 (b");
  CHECK(stat->state == 'S');
  CHECK(stat->parent_pid == 1);
  text.replace(text.find("a) Z 9 (b"), 9, "\n) R 3\n");
  CHECK(parse_process_stat(text)->state == 'S');
  text.replace(text.find("\n) R 3\n"), 7, "");
  CHECK(parse_process_stat(text)->name == "");
}

TEST_CASE("stat of a process: a kernel thread, columns more, columns less, garbage") {
  CHECK(parse_process_stat("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 9 0 0 20 0 1 0 12 0 0 1844 0\n")->rss_pages ==
        0);
  CHECK(parse_process_stat(kStat.substr(0, kStat.size() - 1) + " 7 8 9\n"));
  for (const std::string& bad :
       {std::string(), std::string("\n"), kStat.substr(0, kStat.size() - 1), std::string("1 (a) S 1 1\n"),
        std::string("1 a S 1 1\n"), std::string(") 1 ( S\n"), std::string("x (a) S 1 1 1 0 -1 0 0 0 0 0 0 0\n"),
        std::string("1 (a) SS 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 1 1\n"),
        std::string("1 (a) S 1 1 1 0 -1 0 0 0 0 0 99999999999999999999 0 0 0 20 0 1 0 1 1 1\n"),
        std::string("1 (a) S -1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 1 1\n"),
        std::string("4294967296 (a) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 1 1\n")}) {
    CAPTURE(bad);
    const auto stat = parse_process_stat(bad);
    REQUIRE_FALSE(stat);
    CHECK(stat.error().code == ErrorCode::malformed);
  }
}

TEST_CASE("status of a process") {
  const auto status = parse_process_status(
      "Name:\tx\nUmask:\t0022\nUid:\t1000\t1001\t1002\t1003\nVmSwap:\t      12 kB\nThreads:\t1\n"
      "voluntary_ctxt_switches:\t55\nnonvoluntary_ctxt_switches:\t6\n");
  REQUIRE(status);
  CHECK(status->uid == 1000);
  CHECK(status->swap_bytes == 12288);
  CHECK(status->voluntary_switches == 55);
  CHECK(status->involuntary_switches == 6);
  const auto kernel = parse_process_status("Name:\tkthreadd\nUid:\t0\t0\t0\t0\n");
  REQUIRE(kernel);
  CHECK_FALSE(kernel->swap_bytes);
  CHECK_FALSE(kernel->voluntary_switches);
  for (const char* bad : {"", "Uid:\t1", "Uid:\n", "Uid:\tx\n", "Uid:\t4294967296\n",
                          "VmSwap:\t18446744073709551615 kB\n", "voluntary_ctxt_switches:\t-1\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_process_status(bad));
  }
}

TEST_CASE("io of a process") {
  const auto io = parse_process_io(
      "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 7\n");
  REQUIRE(io);
  CHECK(io->read_bytes == 4096);
  CHECK(io->written_bytes == 8192);
  for (const char* bad : {"", "read_bytes: 1\n", "read_bytes: 1\nwrite_bytes: x\n", "read_bytes: 1\nwrite_bytes: 2"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_process_io(bad));
  }
}

TEST_CASE("time on the run queue") {
  CHECK(*parse_process_run_delay("100 2500 7\n") == 2500);
  for (const char* bad : {"", "\n", "100\n", "100 x 7\n", "100 2500 7", "1 99999999999999999999 1\n"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_process_run_delay(bad));
  }
}
