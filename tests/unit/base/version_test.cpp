// SPDX-License-Identifier: Apache-2.0
#include "agent/base/version.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <string>

using namespace hostmedic;

namespace {

// What readelf says of the program that runs this test.
std::string build_id_by_readelf() {
  std::string text;
  FILE* pipe = ::popen("readelf --notes /proc/$PPID/exe 2>/dev/null", "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 512> line{};
  while (std::fgets(line.data(), line.size(), pipe) != nullptr) text += line.data();
  ::pclose(pipe);
  constexpr std::string_view kLabel = "Build ID: ";
  const auto at = text.find(kLabel);
  if (at == std::string::npos) return {};
  const auto begin = at + kLabel.size();
  return text.substr(begin, text.find_first_not_of("0123456789abcdef", begin) - begin);
}

}  // namespace

TEST_CASE("the build id is the one in the program's own note") {
  CHECK(build_id() == build_id_by_readelf());
  for (const char digit : build_id()) CHECK(std::string_view("0123456789abcdef").find(digit) != std::string_view::npos);
}

TEST_CASE("the line of --version names program, version and build") {
  const std::string line = version_line("hostmedicd");
  CHECK(line.starts_with("hostmedicd " + version()));
  CHECK((build_id().empty() || line.ends_with(" (build " + build_id() + ")")));
  CHECK(version().find_first_not_of("0123456789.") == std::string::npos);
}
