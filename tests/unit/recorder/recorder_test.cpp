// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/recorder.h"

#include <doctest/doctest.h>

#include "agent/base/file.h"
#include "agent/recorder/differences.h"
#include "agent/recorder/traces.h"
#include "tests/unit/recorder/recorded_host.h"

using namespace hostmedic;
using test::RecordedHost;
using test::Scratch;

namespace {

std::string first_incident(const PlayedRecording& played) {
  return played.incidents.empty() ? "" : played.incidents.begin()->first;
}

}  // namespace

TEST_CASE("what was recorded decides the same when it is played") {
  Scratch scratch;
  std::string id;
  {
    RecordedHost host(scratch.path);
    host.ticks(5);
    host.fail_and_mend();
    REQUIRE(host.pipeline.incidents().size() == 1);
    id = host.pipeline.incidents().begin()->first;
    CHECK(host.state().error.empty());
  }
  std::size_t heard = 0;
  const auto played = test::play_path(scratch.path, {.heard = [&](Now, const DecisionNote&) { ++heard; }});
  REQUIRE(played);
  CHECK_FALSE(played->difference);
  CHECK(played->frames == 37);
  CHECK(played->inputs == 1);
  CHECK(played->decisions > 4);
  CHECK(heard == played->decisions);
  CHECK(first_incident(*played) == id);
  CHECK(played->incidents.at(id).last.state == IncidentState::resolved);
  CHECK(played->incidents.at(id).orders.size() == 1);

  SUBCASE("and so does the incident's own recording") {
    const auto kept = test::play_path(scratch.path + "/kept/" + id + ".hmrec");
    REQUIRE(kept);
    CHECK_FALSE(kept->difference);
    CHECK(kept->incidents.at(id).last.closed_at);
  }
  SUBCASE("what was done with it is seen in another hash") {
    auto files = std::filesystem::directory_iterator(scratch.path);
    for (const auto& entry : files) {
      if (entry.path().extension() != ".hmseg") continue;
      // The recorded outcome becomes a failure: another decision.
      std::string bytes = *read_file(entry.path(), mib(8));
      auto parsed = parse_recording(bytes);
      std::string changed(kSegmentMark);
      append_record(changed, RecordKind::head, encode_head(parsed->segments[0].head));
      append_record(changed, RecordKind::configuration, parsed->segments[0].configuration);
      append_record(changed, RecordKind::snapshot, parsed->segments[0].snapshot);
      append_record(changed, RecordKind::definitions, parsed->segments[0].definitions);
      for (const RecordView& record : parsed->segments[0].records) {
        if (record.kind != RecordKind::input) {
          append_record(changed, record.kind, record.payload);
          continue;
        }
        auto input = *decode_input(record.payload);
        std::get<OutcomeInput>(input).outcome.result = OutcomeResult::failed;
        append_record(changed, RecordKind::input, encode_input(input));
      }
      REQUIRE(write_file_atomic(scratch.path + "/other.hmrec", changed, 0600));
    }
    const auto other = test::play_path(scratch.path + "/other.hmrec");
    REQUIRE(other);
    REQUIRE(other->difference);
    CHECK(other->difference->recorded != other->difference->played);
    CHECK(other->hash != played->hash);
  }
}

TEST_CASE("another configuration: what would have been different, in words") {
  Scratch scratch;
  {
    RecordedHost host(scratch.path);
    host.ticks(5);
    host.fail_and_mend();
  }
  const auto with = [&](const std::vector<ConfigFile>& files) {
    const DecidingConfig other = *load_config(files);
    const auto played = test::play_path(scratch.path, {.other = &other});
    REQUIRE(played);
    CHECK_FALSE(played->difference);  // the recorded side stays as it was
    std::string text;
    for (const WouldHave& one : differences(played->incidents, played->other))
      for (const std::string& words : one.differences) text += words + "\n";
    return text;
  };
  CHECK(with(test::texts()) == "");
  const std::string observed = with(test::texts("[guard]\ntier = \"observe\"\n"));
  CHECK(observed.find("would not have ordered") != std::string::npos);
  CHECK(observed.find("the guard would have said") != std::string::npos);
  const std::string blind =
      with(test::texts("[guard]\ntier = \"auto\"\n", "[[event_rule]]\nid = \"service-failed\"\nenabled = false\n"));
  CHECK(blind.find("would not have opened") != std::string::npos);
}

