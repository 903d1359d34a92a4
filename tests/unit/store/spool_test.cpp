// SPDX-License-Identifier: Apache-2.0
#include "agent/store/spool.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "agent/store/agent_store.h"
#include "tests/unit/store/store_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {
const WallTime kNow = wall_from_ns(1'764'000'000'000'000'000);
WallTime at(int seconds) { return kNow + std::chrono::seconds(seconds); }

AgentStore open(SpoolLimits limits = {}, const std::string& path = ":memory:") {
  auto store = AgentStore::open(path, limits);
  REQUIRE(store);
  return std::move(*store);
}
std::vector<std::string> uids(Spool& spool, SpoolSignal signal) {
  const auto batch = spool.next_batch(signal, mib(64), 10'000);
  REQUIRE(batch);
  std::vector<std::string> out;
  for (const SpoolItem& item : *batch) out.push_back(item.uid);
  return out;
}
std::vector<std::int64_t> ids(const std::vector<SpoolItem>& items) {
  std::vector<std::int64_t> out;
  for (const SpoolItem& item : items) out.push_back(item.id);
  return out;
}
constexpr std::uint64_t kOne = 100 + Spool::kRecordOverhead;  // what a record with a payload of 100 bytes costs
const std::string kPayload(100, 'p');
}  // namespace

TEST_CASE("in order, bounded batches, removed only when confirmed, ids never used again") {
  AgentStore store = open();
  Spool& spool = store.spool();
  for (int i = 0; i < 10; ++i) REQUIRE(spool.append(SpoolSignal::logs, "u" + std::to_string(i), kPayload, at(i)));
  const auto first = spool.next_batch(SpoolSignal::logs, Bytes{250}, 100);
  REQUIRE(first->size() == 2);
  CHECK(first->front().uid == "u0");
  CHECK(first->front().payload == kPayload);
  CHECK(spool.next_batch(SpoolSignal::logs, Bytes{250}, 100)->front().uid == "u0");
  CHECK(spool.next_batch(SpoolSignal::logs, mib(1), 3)->size() == 3);
  CHECK(spool.next_batch(SpoolSignal::logs, Bytes{1}, 3)->size() == 1);
  CHECK(spool.next_batch(SpoolSignal::metrics, mib(1), 3)->empty());
  REQUIRE(spool.ack(ids(*first)));
  CHECK(uids(spool, SpoolSignal::logs).front() == "u2");
  CHECK(spool.stats().waiting == 8);
  CHECK(spool.stats().bytes.count == 8 * kOne);
  const auto rest = spool.next_batch(SpoolSignal::logs, mib(1), 100);
  REQUIRE(spool.reject(ids(*rest)));
  CHECK(spool.stats().rejected == 8);
  CHECK(spool.stats().delivered == 2);
  CHECK(spool.stats().bytes.count == 0);
  REQUIRE(spool.append(SpoolSignal::logs, "later", kPayload, at(20)));
  CHECK(spool.next_batch(SpoolSignal::logs, mib(1), 1)->front().id > rest->back().id);
  CHECK(spool.gaps()->empty());
}

TEST_CASE("the same uid waits once") {
  AgentStore store = open();
  REQUIRE(store.spool().append(SpoolSignal::logs, "u", "one", at(0)));
  REQUIRE(store.spool().append(SpoolSignal::logs, "u", "two", at(1)));
  const auto batch = store.spool().next_batch(SpoolSignal::logs, mib(1), 10);
  REQUIRE(batch->size() == 1);
  CHECK(batch->front().payload == "one");
  CHECK(store.spool().stats().waiting == 1);
}

TEST_CASE("when full the oldest metrics go first, then the oldest logs, each into one gap") {
  AgentStore store = open({.most = Bytes{4 * kOne}});
  Spool& spool = store.spool();
  REQUIRE(spool.append(SpoolSignal::logs, "log0", kPayload, at(0)));
  REQUIRE(spool.append(SpoolSignal::metrics, "m1", kPayload, at(1)));
  REQUIRE(spool.append(SpoolSignal::metrics, "m2", kPayload, at(2)));
  REQUIRE(spool.append(SpoolSignal::logs, "log3", kPayload, at(3)));
  REQUIRE(spool.append(SpoolSignal::logs, "log4", kPayload, at(4)));
  CHECK(uids(spool, SpoolSignal::metrics) == std::vector<std::string>{"m2"});
  REQUIRE(spool.append(SpoolSignal::logs, "log5", kPayload, at(5)));
  REQUIRE(spool.append(SpoolSignal::logs, "log6", kPayload, at(6)));
  REQUIRE(spool.append(SpoolSignal::logs, "log7", kPayload, at(7)));
  CHECK(uids(spool, SpoolSignal::metrics).empty());
  CHECK(uids(spool, SpoolSignal::logs) == std::vector<std::string>{"log4", "log5", "log6", "log7"});
  CHECK(spool.stats().bytes.count == 4 * kOne);
  CHECK(spool.stats().dropped == 4);
  const auto gaps = spool.gaps();
  REQUIRE(gaps->size() == 2);
  CHECK((*gaps)[0].signal == SpoolSignal::metrics);
  CHECK((*gaps)[0].count == 2);
  CHECK((*gaps)[0].from == at(1));
  CHECK((*gaps)[0].to == at(2));
  CHECK((*gaps)[1].signal == SpoolSignal::logs);
  CHECK((*gaps)[1].count == 2);
  CHECK((*gaps)[1].to == at(3));
}

