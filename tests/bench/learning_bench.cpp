// SPDX-License-Identifier: Apache-2.0
// What learning from outcomes is worth: a simulated fleet of incident kinds whose alternatives have success rates that
// nobody knows. Prints, against always trying the alternatives in the runbook's order, how many failed actions it takes
// to heal the same incidents (the regret beside an oracle that knows the rates), and after how many incidents that a
// human approved a higher tier is proposed. Numbers from fixed seeds: the same on every machine.
#include <algorithm>
#include <cstdio>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "actions/learn/experience.h"

using namespace hostmedic;

namespace {

constexpr int kIncidents = 200, kKinds = 40, kFingerprints = 3, kSeeds = 20;
const WallTime kStart = wall_from_ns(1'795'000'000'000'000'000);

struct Kind {
  std::string name;
  std::vector<double> rates;  // chance that each alternative helps, in the runbook's order
};
struct Scenario {
  const char* name;
  double (*rate)(std::mt19937_64&, int alternative);
};

double uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

const Scenario kScenarios[] = {
    {"the order is right", [](std::mt19937_64& r, int i) { return 0.9 - 0.3 * i + 0.05 * uniform(r); }},
    {"the order is wrong", [](std::mt19937_64& r, int i) { return 0.3 + 0.3 * i + 0.05 * uniform(r); }},
    {"nobody knows", [](std::mt19937_64& r, int) { return 0.05 + 0.9 * uniform(r); }},
    {"all alike", [](std::mt19937_64& r, int) { return 0.6 + 0.02 * uniform(r); }},
};

// How many actions fail before one helps, or all were tried, in this order.
int failures(const Kind& kind, const std::vector<int>& order, const std::vector<double>& luck,
             std::vector<bool>* helped) {
  int failed = 0;
  for (const int alternative : order) {
    const bool helps = luck[static_cast<std::size_t>(alternative)] < kind.rates[static_cast<std::size_t>(alternative)];
    if (helped != nullptr) helped->push_back(helps);
    if (helps) return failed;
    ++failed;
  }
  return failed;
}

std::vector<int> by(const Kind& kind, auto value) {
  std::vector<int> order(kind.rates.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater<>(), value);
  return order;
}

struct Sums {
  long in_order = 0, learnt = 0, oracle = 0, late = 0, late_oracle = 0;
};

void play(const Scenario& scenario, int alternatives, std::uint64_t seed, Sums& sums) {
  std::mt19937_64 random(seed);
  for (int k = 0; k < kKinds; ++k) {
    Kind kind{"kind-" + std::to_string(k), {}};
    for (int i = 0; i < alternatives; ++i) kind.rates.push_back(scenario.rate(random, i));
    Experience experience;
    for (int n = 0; n < kIncidents; ++n) {
      const WallTime now = kStart + std::chrono::hours(n * 3);
      const std::string fingerprint = kind.name + "/" + std::to_string(random() % kFingerprints);
      std::vector<double> luck;
      for (int i = 0; i < alternatives; ++i) luck.push_back(uniform(random));
      const auto name = [](int i) { return "action-" + std::to_string(i); };
      const std::vector<int> fixed = by(kind, [](int i) { return -i; });
      const std::vector<int> chosen =
          by(kind, [&](int i) { return experience.expected(fingerprint, kind.name, name(i), now); });
      const std::vector<int> best = by(kind, [&](int i) { return kind.rates[static_cast<std::size_t>(i)]; });
      std::vector<bool> helped;
      const int learnt = failures(kind, chosen, luck, &helped), oracle = failures(kind, best, luck, nullptr);
      sums.in_order += failures(kind, fixed, luck, nullptr);
      sums.learnt += learnt;
      sums.oracle += oracle;
      if (n >= kIncidents / 2) sums.late += learnt, sums.late_oracle += oracle;
      for (std::size_t i = 0; i < helped.size(); ++i)
        experience.note(fingerprint, kind.name, name(chosen[i]), helped[i], false, now);
    }
  }
}

// Incidents with one action that a human approves each time, until a higher tier is proposed; at most 500.
int until_proposal(double rate, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Experience experience;
  for (int n = 1; n <= 500; ++n) {
    const WallTime now = kStart + std::chrono::hours(n * 3);
    experience.note("fingerprint", "kind", "action", uniform(random) < rate, true, now);
    if (!experience.proposals(now).empty()) return n;
  }
  return 501;
}

}  // namespace

int main() {
  std::printf("failed actions per 100 incidents, %d kinds x %d incidents x %d seeds, 3 and 5 alternatives\n", kKinds,
              kIncidents, kSeeds);
  std::printf("%-20s %4s %9s %8s %8s %14s %18s\n", "rates", "alt", "in order", "learnt", "oracle", "regret saved",
              "regret, 2nd half");
  for (const Scenario& scenario : kScenarios) {
    for (const int alternatives : {3, 5}) {
      if (alternatives == 5 && scenario.rate != kScenarios[2].rate) continue;
      Sums sums;
      for (int seed = 1; seed <= kSeeds; ++seed) play(scenario, alternatives, static_cast<std::uint64_t>(seed), sums);
      const double all = static_cast<double>(kKinds) * kIncidents * kSeeds / 100;
      const auto each = [&](long count) { return static_cast<double>(count) / all; };
      const double regret = each(sums.in_order - sums.oracle);
      std::printf("%-20s %4d %9.1f %8.1f %8.1f ", scenario.name, alternatives, each(sums.in_order), each(sums.learnt),
                  each(sums.oracle));
      if (regret > 0.5)
        std::printf("%13.0f%% ", 100 * (1 - each(sums.learnt - sums.oracle) / regret));
      else
        std::printf("%14s ", "-");
      std::printf("%18.1f\n", 2 * each(sums.late - sums.late_oracle));
    }
  }
  std::printf(
      "\nincidents until a higher tier is proposed, every one approved by a human (median of 101 seeds; 501: never)\n");
  for (const double rate : {0.99, 0.95, 0.9, 0.8, 0.6}) {
    std::vector<int> needed;
    for (int seed = 1; seed <= 101; ++seed) needed.push_back(until_proposal(rate, static_cast<std::uint64_t>(seed)));
    std::ranges::sort(needed);
    std::printf("  helps %2.0f times of 100: %d\n", rate * 100, needed[50]);
  }
  return 0;
}