TEST_CASE("segments follow each other without a gap, and each can be played alone") {
  Scratch scratch;
  {
    RecordedHost host(scratch.path, {.ring = {.keep = std::chrono::minutes(10), .size = mib(64)}});
    host.ticks(200);
    host.fail_and_mend();
    host.ticks(200);
    host.fail_and_mend();
    CHECK(host.state().gaps == 0);
  }
  const auto files = *ring_files(scratch.path);
  REQUIRE(files.size() >= 3);
  const auto all = test::play_path(scratch.path);
  REQUIRE(all);
  CHECK_FALSE(all->difference);
  CHECK(all->stretches == 1);
  for (const RingFile& file : files) {
    const auto one = test::play_path(file.path);
    REQUIRE(one);
    CHECK(one->without_state == "");
    const std::string what = one->difference ? one->difference->recorded + " / " + one->difference->played : "";
    CHECK(what == "");
  }
  CHECK(test::play_path(files.back().path)->hash == all->hash);
}

TEST_CASE("another configuration begins a segment of its own") {
  Scratch scratch;
  {
    RecordedHost host(scratch.path);
    host.ticks(5);
    host.files = test::texts("[guard]\ntier = \"observe\"\n");
    const DecidingConfig other = *load_config(host.files);
    host.pipeline.reconfigure(nullptr, other.runbooks, other.policy);
    host.fail_and_mend();
    CHECK(host.output.orders.empty());
    CHECK(host.state().gaps == 1);
  }
  const auto played = test::play_path(scratch.path);
  REQUIRE(played);
  CHECK(played->stretches == 2);
  CHECK_FALSE(played->difference);
}

TEST_CASE("a disk that refuses: said once, recorded again later, the pipeline is not disturbed") {
  Scratch scratch;
  const std::string dir = scratch.path + "/place";
  REQUIRE(write_file_atomic(dir, "a file where the directory should be", 0600));
  RecordedHost host(dir);
  host.ticks(30);
  CHECK(host.told.size() == 1);
  CHECK_FALSE(host.state().error.empty());
  host.fail_and_mend();
  CHECK(host.output.orders.size() == 1);
  REQUIRE(std::filesystem::remove(dir));
  host.ticks(70);
  CHECK(host.state().error.empty());
  CHECK(host.told.size() == 2);
  host.stop();
  const auto played = test::play_path(dir);
  REQUIRE(played);
  CHECK_FALSE(played->difference);
}

TEST_CASE("traces: what a series did, as means; a counter as its rate") {
  Scratch scratch;
  WallTime from, to;
  {
    RecordedHost host(scratch.path, {.ring = {.keep = std::chrono::minutes(10), .size = mib(64)}});
    host.ticks(10);
    from = host.now().wall;
    host.ticks(400);
    to = host.now().wall;
  }
  const TraceWish wishes[] = {{{EntityKind::filesystem, "/"}, std::string(metric::kFilesystemUtilization.name)},
                              {{EntityKind::filesystem, "/"}, std::string(metric::kDiskOperations.name)},
                              {{EntityKind::host, ""}, "no.such.series"}};
  const auto traces = read_traces(scratch.path, from, to, wishes);
  REQUIRE(traces);
  REQUIRE(traces->size() == 2);
  CHECK((*traces)[0].entity.kind == EntityKind::filesystem);
  CHECK((*traces)[1].points.size() > 390);
  CHECK((*traces)[1].points.size() <= kMostTracePoints);
  for (const auto& [at, value] : (*traces)[1].points) {
    CHECK(at >= from);
    CHECK(at <= to);
    CHECK(value == doctest::Approx(0.5).epsilon(0.7));
  }
  for (const auto& [at, value] : (*traces)[0].points) CHECK(value == doctest::Approx(7));
  CHECK_FALSE(read_traces(scratch.path + "/nowhere", from, to, wishes));
}
