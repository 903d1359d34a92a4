// SPDX-License-Identifier: Apache-2.0
#include "actions/learn/experience.h"

#include <doctest/doctest.h>

#include <string>

namespace hostmedic {
namespace {

using namespace std::chrono_literals;
const WallTime kNow = wall_from_ns(1'795'000'000'000'000'000);

TEST_CASE("without experience an action is believed to help two times of three") {
  const Experience none;
  CHECK(none.expected("f", "k", "a", kNow) == doctest::Approx(2.0 / 3));
  CHECK(none.trust("f", "k", "a", kNow) == doctest::Approx(1));
}

TEST_CASE("what failed is expected and trusted less, what helped is never trusted more than the incident itself") {
  Experience known;
  for (int i = 0; i < 4; ++i) known.note("f", "k", "bad", false, false, kNow);
  for (int i = 0; i < 4; ++i) known.note("f", "k", "good", true, false, kNow);
  CHECK(known.expected("f", "k", "bad", kNow) < 0.3);
  CHECK(known.trust("f", "k", "bad", kNow) == doctest::Approx(0.5));
  CHECK(known.expected("f", "k", "good", kNow) > 0.8);
  CHECK(known.trust("f", "k", "good", kNow) == doctest::Approx(1));
  // Another incident of the kind learns from it, less surely.
  CHECK(known.expected("other", "k", "bad", kNow) < 0.5);
  CHECK(known.expected("other", "k", "bad", kNow) > known.expected("f", "k", "bad", kNow));
  CHECK(known.expected("other", "another kind", "bad", kNow) == doctest::Approx(2.0 / 3));
}

TEST_CASE("experience fades by half in thirty days, and a clock set back makes nothing fresher") {
  Experience known;
  for (int i = 0; i < 8; ++i) known.note("f", "k", "a", false, false, kNow);
  const double fresh = known.expected("f", "k", "a", kNow);
  const double old = known.expected("f", "k", "a", kNow + 24h * 30);
  CHECK(old > fresh);
  CHECK(known.expected("f", "k", "a", kNow + 24h * 3650) == doctest::Approx(2.0 / 3).epsilon(0.01));
  CHECK(known.expected("f", "k", "a", kNow - 24h) == doctest::Approx(fresh));
}

TEST_CASE("eight supervised successes in a row earn a proposal, and one failure takes it away") {
  Experience known;
  for (int i = 0; i < 7; ++i) known.note("f", "k", "a", true, true, kNow);
  known.note("f", "k", "a", true, false, kNow);  // nobody watched: it does not count
  CHECK(known.proposals(kNow).empty());
  known.note("f", "k", "a", true, true, kNow);
  REQUIRE(known.proposals(kNow).size() == 2);  // of the fingerprint, and of the kind
  known.note("f", "k", "a", false, false, kNow);
  CHECK(known.proposals(kNow).empty());
}

TEST_CASE("it is bounded, the stalest goes, and rows make the same again") {
  Experience known;
  for (std::size_t i = 0; i < Experience::kMostRows + 100; ++i)
    known.note("f" + std::to_string(i), "k", "a", true, false, kNow + std::chrono::seconds(i));
  CHECK(known.rows().size() == Experience::kMostRows);
  CHECK(known.expected("f0", "none", "a", kNow) == doctest::Approx(2.0 / 3));
  CHECK(known.expected("f2100", "none", "a", kNow) > 0.7);
  Experience again;
  again.load(known.rows());
  CHECK(again.rows().size() == known.rows().size());
  CHECK(again.expected("f2100", "k", "a", kNow) == known.expected("f2100", "k", "a", kNow));
}

}  // namespace
}  // namespace hostmedic
