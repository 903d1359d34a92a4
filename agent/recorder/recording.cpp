// SPDX-License-Identifier: Apache-2.0
#include "agent/recorder/recording.h"

#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <tuple>

#include "agent/base/file.h"
#include "agent/recorder/kept.h"
#include "agent/recorder/ring.h"

namespace hostmedic {
namespace {

bool is_directory(const std::string& path) {
  struct stat seen{};
  return ::stat(path.c_str(), &seen) == 0 && S_ISDIR(seen.st_mode);
}

auto place_of(const Segment& segment) { return std::tuple(segment.head.wall, segment.head.sequence); }

Status take_file(const std::string& path, Recording& ret_recording) {
  auto bytes = read_file(path, kMostRecording);
  if (!bytes) return std::move(bytes).error();
  std::string& owned = ret_recording.files.emplace_back(*std::move(bytes));
  auto parsed = parse_recording(owned);
  if (!parsed) return std::move(parsed).error().in(path);
  for (Segment& segment : parsed->segments) ret_recording.segments.push_back(std::move(segment));
  for (std::string& lost : parsed->lost) ret_recording.lost.push_back(path + ": " + lost);
  return ok();
}

Result<std::vector<std::string>> files_below(const std::string& dir) {
  std::vector<std::string> paths;
  auto ring = ring_files(dir);
  if (!ring) return std::move(ring).error();
  for (RingFile& file : *ring) paths.push_back(std::move(file.path));
  auto kept = Kept::recordings(dir + "/kept");
  if (!kept) return std::move(kept).error();
  for (std::string& path : *kept) paths.push_back(std::move(path));
  return paths;
}

}  // namespace

Result<Recording> read_recording(std::span<const std::string> paths) {
  Recording recording;
  std::vector<std::pair<std::string, bool>> files;  // and whether it was named
  for (const std::string& path : paths) {
    if (!is_directory(path)) {
      files.emplace_back(path, true);
      continue;
    }
    auto below = files_below(path);
    if (!below) return std::move(below).error();
    for (std::string& one : *below) files.emplace_back(std::move(one), false);
  }
  recording.files.reserve(files.size());  // what segments point into stays where it is
  for (const auto& [path, named] : files) {
    const Status taken = take_file(path, recording);
    if (taken) continue;
    if (named) return taken.error();
    if (taken.error().code != ErrorCode::not_found) recording.lost.push_back(taken.error().message());
  }
  std::vector<Segment>& segments = recording.segments;
  std::ranges::stable_sort(segments, [](const Segment& a, const Segment& b) {
    return place_of(a) != place_of(b) ? place_of(a) < place_of(b) : a.bytes.size() > b.bytes.size();
  });
  const auto same = [](const Segment& a, const Segment& b) { return place_of(a) == place_of(b); };
  segments.erase(std::unique(segments.begin(), segments.end(), same), segments.end());
  return recording;
}

}  // namespace hostmedic
