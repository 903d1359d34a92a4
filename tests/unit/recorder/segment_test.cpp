// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/segment.h"

#include <doctest/doctest.h>

#include "agent/recorder/input_codec.h"

using namespace hostmedic;

namespace {

std::string segment(std::uint64_t sequence, int records) {
  SegmentHead head;
  head.sequence = sequence;
  head.reason = "a test";
  head.continues = sequence > 1;
  head.wall = wall_from_ns(1'790'000'000'000'000'000 + static_cast<std::int64_t>(sequence));
  std::string bytes(kSegmentMark);
  append_record(bytes, RecordKind::head, encode_head(head));
  append_record(bytes, RecordKind::snapshot, "state");
  for (int i = 0; i < records; ++i) append_record(bytes, RecordKind::frame, "frame " + std::to_string(i));
  return bytes;
}

}  // namespace

TEST_CASE("segments come back in order, with their records") {
  const std::string bytes = segment(1, 3) + segment(2, 1);
  const auto parsed = parse_recording(bytes);
  REQUIRE(parsed);
  REQUIRE(parsed->segments.size() == 2);
  CHECK(parsed->lost.empty());
  CHECK(parsed->segments[0].head.reason == "a test");
  CHECK_FALSE(parsed->segments[0].head.continues);
  CHECK(parsed->segments[1].head.continues);
  CHECK(parsed->segments[0].snapshot == "state");
  REQUIRE(parsed->segments[0].records.size() == 3);
  CHECK(parsed->segments[0].records[2].payload == "frame 2");
  CHECK(parsed->segments[1].bytes == segment(2, 1));
}

TEST_CASE("cut at any byte: what is whole is read, the torn tail is left out and said") {
  const std::string bytes = segment(1, 5);
  std::size_t last = 0;
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto parsed = parse_recording(std::string_view(bytes).substr(0, size));
    REQUIRE(parsed);
    if (parsed->segments.empty()) continue;
    const std::size_t records = parsed->segments[0].records.size();
    CHECK(records >= last);  // each byte more loses nothing
    CHECK(parsed->segments[0].bytes.size() <= size);
    CHECK(parsed->lost.empty() == (parsed->segments[0].bytes.size() == size));
    last = records;
  }
  CHECK(last == 5);
}

TEST_CASE("a byte that was changed: what follows in the segment is left out and said, the next segment is read") {
  const std::string good = segment(1, 5);
  const std::string next = segment(2, 2);
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bytes = good + next;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x20);
    const auto parsed = parse_recording(bytes);
    if (at < kSegmentMark.size()) {
      CHECK_FALSE(parsed);  // not a recording
      continue;
    }
    REQUIRE(parsed);
    REQUIRE_FALSE(parsed->segments.empty());
    CHECK(parsed->segments.back().head.sequence == 2);
    CHECK(parsed->segments.back().records.size() == 2);
    CHECK(parsed->lost.size() == 1);
    if (parsed->segments.size() == 2) {
      const auto& records = parsed->segments[0].records;
      CHECK(records.size() < 5);
      for (std::size_t i = 0; i < records.size(); ++i) CHECK(records[i].payload == "frame " + std::to_string(i));
    }
  }
}

TEST_CASE("zeros after a crash are no records") {
  const std::string bytes = segment(1, 2) + std::string(4096, '\0');
  const auto parsed = parse_recording(bytes);
  REQUIRE(parsed);
  CHECK(parsed->segments[0].records.size() == 2);
  CHECK(parsed->lost.size() == 1);
}

TEST_CASE("what is no recording is refused") {
  CHECK_FALSE(parse_recording("HMR1\nsomething else"));
  CHECK(parse_recording(""));
  CHECK(parse_recording("HMREC")->segments.empty());
}

TEST_CASE("each input of the pipeline comes back; what is cut does not") {
  const Now now{mono_from_ns(5), wall_from_ns(7)};
  Outcome outcome;
  outcome.key = "0123456789abcdef01234567";
  outcome.result = OutcomeResult::timed_out;
  Brakes brakes;
  brakes.halted = true;
  brakes.halted_by = "uid 0 (root)";
  brakes.maintenance.push_back({wall_from_ns(9), "uid 0 (root)", "disk swap", "filesystem:*"});
  const PipelineInput inputs[] = {
      TickInput{now},
      SilenceInput{now},
      OutcomeInput{outcome, now},
      ApproveInput{"ab", "uid 0 (root)", "feed", now},
      RejectInput{"ab", "uid 0 (root)", "not now", now},
      BrakesInput{brakes},
      RelearnInput{"service:*"},
      AcknowledgeInput{"ab", "uid 0 (root)", "known", now},
      ExpectedInput{{}},
      LeaseInput{{true, std::chrono::minutes(3), "granted"}, now},
      FeedbackInput{
          {{"ab", {EntityKind::service, "nginx.service"}, {"a", "b"}, true, "ada", "note", wall_from_ns(3)}}}};
  for (const PipelineInput& input : inputs) {
    const std::string bytes = encode_input(input);
    const auto back = decode_input(bytes);
    REQUIRE(back);
    CHECK(back->index() == input.index());
    CHECK(encode_input(*back) == bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      CHECK_FALSE(decode_input(std::string_view(bytes).substr(0, size)));
  }
  CHECK_FALSE(decode_input("\x63"));
}
