// SPDX-License-Identifier: Apache-2.0
// A group of series for tests: members follow two hidden causes, half of them each, with a little noise of their own,
// so that each wanders within a few deviations and yet follows from the others. Made with whole-number randomness and
// square roots alone: the same on every compiler.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "detect/feature/random.h"
#include "detect/multivariate/group_model.h"

namespace hostmedic::test {

class GroupWorld {
 public:
  explicit GroupWorld(std::size_t members, Duration interval = std::chrono::minutes(10), std::uint64_t seed = 7)
      : values(members), deviations(members), interval_(interval), random_(seed) {}

  // The next healthy moment. A test changes what it likes before reading().
  void next() {
    ++ticks_;
    for (float& cause : causes_) cause = 0.9F * cause + kKick * bell();
    for (std::size_t i = 0; i < deviations.size(); ++i) set(i, kShared * causes_[i % 2] + kOwn * bell());
  }
  // Raw values are deviations in a unit of the member's own.
  void set(std::size_t member, float deviation) {
    deviations[member] = deviation;
    values[member] = deviation * static_cast<float>(1 + member * member);
  }
  detect::GroupReading reading(bool learn = true) const {
    return {mono_from_ns(ticks_ * to_ns(interval_) + gap_), values, deviations, learn};
  }
  void jump(Duration by) { gap_ += to_ns(by); }
  float uneven() { return bell(); }

  std::vector<float> values, deviations;

 private:
  // About normal, variance 1: the sum of twelve even ones.
  float bell() {
    float sum = -6;
    for (int i = 0; i < 12; ++i) sum += random_.unit();
    return sum;
  }
  // The causes have variance 1: kick^2 = 1 - 0.9^2; so do members: shared^2 + own^2 = 1.
  static constexpr float kKick = 0.43588989F, kShared = 0.97979590F, kOwn = 0.2F;

  Duration interval_;
  std::int64_t ticks_ = 0, gap_ = 0;
  std::array<float, 2> causes_{};
  detect::Random random_;
};

inline std::unique_ptr<detect::GroupModel> group_model(std::string_view name, std::size_t members,
                                                       Duration interval = std::chrono::minutes(10)) {
  auto model = detect::find_group_model(name)->make({interval, 42});
  model->resize(members);
  return model;
}

inline std::vector<float> shares_of(const detect::GroupModel& model, std::size_t members) {
  std::vector<float> shares(members, -1);
  model.shares(shares);
  return shares;
}
inline std::size_t first_named(const detect::GroupModel& model, std::size_t members) {
  const std::vector<float> shares = shares_of(model, members);
  return static_cast<std::size_t>(std::ranges::max_element(shares) - shares.begin());
}
inline std::string saved(const detect::GroupModel& model) {
  detect::StateWriter writer;
  model.save(writer);
  return writer.take();
}
// Takes in so many healthy moments; the highest score among the last half of them.
inline float live(detect::GroupModel& model, GroupWorld& world, int moments) {
  float highest = 0;
  for (int i = 0; i < moments; ++i) {
    world.next();
    const float score = model.step(world.reading());
    if (i > moments / 2 && score > highest) highest = score;
  }
  return highest;
}

}  // namespace hostmedic::test
