// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/log_rotate/effect_archive.h"

#include <atomic>
#include <thread>

#include "agent/base/clock.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

LogFile opened(const TempDir& dir, const std::string& name) {
  auto log = open_log(dir.path, dir / name);
  REQUIRE(log);
  return std::move(*log);
}

// What the file system of the temporary directory can do decides what can be shown.
bool can(int mode) {
  std::string name = (std::filesystem::temp_directory_path() / "hm-effects-XXXXXX").string();
  const int fd = ::mkstemp(name.data());
  (void)::unlink(name.c_str());
  const std::string content(1 << 20, 'x');
  const bool written = ::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  const bool done = written && ::fallocate(fd, mode, 0, 65536) == 0;
  ::close(fd);
  return done;
}
bool can_punch() { return can(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE); }
bool can_collapse() { return can(FALLOC_FL_COLLAPSE_RANGE); }

ArchiveJob job() {
  ArchiveJob job;
  job.archive = "app.log.gz";
  job.writers_append = true;
  return job;
}

int room_left = 0;  // bytes the archive may still grow by
ssize_t full_pwrite(int fd, const void* data, std::size_t size, off_t offset) {
  if (static_cast<int>(size) > room_left) {
    errno = ENOSPC;
    return -1;
  }
  return ::pwrite(fd, data, size, offset);
}
int growing_fallocate(int fd, int mode, off_t offset, off_t length) {
  room_left += 1 << 20;
  return ::fallocate(fd, mode, offset, length);
}
int no_fallocate(int, int, off_t, off_t) {
  errno = EOPNOTSUPP;
  return -1;
}
int failing_sync(int) {
  errno = EIO;
  return -1;
}
int rewriting_fd = -1;
int rewriting_sync(int fd) {
  // Somebody changes the log between our reading and our freeing it.
  CHECK(::pwrite(rewriting_fd, "changed", 7, 100) == 7);
  return ::fdatasync(fd);
}

}  // namespace

TEST_CASE("the archive followed by the rest of the log is the log, and the log is small" *
          doctest::skip(!can_collapse())) {
  TempDir dir;
  const std::string text = numbered_lines(20 << 20);
  write(dir / "app.log", text);
  ::chmod((dir / "app.log").c_str(), 0640);
  const LogFile log = opened(dir, "app.log");
  ArchiveReport report;
  REQUIRE(archive_log(log, job(), report));
  CHECK(unpack(dir / "app.log.gz") + read(dir / "app.log") == text);
  CHECK(report.bytes_before == text.size());
  CHECK(report.bytes_after == text.size() - report.bytes_freed);
  CHECK(report.bytes_after <= (1 << 20) + 4096);
  CHECK(report.bytes_freed >= (18 << 20));
  CHECK(report.archive_bytes == std::filesystem::file_size(dir / "app.log.gz"));
  CHECK(report.archive_bytes < text.size() / 4);
  CHECK(report.note == "");
  struct stat seen{};
  ::stat((dir / "app.log.gz").c_str(), &seen);
  CHECK((seen.st_mode & 0777) == 0640);
}

TEST_CASE("a writer at full speed loses no line and sees none twice" * doctest::skip(!can_collapse())) {
  TempDir dir;
  write(dir / "app.log", "");
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> lines = 0;
  std::atomic<bool> failed = false;
  std::thread writer([&] {
    const int fd = ::open((dir / "app.log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    for (std::size_t i = 0; !stop; ++i) {
      const std::string line = "line " + std::to_string(i) + " of a runaway log that repeats itself\n";
      if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) failed = true;
      lines = i + 1;
    }
    ::close(fd);
  });
  while (std::filesystem::file_size(dir / "app.log") < (24 << 20)) std::this_thread::yield();
  const LogFile log = opened(dir, "app.log");
  ArchiveReport report;
  const Status status = archive_log(log, job(), report);
  const std::size_t lines_after = lines;
  while (lines < lines_after + 1000) std::this_thread::yield();  // it goes on undisturbed
  stop = true;
  writer.join();
  REQUIRE(status);
  CHECK_FALSE(failed);
  std::istringstream all(unpack(dir / "app.log.gz") + read(dir / "app.log"));
  std::size_t expected = 0, wrong = 0;
  for (std::string line; std::getline(all, line); ++expected)
    if (line != "line " + std::to_string(expected) + " of a runaway log that repeats itself") ++wrong;
  CHECK(wrong == 0);
  CHECK(expected == lines);
  CHECK(report.bytes_freed >= (16 << 20));
}

