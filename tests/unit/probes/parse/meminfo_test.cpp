// SPDX-License-Identifier: Apache-2.0
#include "probes/parse/meminfo.h"

#include <doctest/doctest.h>

using hostmedic::parse_meminfo;

TEST_CASE("meminfo: a good file, in bytes") {
  const auto info = parse_meminfo(
      "MemTotal:        8000000 kB\n"
      "MemFree:          500000 kB\n"
      "MemAvailable:    3000000 kB\n"
      "Buffers:           10000 kB\n"
      "Cached:          2000000 kB\n"
      "SwapCached:           77 kB\n"
      "Dirty:               123 kB\n"
      "Slab:             200000 kB\n"
      "SReclaimable:     150000 kB\n"
      "SwapTotal:       1000000 kB\n"
      "SwapFree:         999999 kB\n"
      "HugePages_Total:       0\n");
  REQUIRE(info);
  CHECK(info->total_bytes == 8000000ULL * 1024);
  CHECK(info->free_bytes == 500000ULL * 1024);
  CHECK(info->available_bytes == 3000000ULL * 1024);
  CHECK(info->buffers_bytes == 10000ULL * 1024);
  CHECK(info->cached_bytes == 2000000ULL * 1024);  // not SwapCached
  CHECK(info->dirty_bytes == 123ULL * 1024);
  CHECK(info->slab_bytes == 200000ULL * 1024);
  CHECK(info->slab_reclaimable_bytes == 150000ULL * 1024);
  CHECK(info->swap_total_bytes == 1000000ULL * 1024);
  CHECK(info->swap_free_bytes == 999999ULL * 1024);
}

TEST_CASE("meminfo: what is not printed is absent, not zero") {
  const auto info = parse_meminfo("MemTotal: 1 kB extra columns\n\nNew: 3\n");
  REQUIRE(info);
  CHECK(info->total_bytes == 1024);
  CHECK(!info->available_bytes);
  CHECK(!info->swap_total_bytes);
}

TEST_CASE("meminfo: bad files are refused with line and item") {
  const auto message = [](std::string_view text) {
    const auto info = parse_meminfo(text);
    REQUIRE(!info);
    return info.error().message();
  };
  CHECK(message("") == "empty");
  CHECK(message("MemFree: 1 kB\n") == "no MemTotal");
  CHECK(message("MemTotal: 1 kB\nMemFree: 12").find("cut off") == 0);
  CHECK(message("MemTotal:\n") == "line 1: MemTotal: missing");
  CHECK(message("MemTotal: 1 kB\nDirty: many kB\n").find("line 2: Dirty: 'many'") == 0);
  CHECK(message("MemTotal: 18446744073709551615 kB\n") == "line 1: MemTotal: too large");
  CHECK(message("MemTotal: 18446744073709551616 kB\n").find("line 1: MemTotal: ") == 0);
}
