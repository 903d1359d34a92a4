// SPDX-License-Identifier: Apache-2.0
// Detection over the same numbers, as one hash per part: each detector, each group model, the scorer. Built by another
// compiler it must print the same lines; tests/regress/compilers.sh sees to that. The numbers come from integer
// arithmetic and a table, so that no compiler's library has a say in them.
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/text.h"
#include "detect/detector.h"
#include "detect/multivariate/group_model.h"
#include "detect/scorer.h"

namespace {

using namespace hostmedic;
using namespace hostmedic::detect;

constexpr int kSteps = 20'000, kSeries = 24;

// A level, a daily triangle, noise, now and then a spike, a shift, a gap: by series and step.
struct Numbers {
  std::uint64_t state = 88172645463325252ULL;
  std::uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  std::optional<double> value(int series, int step) {
    const std::uint64_t random = next();
    if (random % 997 == 0) return std::nullopt;
    const int day = (step + 90 * series) % 1440;
    double value = 10.0 * (series + 1) + (day < 720 ? day : 1440 - day) / 64.0 + static_cast<double>(random % 256) / 32;
    if (random % 1511 == 0) value *= 8;
    if (series % 5 == 0 && step > kSteps / 2) value += 40;
    if (series % 7 == 3) value = 0.5;  // constant
    return value;
  }
};

class Hash {
 public:
  template <class Number>
  void add(Number value) {
    const auto bits = std::bit_cast<std::array<char, sizeof(Number)>>(value);
    hash_ = fnv1a(std::string_view(bits.data(), bits.size()), hash_);
  }
  void print(std::string_view part) const {
    std::printf("%-28s %s\n", std::string(part).c_str(), hex64(hash_).c_str());
  }

 private:
  std::uint64_t hash_ = fnv1a("");
};

MonoTime at(int step) { return MonoTime(std::chrono::minutes(step + 1)); }

void hash_detector(const DetectorInfo& info) {
  std::vector<double> values;
  for (const ParamSpec& spec : info.params) values.push_back(spec.fallback);
  const auto detector = info.make(values);
  Numbers numbers;
  Hash hash;
  for (int step = 0; step < kSteps; ++step) {
    const Finding finding = detector->step({.at = at(step), .value = numbers.value(0, step)});
    hash.add(finding.score);
    hash.add(finding.probability);
    hash.add(static_cast<std::uint8_t>(finding.state));
  }
  hash.print(info.name);
}

void hash_group_model(const GroupModelInfo& info) {
  const auto model = info.make({.interval = std::chrono::minutes(1), .seed = 7});
  model->resize(kSeries);
  Numbers numbers;
  Hash hash;
  std::vector<float> values(kSeries), deviations(kSeries);
  for (int step = 0; step < kSteps / 4; ++step) {
    for (int i = 0; i < kSeries; ++i) {
      const auto value = numbers.value(i, step);
      values[i] = value ? static_cast<float>(*value - 10.0 * (i + 1)) : std::bit_cast<float>(0x7fc00000U);
      deviations[i] = value ? (values[i] - 16) / 8 : values[i];
    }
    hash.add(model->step({.at = at(step), .values = values, .deviations = deviations}));
  }
  hash.print(info.name);
}

void hash_scorer() {
  ScorerConfig config;
  config.interval = std::chrono::minutes(1);
  const auto scorer = Scorer::make(config);
  if (!scorer) return (void)std::printf("%s\n", scorer.error().message().c_str());
  Scorer& one = **scorer;
  const GroupSlot group = one.add_group();
  std::vector<Slot> slots;
  for (int i = 0; i < kSeries; ++i) slots.push_back(one.add(group, Unit::count, Instrument::gauge).value_or(0));
  Numbers numbers;
  Hash hash;
  for (int step = 0; step < kSteps; ++step) {
    for (int i = 0; i < kSeries; ++i) one.set(slots[i], numbers.value(i, step));
    one.step(at(step), WallTime(std::chrono::minutes(step)));
    const GroupScore& score = one.group(group);
    for (const float number : {score.page, score.rank, score.onset, score.probability, score.threshold})
      hash.add(number);
    for (const Slot slot : slots) hash.add(one.evidence(slot));
  }
  hash.print("scorer");
}

}  // namespace

int main() {
  for (const DetectorInfo* info : all_detectors()) hash_detector(*info);
  for (const GroupModelInfo* info : all_group_models()) hash_group_model(*info);
  hash_scorer();
  return 0;
}