TEST_CASE("a gap is reported once, and what was lost meanwhile stays for the next report") {
  TempDir dir;
  const std::string path = dir / "s.db";
  const SpoolLimits limits{.most = Bytes{3 * kOne}};
  {
    AgentStore store = open(limits, path);
    Spool& spool = store.spool();
    for (int i = 0; i < 5; ++i) REQUIRE(spool.append(SpoolSignal::logs, "u" + std::to_string(i), kPayload, at(i)));
    const auto gaps = spool.gaps();
    REQUIRE(gaps->size() == 1);
    CHECK((*gaps)[0].count == 2);
    REQUIRE(spool.append(SpoolSignal::logs, "u5", kPayload, at(5)));  // drops one more
    REQUIRE(spool.ack(ids(*spool.next_batch(SpoolSignal::logs, mib(1), 100))));
    REQUIRE(spool.report_gap((*gaps)[0], "gap-1", kPayload, at(6)));
  }
  AgentStore store = open(limits, path);
  CHECK(uids(store.spool(), SpoolSignal::logs) == std::vector<std::string>{"gap-1"});
  const auto gaps = store.spool().gaps();
  REQUIRE(gaps->size() == 1);
  CHECK((*gaps)[0].count == 1);
  REQUIRE(store.spool().report_gap((*gaps)[0], "gap-2", kPayload, at(7)));
  CHECK(store.spool().gaps()->empty());
  CHECK(store.spool().stats().waiting == 2);
}

TEST_CASE("what is too old is dropped and told") {
  AgentStore store = open({.most_age = std::chrono::seconds(100)});
  Spool& spool = store.spool();
  for (int i = 0; i < 4; ++i) REQUIRE(spool.append(SpoolSignal::logs, "u" + std::to_string(i), kPayload, at(i * 50)));
  REQUIRE(spool.expire(at(180)));
  CHECK(uids(spool, SpoolSignal::logs) == std::vector<std::string>{"u2", "u3"});
  REQUIRE(spool.gaps()->size() == 1);
  CHECK(spool.gaps()->front().count == 2);
  CHECK(spool.gaps()->front().to == at(50));
  CHECK(spool.stats().waiting == 2);
}

TEST_CASE("a record larger than the spool is refused and told") {
  AgentStore store = open({.most = Bytes{1000}});
  CHECK(store.spool().append(SpoolSignal::logs, "big", std::string(2000, 'b'), at(1)).error().code == ErrorCode::limit);
  REQUIRE(store.spool().gaps()->size() == 1);
  CHECK(store.spool().gaps()->front().count == 1);
  CHECK(store.spool().stats().waiting == 0);
}

TEST_CASE("what could not be written and is still at hand is no gap") {
  AgentStore store = open({.most = Bytes{1000}});
  CHECK_FALSE(store.spool().append(SpoolSignal::logs, "big", std::string(2000, 'b'), at(1), Spool::Loss::no));
  CHECK(store.spool().gaps()->empty());
  CHECK(store.spool().stats().dropped == 0);
}

TEST_CASE("on a full disk records are counted as lost, and the gap is written once there is room") {
  TempDir dir;
  const std::string path = dir / "s.db";
  {
    open({}, path);
  }
  const int code = run_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    auto store = AgentStore::open(path, {});
    if (!store) return 1;
    const rlimit small{200'000, RLIM_INFINITY};
    if (::setrlimit(RLIMIT_FSIZE, &small) != 0) return 2;
    int failed = 0, kept = 0;
    for (int i = 0; i < 400; ++i)
      (store->spool().append(SpoolSignal::logs, "u" + std::to_string(i), std::string(2000, 'x'), at(i)) ? kept
                                                                                                        : failed)++;
    if (failed == 0 || kept == 0) return 3;
    const rlimit large{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &large);
    if (!store->spool().append(SpoolSignal::logs, "after", "x", at(1000))) return 4;
    const auto gaps = store->spool().gaps();
    if (!gaps || gaps->size() != 1) return 5;
    if (gaps->front().count != static_cast<std::uint64_t>(failed)) return 6;
    if (store->spool().stats().waiting != static_cast<std::uint64_t>(kept) + 1) return 7;
    return 0;
  });
  CHECK(code == 0);
}
