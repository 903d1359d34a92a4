// SPDX-License-Identifier: Apache-2.0
#include "probes/source/number_file.h"

#include "../fake_root.h"
#include "../recording_sink.h"
#include "detect/model/names.h"
#include "probes/source/limit.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {
constexpr NumberRow kRows[] = {
    {"plain", &metric::kSwapUsage, "system.paging.state=used", 1024},
    {"a_dma", &metric::kMemoryEvents, "event=stall"},
    {"a_normal", &metric::kMemoryEvents, "event=stall"},
    {"b", &metric::kMemoryEvents, "event=other"},
    {"silent"},
};
struct Fixture {
  FakeRoot root;
  Roots roots = root.roots();
  RecordingSink sink;
  NumberFile file = NumberFile::of<KeyedLines>({roots.proc.get(), "numbers", KeptFile::Shape::whole}, kRows);
};
}  // namespace

TEST_CASE("number file: rows become series when they are seen, neighbours of one name are one") {
  Fixture f;
  f.root.write("proc/numbers", "a_dma 1\na_normal 2\nsilent 5\n");
  REQUIRE(f.file.read(f.sink));
  CHECK(f.sink.keys == std::vector<std::string>{"host hostmedic.memory.events{event=stall}"});
  CHECK(f.sink.values.at("host hostmedic.memory.events{event=stall}") == 3);
  CHECK(f.file.value(4) == 5);
  CHECK(!f.file.value(0));
  f.root.write("proc/numbers", "plain 2\na_normal 2\n");
  REQUIRE(f.file.read(f.sink));
  CHECK(f.sink.values.at("host system.paging.usage{system.paging.state=used}") == 2048);
  CHECK(f.sink.values.at("host hostmedic.memory.events{event=stall}") == 2);
  CHECK(!f.file.value(4));
}

TEST_CASE("number file: a file that fails makes known series unknown; one that never was there says nothing") {
  Fixture f;
  const Status never = f.file.read(f.sink);
  REQUIRE(!never);
  CHECK(never.error().code == ErrorCode::not_found);
  CHECK(!f.file.seen());
  CHECK(read_all(std::span(&f.file, 1), f.sink));
  CHECK(f.sink.keys.empty());

  f.root.write("proc/numbers", "b 1\n");
  REQUIRE(f.file.read(f.sink));
  f.root.write("proc/numbers", "b x\n");
  const Status bad = read_all(std::span(&f.file, 1), f.sink);
  REQUIRE(!bad);
  CHECK(bad.error().message().find("numbers: line 1: b: 'x'") == 0);
  CHECK(!f.sink.values.at("host hostmedic.memory.events{event=other}"));
}

TEST_CASE("number file: several tables of a kind are told apart by what is put before their attributes") {
  Fixture f;
  f.file.set_prefix("a=0,");
  f.root.write("proc/numbers", "b 1\n");
  REQUIRE(f.file.read(f.sink));
  CHECK(f.sink.values.at("host hostmedic.memory.events{a=0,event=other}") == 1);
}

TEST_CASE("limit: usage, maximum and their ratio; no ratio without a limit") {
  RecordingSink sink;
  LimitSeries pids("resource=pids");
  pids.emit(std::nullopt, std::nullopt, sink);
  CHECK(sink.keys.empty());
  pids.emit(250, 1000, sink);
  CHECK(sink.values.at("host hostmedic.limit.usage{resource=pids}") == 250);
  CHECK(sink.values.at("host hostmedic.limit.maximum{resource=pids}") == 1000);
  CHECK(sink.values.at("host hostmedic.limit.utilization{resource=pids}") == 0.25);
  pids.emit(250, 0, sink);
  CHECK(!sink.values.at("host hostmedic.limit.utilization{resource=pids}"));
  pids.emit(std::nullopt, 1000, sink);
  CHECK(!sink.values.at("host hostmedic.limit.usage{resource=pids}"));
  LimitSeries files("resource=file_handles");
  files.emit(5, 9223372036854775807.0, sink);
  CHECK(sink.values.at("host hostmedic.limit.usage{resource=file_handles}") == 5);
  CHECK(sink.values.count("host hostmedic.limit.maximum{resource=file_handles}") == 0);
}
