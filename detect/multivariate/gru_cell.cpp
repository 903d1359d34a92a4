// SPDX-License-Identifier: Apache-2.0
#include "detect/multivariate/gru_cell.h"

#include <algorithm>
#include <cmath>

#include "detect/multivariate/resize_tightly.h"

namespace hostmedic::detect {

namespace {

constexpr float kStep = 0.002F;     // of a parameter, where its gradient is as large as usual
constexpr float kForgets = 0.01F;   // of the mean square, per training
constexpr float kMostGradient = 1;  // norm over all parameters, of the mean error
constexpr float kMostError = 3;     // deviations; what is farther out pulls no harder
constexpr float kTiny = 1e-6F;

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

std::size_t hidden_for(std::size_t members) {
  const auto parameters = [&](std::size_t h) { return 3 * h * (h + 1) + members * (4 * h + 1); };
  std::size_t hidden = GruCell::kMostHidden;
  while (hidden > 1 && parameters(hidden) > GruCell::kMostParameters) --hidden;
  return hidden;
}

}  // namespace

void GruCell::resize(std::size_t members) {
  const std::size_t before = hidden_for(members) == hidden_ ? members_ : 0;
  members_ = members;
  hidden_ = hidden_for(members);
  for (auto* values : {&weights_, &gradients_, &mean_squares_}) resize_tightly(*values, member(members));
  resize_tightly(forecast_, members);
  for (Moment& moment : moments_) resize_tightly(moment.inputs, members), resize_tightly(moment.errors, members);
  break_off();
  if (before == 0) return begin_anew();
  Random random(seed_ + members);
  for (std::size_t i = before; i < members; ++i) begin_member(i, random);
}

void GruCell::begin_anew() {
  Random random(seed_);
  const float most = 1 / std::sqrt(static_cast<float>(hidden_));
  begin(0, bias(0), most, random);
  begin(bias(0), 3 * hidden_, 0, random);
  for (std::size_t i = 0; i < members_; ++i) begin_member(i, random);
  state_.fill(0);
  trainings_ = 0;
  break_off();
}
void GruCell::forget(std::size_t index) {
  Random random(seed_ + index);
  begin_member(index, random);
  break_off();
}
void GruCell::begin(std::size_t from, std::size_t count, float most, Random& random) {
  for (std::size_t i = from; i < from + count; ++i) {
    weights_[i] = (2 * random.unit() - 1) * most;
    mean_squares_[i] = gradients_[i] = 0;
  }
}
void GruCell::begin_member(std::size_t index, Random& random) {
  const float most = 1 / std::sqrt(static_cast<float>(members_));
  begin(member(index), 3 * hidden_, most, random);
  begin(member(index) + 3 * hidden_, hidden_ + 1, 0, random);
  forecast_[index] = 0;
}

void GruCell::advance(std::span<const float> inputs) {
  Moment& moment = moments_[kept_];
  std::ranges::copy(inputs, moment.inputs.begin());
  moment.before = state_;
  std::array<float, 3 * kMostHidden> gates{};
  for (std::size_t j = 0; j < 3 * hidden_; ++j) gates[j] = weights_[bias(0) + j];
  for (std::size_t i = 0; i < members_; ++i) {
    const float* into = &weights_[member(i)];
    for (std::size_t j = 0; j < 3 * hidden_; ++j) gates[j] += into[j] * inputs[i];
  }
  const auto add_recurrent = [&](std::size_t gate, const Hidden& from) {
    for (std::size_t j = 0; j < hidden_; ++j)
      for (std::size_t k = 0; k < hidden_; ++k) gates[gate * hidden_ + j] += weights_[recurrent(gate, j) + k] * from[k];
  };
  add_recurrent(0, state_);
  add_recurrent(1, state_);
  Hidden kept{};
  for (std::size_t j = 0; j < hidden_; ++j) {
    moment.update[j] = sigmoid(gates[j]);
    moment.reset[j] = sigmoid(gates[hidden_ + j]);
    kept[j] = moment.reset[j] * state_[j];
  }
  add_recurrent(2, kept);
  for (std::size_t j = 0; j < hidden_; ++j) {
    moment.candidate[j] = std::tanh(gates[2 * hidden_ + j]);
    state_[j] += moment.update[j] * (moment.candidate[j] - state_[j]);
  }
  moment.after = state_;
  for (std::size_t i = 0; i < members_; ++i) {
    const float* out = &weights_[member(i) + 3 * hidden_];
    float change = out[hidden_];
    for (std::size_t j = 0; j < hidden_; ++j) change += out[j] * state_[j];
    forecast_[i] = inputs[i] + change;
  }
}

void GruCell::learn(std::span<const float> errors) {
  Moment& moment = moments_[kept_];
  for (std::size_t i = 0; i < members_; ++i) moment.errors[i] = std::clamp(errors[i], -kMostError, kMostError);
  if (++kept_ < kUnrolled) return;
  train();
  kept_ = 0;
}

void GruCell::train() {
  std::ranges::fill(gradients_, 0.0F);
  Hidden pull{};  // of what comes later on the hidden values
  for (std::size_t t = kUnrolled; t-- > 0;) back_through(moments_[t], pull);
  take_step();
}

void GruCell::back_through_outputs(const Moment& moment, Hidden& pull) {
  const float mean = 1 / static_cast<float>(members_ * kUnrolled);
  for (std::size_t i = 0; i < members_; ++i) {
    const float error = -moment.errors[i] * mean;
    const float* out = &weights_[member(i) + 3 * hidden_];
    float* gradient = &gradients_[member(i) + 3 * hidden_];
    for (std::size_t j = 0; j < hidden_; ++j) {
      pull[j] += error * out[j];
      gradient[j] += error * moment.after[j];
    }
    gradient[hidden_] += error;
  }
}

void GruCell::back_through(const Moment& moment, Hidden& pull) {
  back_through_outputs(moment, pull);
  std::array<float, 3 * kMostHidden> gates{};
  Hidden earlier{}, kept{}, kept_pull{};
  for (std::size_t j = 0; j < hidden_; ++j) {
    const float update = moment.update[j], candidate = moment.candidate[j];
    gates[j] = pull[j] * (candidate - moment.before[j]) * update * (1 - update);
    gates[2 * hidden_ + j] = pull[j] * update * (1 - candidate * candidate);
    earlier[j] = pull[j] * (1 - update);
    kept[j] = moment.reset[j] * moment.before[j];
  }
  const auto through_recurrent = [&](std::size_t gate, const Hidden& from, Hidden& to) {
    for (std::size_t j = 0; j < hidden_; ++j) {
      const float error = gates[gate * hidden_ + j];
      const std::size_t row = recurrent(gate, j);
      for (std::size_t k = 0; k < hidden_; ++k) {
        to[k] += error * weights_[row + k];
        gradients_[row + k] += error * from[k];
      }
    }
  };
  through_recurrent(2, kept, kept_pull);
  for (std::size_t j = 0; j < hidden_; ++j) {
    const float reset = moment.reset[j];
    gates[hidden_ + j] = kept_pull[j] * moment.before[j] * reset * (1 - reset);
    earlier[j] += kept_pull[j] * reset;
  }
  through_recurrent(0, moment.before, earlier);
  through_recurrent(1, moment.before, earlier);
  for (std::size_t j = 0; j < 3 * hidden_; ++j) gradients_[bias(0) + j] += gates[j];
  for (std::size_t i = 0; i < members_; ++i) {
    float* gradient = &gradients_[member(i)];
    for (std::size_t j = 0; j < 3 * hidden_; ++j) gradient[j] += gates[j] * moment.inputs[i];
  }
  pull = earlier;
}

void GruCell::take_step() {
  float square = 0;
  for (const float gradient : gradients_) square += gradient * gradient;
  const float norm = std::sqrt(square), scale = norm > kMostGradient ? kMostGradient / norm : 1;
  trainings_ = std::min(trainings_ + 1, kMostTrainings);
  const float gain = std::max(kForgets, 1 / static_cast<float>(trainings_));
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const float gradient = scale * gradients_[i];
    mean_squares_[i] += gain * (gradient * gradient - mean_squares_[i]);
    weights_[i] -= kStep * gradient / (std::sqrt(mean_squares_[i]) + kTiny);
  }
}

std::size_t GruCell::bytes_used() const {
  const std::size_t of_moments = kUnrolled * 2 * members_;
  return (3 * weights_.capacity() + forecast_.capacity() + of_moments) * sizeof(float);
}

}  // namespace hostmedic::detect
