// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tests/unit/detect/behaviour/behaviour_host.h"

using namespace hostmedic;
using namespace hostmedic::test;
using detect::BehaviourModel;

namespace {

std::uint64_t next(std::uint64_t& seed) {
  seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
  return seed >> 33U;
}
// Letters that are no hexadecimal digits.
std::string word(std::uint64_t& seed) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += static_cast<char>('g' + next(seed) % 20);
  return text;
}

std::string state_of(const BehaviourModel& model) {
  detect::StateWriter writer;
  model.save(writer);
  return writer.take();
}

// Weeks of mixed doings, the same for the same seed.
void live(BehaviourHost& host, std::uint64_t seed, int hours) {
  for (int hour = 0; hour < hours; ++hour) {
    host.usual();
    if (next(seed) % 5 == 0) host.note("job.service", started("/opt/" + word(seed), "cron"));
    if (next(seed) % 7 == 0) host.note("nginx.service", logged(word(seed)));
    if (next(seed) % 90 == 0) host.intrusion("job.service");
    host.wait(3600);
  }
}

}  // namespace

TEST_CASE("a million made-up names displace only themselves, and the size stays what it was") {
  BehaviourHost host;
  host.days(12);
  std::uint64_t seed = 1;
  // 300 services, so that the bound on them is passed too; the one that works stays.
  for (int i = 0; i < 1'000'000; ++i) {
    if (i % 1000 == 0) {
      host.usual();
      host.wait(10);
    }
    const std::string unit = i % 2 == 0 ? "nginx.service" : word(seed).substr(0, 2) + ".service";
    host.note(unit, i % 3 == 0 ? started("/opt/" + word(seed), word(seed)) : logged(word(seed)));
  }
  const auto totals = host.model.totals();
  CHECK(totals.services == BehaviourModel::kMostServices);
  CHECK(totals.displaced > 0);
  CHECK(host.model.bytes_used() < 1'000'000);
  // What nginx always did is still usual.
  host.wait(86400);
  host.found.clear();
  host.usual();
  host.wait(90);
  CHECK(host.found.empty());
}

TEST_CASE("saved and loaded, it goes on as if nothing had been") {
  BehaviourHost one;
  live(one, 7, 24 * 20);
  const std::string state = state_of(one.model);
  BehaviourHost other;
  detect::StateReader reader(state);
  REQUIRE(other.model.load_state(reader));
  CHECK(reader.at_end());
  CHECK(state_of(other.model) == state);
  one.found.clear();
  for (BehaviourHost* host : {&one, &other}) {
    host->second = one.second > host->second ? host->second : 0;
    host->model.advance(BehaviourHost::at(host->second));
    live(*host, 8, 100);
    host->intrusion();
    host->wait(90);
  }
  REQUIRE(one.found.size() == other.found.size());
  REQUIRE(!one.found.empty());
  for (std::size_t i = 0; i < one.found.size(); ++i) {
    CHECK(one.found[i].text == other.found[i].text);
    CHECK(one.found[i].score == other.found[i].score);
  }
}

TEST_CASE("state that is cut, or of another version, or contradicts itself, leaves it as if new") {
  BehaviourHost host;
  live(host, 3, 100);
  const std::string state = state_of(host.model);
  for (std::size_t size = 0; size < state.size(); size += 1 + size / 40) {
    BehaviourModel model;
    detect::StateReader reader(std::string_view(state).substr(0, size));
    CHECK_FALSE(model.load_state(reader));
    CHECK(model.totals().services == 0);
  }
  std::uint64_t seed = 5;
  for (int i = 0; i < 3000; ++i) {
    std::string bad = state;
    bad[next(seed) % bad.size()] = static_cast<char>(next(seed));
    BehaviourHost other;
    detect::StateReader reader(bad);
    (void)other.model.load_state(reader);  // sound or not, it goes on
    other.usual();
    other.intrusion();
    other.wait(70);
    for (const auto& finding : other.found) CHECK(finding.score < 100);
  }
}

TEST_CASE("the same doings give the same state and the same words") {
  BehaviourHost one, other;
  live(one, 11, 24 * 10);
  live(other, 11, 24 * 10);
  CHECK(state_of(one.model) == state_of(other.model));
  REQUIRE(one.found.size() == other.found.size());
  for (std::size_t i = 0; i < one.found.size(); ++i) CHECK(one.found[i].text == other.found[i].text);
}

TEST_CASE("a jump of the clock is no time of watching") {
  BehaviourHost host;
  host.days(0.5);
  host.model.advance(BehaviourHost::at(1e9));  // thirty years
  host.model.advance(BehaviourHost::at(5));    // and back, as after a boot
  host.second = 5;
  host.intrusion();
  host.wait(90);
  CHECK(host.found.empty());  // still in its first day
  CHECK(host.model.habit(host.model.service("nginx.service")) == detect::Habit::learning);
}

TEST_CASE("many services with news at once: the oldest matter is let go, none is mixed up") {
  BehaviourHost host;
  std::vector<std::string> units;
  for (char a = 'g'; a <= 'p'; ++a)
    for (char b = 'g'; b <= 'p'; ++b) units.push_back(std::string{a, b} + ".service");
  for (int day = 0; day < 12; ++day) {
    for (const std::string& unit : units) host.usual(unit);
    host.wait(86400);
  }
  for (const std::string& unit : units) host.note(unit, started("/opt/" + unit, "sh"));
  host.wait(90);
  CHECK(!host.found.empty());
  CHECK(host.found.size() <= 32);
  for (const auto& finding : host.found) CHECK_FALSE(finding.strong);
}
