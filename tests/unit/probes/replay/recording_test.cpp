// SPDX-License-Identifier: Apache-2.0
#include "probes/replay/recording.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <fstream>

#include "../fake_root.h"
#include "detect/model/codec.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

Frame some_frame(int n) {
  Frame frame;
  frame.sequence = static_cast<std::uint64_t>(n);
  frame.mono = at_second(10 + n);
  frame.wall = wall_from_ns(1'700'000'000'000'000'000 + n);
  frame.first = n == 0;
  frame.entities = {{EntityId{0}, {EntityKind::host, ""}}};
  frame.series = {{SeriesId{0}, EntityId{0}, "x", "", Unit::count, Instrument::gauge}};
  frame.samples = {{SeriesId{0}, n}, {SeriesId{0}, std::nullopt}};
  frame.events = {{EventKind::oom_kill, EntityId{0}, at_second(9 + n), {{"k", "v"}}}};
  return frame;
}

void record(const std::string& path, int frames) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  RecordingWriter writer(file.get());
  std::string encoded;
  for (int n = 0; n < frames; ++n) {
    encode_frame(some_frame(n), encoded);
    REQUIRE(writer.append(encoded));
  }
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("a recording gives back what was recorded, and one that was cut off what is whole") {
  const FakeRoot root;
  const std::string path = root.path() + "/recording";
  record(path, 3);
  const std::string whole = bytes_of(path);
  for (std::size_t size = 5; size <= whole.size(); ++size) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    auto reader = RecordingReader::open(path);
    REQUIRE(reader);
    Frame frame;
    int frames = 0;
    for (;; ++frames) {
      const auto more = reader->next(frame);
      REQUIRE(more);
      if (!*more) break;
      CHECK(frame == some_frame(frames));
    }
    CHECK(frames == (size == whole.size() ? 3 : static_cast<int>((size - 5) / ((whole.size() - 5) / 3))));
  }
}

TEST_CASE("what is no recording, or is broken inside, is refused with its place") {
  const FakeRoot root;
  const std::string path = root.path() + "/recording";
  CHECK(!RecordingReader::open(path));
  root.write("recording", "HMR2\n");
  CHECK(RecordingReader::open(path).error().code == ErrorCode::malformed);
  root.write("recording", "HM");
  CHECK(!RecordingReader::open(path));
  for (const std::string& bad : {std::string("HMR1\n\xff\xff\xff\x7f", 9), std::string("HMR1\n\x03\0\0\0abc", 12)}) {
    root.write("recording", bad);
    auto reader = RecordingReader::open(path);
    REQUIRE(reader);
    Frame frame;
    const auto next = reader->next(frame);
    REQUIRE(!next);
    CHECK(next.error().message().find("byte 5: ") != std::string::npos);
  }
}

TEST_CASE("a frame moved in time keeps its distances") {
  Frame frame = some_frame(1);
  shift(frame, std::chrono::seconds(100), std::chrono::hours(1));
  CHECK(frame.mono == at_second(111));
  CHECK(frame.events[0].at == at_second(110));
  CHECK(frame.wall - some_frame(1).wall == std::chrono::hours(1));
}
