// SPDX-License-Identifier: Apache-2.0
#include "probes/bpf/sweep_record.h"

#include <doctest/doctest.h>

#include <cstring>
#include <span>
#include <string>
#include <vector>

using namespace hostmedic;
using namespace hostmedic::bpf;
using process::Counter;
using process::Gauge;

namespace {

hm_sweep_process example() {
  hm_sweep_process record{};
  record.kind = HM_SWEEP_PROCESS;
  record.pid = 42;
  record.parent_pid = 1;
  record.uid = 33;
  record.state = 1;
  record.threads = 3;
  record.fds = 12;
  record.start_ns = 5'000'000'000;
  record.cgroup_id = 77;
  record.user_ns = 300;
  record.system_ns = 100;
  record.runtime_ns = 1000;
  record.run_delay_ns = 55;
  record.rss_pages = 10;
  record.swap_pages = 2;
  record.read_bytes = 4096;
  std::strcpy(record.comm, "nginx");
  return record;
}
struct Heard final : process::ProcessVisitor {
  void process(const process::ProcessRecord& record) override { pids.push_back(record.pid); }
  void alive(std::uint32_t pid) override { living.push_back(pid); }
  std::vector<std::uint32_t> pids, living;
};
template <class Record>
std::string bytes(const Record& record) {
  return {reinterpret_cast<const char*>(&record), sizeof record};
}

}  // namespace

TEST_CASE("sweep record: translated") {
  const auto record = decode_process(example(), 4096);
  CHECK(record.pid == 42);
  CHECK(record.parent_pid == 1);
  CHECK(record.state == 'S');
  CHECK_FALSE(record.kernel);
  CHECK(record.started == std::chrono::seconds(5));
  CHECK(record.executable() == "nginx");
  CHECK(record[Counter::user_time] == 750);
  CHECK(record[Counter::system_time] == 250);
  CHECK(record[Gauge::rss_bytes] == 40960);
  CHECK(record[Gauge::swap_bytes] == 8192);
  CHECK(record.known == process::kAllKnown);
}

TEST_CASE("sweep record: what the kernel does not tell is unknown") {
  auto one = example();
  one.flags = HM_SWEEP_RSS_UNKNOWN | HM_SWEEP_DELAY_UNKNOWN;
  const auto known = decode_process(one, 4096).known;
  CHECK((known & (bit(Gauge::rss_bytes) | bit(Gauge::swap_bytes) | bit(Counter::run_delay))) == 0);
  CHECK((known & bit(Counter::read_bytes)) != 0);
  one.flags = HM_SWEEP_SUMS_PARTIAL;
  CHECK((decode_process(one, 4096).known & bit(Counter::user_time)) == 0);
  CHECK((decode_process(one, 4096).known & bit(Gauge::rss_bytes)) != 0);
  one.flags = HM_SWEEP_KERNEL;
  CHECK(decode_process(one, 4096).kernel);
  CHECK((decode_process(one, 4096).known & bit(Gauge::rss_bytes)) == 0);
}

TEST_CASE("sweep record: the split of measured time by the tick") {
  const auto split = [](std::uint64_t run, std::uint64_t user, std::uint64_t system) {
    const CpuSplit cpu = split_runtime(run, user, system);
    CHECK(cpu.user_ns + cpu.system_ns == run);
    return cpu.user_ns;
  };
  CHECK(split(1000, 0, 0) == 1000);
  CHECK(split(1000, 5, 0) == 1000);
  CHECK(split(1000, 0, 5) == 0);
  CHECK(split(1000, 1, 1) == 500);
  CHECK(split(0, 7, 9) == 0);
  CHECK(split(UINT64_MAX, UINT64_MAX, UINT64_MAX) > 0);
}

TEST_CASE("sweep record: state letters") {
  CHECK(state_letter(0) == 'R');
  CHECK(state_letter(0x1) == 'S');
  CHECK(state_letter(0x2) == 'D');
  CHECK(state_letter(0x102) == 'D');
  CHECK(state_letter(0x402) == 'I');
  CHECK(state_letter(0x4) == 'T');
  CHECK(state_letter(0x8) == 't');
  CHECK(state_letter(0x20) == 'Z');
  CHECK(state_letter(0x10 | 0x80) == 'X');
  CHECK(state_letter(0x40) == 'S');
}

TEST_CASE("sweep record: a stream is told record by record, a piece at its end is left") {
  const hm_sweep_alive alive{HM_SWEEP_ALIVE, 7};
  const std::string stream = bytes(alive) + bytes(example()) + bytes(alive) + bytes(example());
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Heard heard;
    std::string rest = stream.substr(0, cut);
    auto used = decode_sweep(std::as_bytes(std::span(rest)), 4096, heard);
    REQUIRE(used);
    CHECK(*used <= cut);
    rest = stream.substr(*used);
    used = decode_sweep(std::as_bytes(std::span(rest)), 4096, heard);
    REQUIRE(used);
    CHECK(*used == rest.size());
    CHECK(heard.pids == std::vector<std::uint32_t>{42, 42});
    CHECK(heard.living == std::vector<std::uint32_t>{7, 7});
  }
  Heard heard;
  const std::string bad(64, '\x09');
  CHECK_FALSE(decode_sweep(std::as_bytes(std::span(bad)), 4096, heard));
}