TEST_CASE("for a writer that does not append the freed beginning stays a hole, and the next run skips it" *
          doctest::skip(!can_punch())) {
  TempDir dir;
  const std::string text = numbered_lines(4 << 20);
  write(dir / "app.log", text);
  const LogFile log = opened(dir, "app.log");
  ArchiveJob first = job();
  first.writers_append = false;
  ArchiveReport report;
  REQUIRE(archive_log(log, first, report));
  CHECK(report.note.find("hole") != std::string::npos);
  CHECK(report.bytes_after == text.size());
  const std::string rest = without_hole(read(dir / "app.log"));
  CHECK(unpack(dir / "app.log.gz") + rest == text);
  struct stat seen{};
  ::stat((dir / "app.log").c_str(), &seen);
  CHECK(seen.st_blocks * 512 < (1 << 20));

  // The writer goes on at its own offset.
  const std::string more = numbered_lines(2 << 20, 1'000'000);
  CHECK(::pwrite(log.file.get(), more.data(), more.size(), static_cast<off_t>(text.size())) ==
        static_cast<ssize_t>(more.size()));
  ArchiveJob second = first;
  second.archive = "app.log.2.gz";
  ArchiveReport again;
  REQUIRE(archive_log(log, second, again));
  CHECK(unpack(dir / "app.log.gz") + unpack(dir / "app.log.2.gz") + without_hole(read(dir / "app.log")) == text + more);
}

TEST_CASE("keep holds the newest bytes back; a small log is left alone and leaves no archive") {
  TempDir dir;
  const std::string text = numbered_lines(2 << 20);
  write(dir / "app.log", text);
  ArchiveReport report;
  ArchiveJob keeping = job();
  keeping.keep = 3 << 20;
  REQUIRE(archive_log(opened(dir, "app.log"), keeping, report));
  CHECK(report.bytes_freed == 0);
  CHECK(names_in(dir.path) == std::vector<std::string>{"app.log"});
  CHECK(read(dir / "app.log") == text);
}

TEST_CASE("a log nobody uses any more is taken to its last byte" * doctest::skip(!can_punch())) {
  TempDir dir;
  const std::string text = numbered_lines(3'000'001);
  write(dir / "app.log", text);
  ArchiveJob whole = job();
  whole.whole = true;
  ArchiveReport report;
  REQUIRE(archive_log(opened(dir, "app.log"), whole, report));
  CHECK(report.complete);
  CHECK(report.bytes_freed == text.size());
  CHECK(unpack(dir / "app.log.gz") == text);
}

TEST_CASE("on a full disk it begins with what fits and uses the space that it frees" * doctest::skip(!can_collapse())) {
  TempDir dir;
  const std::string text = numbered_lines(32 << 20);
  write(dir / "app.log", text);
  ArchiveJob full = job();
  full.calls.pwrite = full_pwrite;
  full.calls.fallocate = growing_fallocate;
  room_left = 40'000 - (1 << 20);  // the first call, which only asks, adds to it: room for a chunk of 128 KiB or so
  ArchiveReport report;
  REQUIRE(archive_log(opened(dir, "app.log"), full, report));
  CHECK(report.bytes_freed > (28 << 20));
  CHECK(unpack(dir / "app.log.gz") + read(dir / "app.log") == text);
}

