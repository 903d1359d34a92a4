// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/diskstats.h"

#include <doctest/doctest.h>

using namespace hostmedic;

TEST_CASE("diskstats: a good file of 11, 15 and 17 counters") {
  std::vector<DiskStats> rows;
  REQUIRE(
      parse_diskstats("   8       0 sda 100 5 2000 30 40 6 800 90 2 110 120\n"
                      " 259       3 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n"
                      " 254       0 vda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
                      rows));
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].major == 8);
  CHECK(rows[0].name == "sda");
  CHECK(rows[0].reads == 100);
  CHECK(rows[0].read_bytes == 2000 * 512);
  CHECK(rows[0].read_ms == 30);
  CHECK(rows[0].writes == 40);
  CHECK(rows[0].written_bytes == 800 * 512);
  CHECK(rows[0].write_ms == 90);
  CHECK(rows[0].in_flight == 2);
  CHECK(rows[0].busy_ms == 110);
  CHECK(rows[1].minor == 3);
  CHECK(rows[2].busy_ms == 10);
  CHECK(rows[0].reads_merged == 5);
  CHECK(rows[0].writes_merged == 6);
  CHECK(rows[0].queue_ms == 120);
  CHECK(!rows[0].discards);  // an old kernel's absent is not zero
  CHECK(rows[1].discards == 12);
  CHECK(rows[1].discarded_bytes == 14 * 512);
  CHECK(rows[1].discard_ms == 15);
  CHECK(!rows[1].flushes);
  CHECK(rows[2].flushes == 16);
  CHECK(rows[2].flush_ms == 17);
}

TEST_CASE("diskstats: an empty file is a host without block devices") {
  std::vector<DiskStats> rows(3);
  REQUIRE(parse_diskstats("", rows));
  CHECK(rows.empty());
}

TEST_CASE("diskstats: bad files are refused with line and item") {
  std::vector<DiskStats> rows;
  const auto message = [&](std::string_view text) {
    const Status status = parse_diskstats(text, rows);
    REQUIRE(!status);
    return status.error().message();
  };
  CHECK(message("8 0 sda 1 2 3").find("cut off") == 0);
  CHECK(message("8 0 sda 1 2 3 4 5 6 7 8 9 10\n") == "sda: line 1: queue time: missing");
  CHECK(message("8 0 sda 1 2 x 4 5 6 7 8 9 10 11\n").find("sda: line 1: sectors read: 'x'") == 0);
  CHECK(message("8 0 sda 1 2 18446744073709551615 4 5 6 7 8 9 10 11\n") == "sda: line 1: sectors read: too large");
  CHECK(message("8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 x\n").find("sda: line 1: flushes: 'x'") == 0);
  CHECK(message("8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 18446744073709551615\n") ==
        "sda: line 1: sectors discarded: too large");
  CHECK(message("99999 0 sda 1 2 3 4 5 6 7 8 9 10 11\n") == "line 1: device number: too large");
  CHECK(message("garbage\n").find("line 1: major: ") == 0);
  CHECK(message("\n").find("line 1: major: missing") == 0);
  std::string many;
  for (std::size_t i = 0; i <= kMostDiskRows; ++i) many += "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n";
  const Status status = parse_diskstats(many, rows);
  REQUIRE(!status);
  CHECK(status.error().code == ErrorCode::limit);
  CHECK(rows.size() == kMostDiskRows);
}
