// SPDX-License-Identifier: Apache-2.0
// The recordings of tests/scenarios, each of a real fault on a test host: what is decided of them today must be what
// their .expected says. tests/scenarios/regenerate.sh writes those anew; a changed verdict is a change to be reviewed.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>

#include "agent/base/file.h"
#include "agent/base/text.h"
#include "tests/unit/recorder/recorded_host.h"

using namespace hostmedic;

namespace {

std::vector<std::filesystem::path> scenarios() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(HM_SCENARIOS))
    if (entry.path().extension() == ".hmrec") found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

// Each decision in a line. The hash over all that was said besides changes with any wording, so it is not expected to
// stay: two runs must agree on it.
std::string verdict_of(const std::string& path, std::string& hash) {
  std::string text;
  const auto played = test::play_path(path, {.heard = [&](Now now, const DecisionNote& note) {
                                        text += format_utc(now.wall) + " " + note.incident_id + " " + note.text + "\n";
                                      }});
  if (!played) return "it cannot be played: " + played.error().message() + "\n";
  CHECK(played->frames > 10);
  hash = hex64(played->hash);
  return text;
}

}  // namespace

TEST_CASE("recorded faults: decided as is expected") {
  const bool write = ::getenv("HM_WRITE_EXPECTED") != nullptr;
  CHECK_FALSE(scenarios().empty());
  for (const std::filesystem::path& path : scenarios()) {
    std::string hash, again;
    const std::string verdict = verdict_of(path, hash);
    std::filesystem::path expected = path;
    expected.replace_extension(".expected");
    if (write) REQUIRE(write_file_atomic(expected, verdict, 0644));
    CAPTURE(path);
    CHECK(verdict == read_file(expected, mib(4)).value_or("there is none"));
    CHECK(verdict_of(path, again) == verdict);
    CHECK(again == hash);
    CHECK(std::filesystem::file_size(path) < 300'000);
  }
}