TEST_CASE("no room even for the smallest chunk: nothing is touched") {
  TempDir dir;
  const std::string text = numbered_lines(2 << 20);
  write(dir / "app.log", text);
  ArchiveJob full = job();
  full.calls.pwrite = full_pwrite;
  room_left = 100;
  ArchiveReport report;
  const Status status = archive_log(opened(dir, "app.log"), full, report);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::limit);
  CHECK(names_in(dir.path) == std::vector<std::string>{"app.log"});
  CHECK(read(dir / "app.log") == text);
}

TEST_CASE("what could not be synced is never freed") {
  TempDir dir;
  const std::string text = numbered_lines(2 << 20);
  write(dir / "app.log", text);
  ArchiveJob broken = job();
  broken.calls.fdatasync = failing_sync;
  ArchiveReport report;
  const Status status = archive_log(opened(dir, "app.log"), broken, report);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::io);
  CHECK(report.bytes_freed == 0);
  CHECK(read(dir / "app.log") == text);
  CHECK(names_in(dir.path) == std::vector<std::string>{"app.log"});
}

TEST_CASE("a part that was rewritten while it was archived is not freed") {
  TempDir dir;
  std::string text = numbered_lines(2 << 20);
  write(dir / "app.log", text);
  const LogFile log = opened(dir, "app.log");
  rewriting_fd = log.file.get();
  ArchiveJob job_ = job();
  job_.calls.fdatasync = rewriting_sync;
  ArchiveReport report;
  const Status status = archive_log(log, job_, report);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == ErrorCode::conflict);
  text.replace(100, 7, "changed");
  CHECK(read(dir / "app.log") == text);
}

TEST_CASE("where parts cannot be freed, a log in use is refused and an unused one is emptied") {
  TempDir dir;
  const std::string text = numbered_lines(2 << 20);
  write(dir / "app.log", text);
  ArchiveJob unable = job();
  unable.calls.fallocate = no_fallocate;
  ArchiveReport report;
  SUBCASE("in use") {
    const int writer = ::open((dir / "app.log").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    const Status status = archive_log(opened(dir, "app.log"), unable, report);
    ::close(writer);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == ErrorCode::unsupported);
    CHECK(read(dir / "app.log") == text);
    CHECK(names_in(dir.path) == std::vector<std::string>{"app.log"});
  }
  SUBCASE("unused") {
    REQUIRE(archive_log(opened(dir, "app.log"), unable, report));
    CHECK(read(dir / "app.log") == "");
    CHECK(unpack(dir / "app.log.gz") == text);
    CHECK(report.bytes_freed == text.size());
  }
}

TEST_CASE("what does not compress is given up after a trial" * doctest::skip(!can_punch())) {
  TempDir dir;
  std::string noise(4 << 20, '\0');
  std::uint32_t state = 12345;
  for (char& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  write(dir / "app.log", noise);
  ArchiveJob small = job();
  small.most_chunk = kLeastChunk;
  ArchiveReport report;
  REQUIRE(archive_log(opened(dir, "app.log"), small, report));
  CHECK(report.chunks == 8);
  CHECK(report.note.find("hardly") != std::string::npos);
  CHECK(unpack(dir / "app.log.gz") + without_hole(read(dir / "app.log")) == noise);
}

TEST_CASE("an archive that exists is never written over, and a deadline in the past begins nothing") {
  TempDir dir;
  write(dir / "app.log", numbered_lines(2 << 20));
  ArchiveReport report;
  SUBCASE("exists") {
    write(dir / "app.log.gz", "precious");
    CHECK_FALSE(archive_log(opened(dir, "app.log"), job(), report));
    CHECK(read(dir / "app.log.gz") == "precious");
  }
  SUBCASE("late") {
    ArchiveJob late = job();
    late.deadline = mono_from_ns(0);
    REQUIRE(archive_log(opened(dir, "app.log"), late, report));
    CHECK(report.chunks == 0);
    CHECK(report.note.find("time") != std::string::npos);
  }
}
