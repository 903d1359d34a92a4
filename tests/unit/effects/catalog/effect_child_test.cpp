// SPDX-License-Identifier: Apache-2.0
#include "actions/catalog/effect_child.h"

#include "agent/base/fd.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

TEST_CASE("what a program prints is kept up to a bound, the rest is dropped without stopping it") {
  const auto all =
      capture_program({.argv = {"/bin/echo", "three", "words", "here"}, .most_output = 100}, std::chrono::seconds(10));
  REQUIRE(all.has_value());
  CHECK(all->output == "three words here\n");
  CHECK_FALSE(all->cut);
  const auto much =
      capture_program({.argv = {"/usr/bin/seq", "1", "200000"}, .most_output = 10}, std::chrono::seconds(20));
  REQUIRE(much.has_value());
  CHECK(much->status == 0);
  CHECK(much->output == "1\n2\n3\n4\n5\n");
  CHECK(much->cut);
  const auto none = capture_program({.argv = {"/bin/echo", "x"}}, std::chrono::seconds(10));
  REQUIRE(none.has_value());
  CHECK(none->output.empty());
}

TEST_CASE("a program is stopped at its time limit with what it started") {
  const auto begin = std::chrono::steady_clock::now();
  const auto late = capture_program({.argv = {"/bin/sh", "-c", "sleep 30 & sleep 30"}, .most_output = 10},
                                    std::chrono::milliseconds(200));
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().code == ErrorCode::timeout);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
  CHECK_FALSE(capture_program({.argv = {"/nowhere/at/all"}}, std::chrono::seconds(1)).has_value());
}

TEST_CASE("an open file is what is executed and what is read, whatever stands under its name later") {
  TempDir dir;
  write(dir / "script", "#!/bin/sh\necho \"first: $1 $(cat)\"\nexit 3\n");
  write(dir / "text", "of the input");
  std::filesystem::permissions(dir / "script", std::filesystem::perms::owner_all);
  const Fd script(::open((dir / "script").c_str(), O_RDONLY | O_CLOEXEC));
  const Fd text(::open((dir / "text").c_str(), O_RDONLY | O_CLOEXEC));
  std::filesystem::remove(dir / "script");
  write(dir / "script", "#!/bin/sh\necho second\n");
  const auto end =
      capture_program({.argv = {"script", "word"}, .executable = script.get(), .input = text.get(), .most_output = 100},
                      std::chrono::seconds(10));
  REQUIRE(end.has_value());
  CHECK(end->output == "first: word of the input\n");
  CHECK(end->status == 3);
}
