// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/ring.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include <random>
#include <thread>

#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/recorder/kept.h"
#include "agent/recorder/recording.h"
#include "tests/unit/recorder/recorded_host.h"

using namespace hostmedic;
using test::Scratch;

namespace {

WallTime at_minute(int minute) { return wall_from_ns(1'790'000'000'000'000'000 + minute * 60'000'000'000LL); }

std::string beginning(std::uint64_t sequence, WallTime at) {
  SegmentHead head;
  head.sequence = sequence;
  head.wall = at;
  head.continues = sequence > 1;
  std::string bytes(kSegmentMark);
  append_record(bytes, RecordKind::head, encode_head(head));
  return bytes;
}
std::string record(std::string_view payload) {
  std::string bytes;
  append_record(bytes, RecordKind::frame, payload);
  return bytes;
}

}  // namespace

TEST_CASE("the oldest segments go when there are too many bytes, or when they are too old") {
  Scratch scratch;
  auto ring = Ring::open(scratch.path + "/ring", {.keep = std::chrono::hours(1), .size = kib(100)});
  REQUIRE(ring);
  for (int i = 0; i < 20; ++i) {
    REQUIRE(ring->begin(ring->next_sequence(), at_minute(i), beginning(ring->next_sequence(), at_minute(i))));
    REQUIRE(ring->append(record(std::string(10'000, 'x'))));
  }
  CHECK(ring->size() <= kib(100));
  CHECK(ring->files().size() == ring_files(scratch.path + "/ring")->size());
  CHECK(ring->files().front().sequence > 8);
  REQUIRE(ring->begin(ring->next_sequence(), at_minute(500), beginning(21, at_minute(500))));
  CHECK(ring->files().size() == 2);  // the last old one reached up to now
  auto again = Ring::open(scratch.path + "/ring", {});
  CHECK(again->next_sequence() == 22);
}

TEST_CASE("foreign files beside the ring are left alone") {
  Scratch scratch;
  for (const char* name : {"/notes.txt", "/x-y.hmseg", "/12.hmseg", "/-5.hmseg"})
    REQUIRE(write_file_atomic(scratch.path + name, "mine", 0600));
  auto ring = Ring::open(scratch.path, {.keep = std::chrono::minutes(1), .size = {1}});
  REQUIRE(ring);
  CHECK(ring->files().empty());
  for (int i = 0; i < 3; ++i) REQUIRE(ring->begin(ring->next_sequence(), at_minute(i * 9), "x"));
  CHECK(ring->files().size() == 1);
  CHECK(read_file(scratch.path + "/12.hmseg", kib(1)));
}

TEST_CASE("without a segment at hand nothing is written") {
  Scratch scratch;
  auto ring = Ring::open(scratch.path, {});
  CHECK_FALSE(ring->append("x"));
  CHECK_FALSE(Ring::open(scratch.path + "/no/such/place", {}));
}

TEST_CASE("killed at any moment, or copied at any moment: it opens, and what was written a second ago is there") {
  Scratch scratch;
  const std::string dir = scratch.path + "/ring";
  REQUIRE(Ring::open(dir, {}));
  std::mt19937 random(11);
  for (int round = 0; round < 25; ++round) {
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const pid_t child = ::fork();
    if (child == 0) {  // writes as the recorder does, and says what it has written
      auto ring = Ring::open(dir, {.keep = std::chrono::hours(1), .size = mib(1)});
      for (std::uint32_t i = 0; ring; ++i) {
        if (i % 50 == 0 &&
            !ring->begin(ring->next_sequence(), at_minute(round), beginning(ring->next_sequence(), at_minute(round))))
          ::_exit(1);
        if (!ring->append(record(strf("%08u", i) + std::string(500, 'x')))) ::_exit(1);
        if (::write(pipe[1], &i, sizeof i) != sizeof i) ::_exit(1);
      }
      ::_exit(1);
    }
    ::close(pipe[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(500 + random() % 20'000));
    const auto copied = read_recording(std::span(&dir, 1));  // as a copy of the files is: while it writes
    REQUIRE(copied);
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    std::uint32_t last = 0, count = 0;
    for (std::uint32_t i = 0; ::read(pipe[0], &i, sizeof i) == sizeof i; ++count) last = i;
    ::close(pipe[0]);
    const auto left = read_recording(std::span(&dir, 1));
    REQUIRE(left);
    if (count == 0) continue;
    REQUIRE_FALSE(left->segments.empty());
    std::uint32_t found = 0;
    for (const Segment& segment : left->segments)
      if (segment.head.wall == at_minute(round))
        for (const RecordView& one : segment.records)
          found = std::max(found, static_cast<std::uint32_t>(parse_u64(one.payload.substr(0, 8)).value_or(0)));
    CHECK(found >= last);
    CHECK(left->lost.size() <= 1U + static_cast<unsigned>(round));  // at most one torn tail for each death
  }
}

TEST_CASE("an incident's recording begins with the segment that covers its beginning and grows to its end") {
  Scratch scratch;
  auto ring = Ring::open(scratch.path, {});
  auto kept = Kept::open(scratch.path + "/kept", {});
  REQUIRE(kept);
  const std::string path = Kept::path_of(scratch.path + "/kept", "ab");
  const auto begin = [&](int minute) {
    REQUIRE(ring->begin(ring->next_sequence(), at_minute(minute), beginning(ring->next_sequence(), at_minute(minute))));
    REQUIRE(ring->append(record("a")));
  };
  for (int i = 0; i < 5; ++i) begin(i * 10);
  REQUIRE(kept->extend("ab", at_minute(25), *ring));
  const auto sequences = [&] {
    std::vector<std::uint64_t> all;
    const auto recording = read_recording(std::span(&path, 1));
    for (const Segment& segment : recording->segments) all.push_back(segment.head.sequence);
    return all;
  };
  CHECK(sequences() == std::vector<std::uint64_t>{3, 4, 5});
  REQUIRE(ring->append(record("b")));
  begin(50);
  REQUIRE(kept->extend("ab", at_minute(25), *ring));
  CHECK(sequences() == std::vector<std::uint64_t>{3, 4, 5, 6});
  CHECK(read_recording(std::span(&path, 1))->segments[2].records.size() == 2);

  SUBCASE("goes on after a restart") {
    auto again = Kept::open(scratch.path + "/kept", {});
    begin(60);
    REQUIRE(again->extend("ab", at_minute(25), *ring));
    CHECK(sequences() == std::vector<std::uint64_t>{3, 4, 5, 6, 7});
  }
  SUBCASE("goes on when the ring has turned meanwhile") {
    auto turned = Ring::open(scratch.path, {.keep = std::chrono::minutes(1), .size = kib(64)});
    REQUIRE(turned->begin(40, at_minute(900), beginning(40, at_minute(900))));
    REQUIRE(turned->begin(41, at_minute(901), beginning(41, at_minute(901))));
    REQUIRE(kept->extend("ab", at_minute(25), *turned));
    CHECK(sequences() == std::vector<std::uint64_t>{3, 4, 5, 6, 40, 41});
  }
  SUBCASE("both copies are one recording") {
    const auto all = read_recording(std::span(&scratch.path, 1));
    CHECK(all->segments.size() == 6);
  }
  SUBCASE("bounded each and together; the oldest goes first") {
    auto small = Kept::open(scratch.path + "/kept", {.each = kib(1), .all = kib(2)});
    for (const char* id : {"c", "d", "e"}) {
      REQUIRE(ring->append(record(std::string(900, 'x'))));
      REQUIRE(small->extend(id, at_minute(50), *ring));
      small->done(id);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    small->prune(wall_from_ns(0));
    CHECK(small->size() <= kib(2));
    CHECK_FALSE(read_file(Kept::path_of(scratch.path + "/kept", "c"), mib(1)));
    CHECK(read_file(Kept::path_of(scratch.path + "/kept", "e"), mib(1)));
  }
}
