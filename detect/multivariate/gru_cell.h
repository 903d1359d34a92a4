// SPDX-License-Identifier: Apache-2.0
// A gated recurrent unit that forecasts the next reading of each member of a group as a change to the present one,
// trained as it goes by truncated back-propagation: Cho et al.: Learning phrase representations using RNN
// encoder-decoder, EMNLP 2014; Williams, Peng: An efficient gradient-based algorithm for on-line training of recurrent
// network trajectories, Neural Computation 1990. Steps of a size of each parameter's own (root mean square of its
// gradient), the gradient's norm clipped. Its outputs start at 0: untrained, it forecasts that all stays as it is.
//
// Bounded: at most kMostParameters, three floats each; fewer hidden values where there are many members. Nothing but
// resize() allocates. One owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "detect/feature/random.h"

namespace hostmedic::detect {

class GruCell {
 public:
  static constexpr std::size_t kMostParameters = 10'000, kMostHidden = 16, kUnrolled = 8;

  explicit GruCell(std::uint64_t seed) : seed_(seed) {}

  // Members that were there keep what was learned of them, unless there are so many now that fewer hidden values fit.
  void resize(std::size_t members);
  // This member's weights are as at the start.
  void forget(std::size_t member);
  void begin_anew();

  // Takes the reading in: forecast() is then of the next one.
  void advance(std::span<const float> inputs);
  std::span<const float> forecast() const { return forecast_; }
  // What the last forecast missed each member's reading by; 0 for one that is not known. After kUnrolled of them in a
  // row the weights are trained.
  void learn(std::span<const float> errors);
  // The readings to come do not follow from those that are kept for training.
  void break_off() { kept_ = 0; }

  std::size_t parameters() const { return weights_.size(); }
  std::size_t hidden() const { return hidden_; }
  std::size_t bytes_used() const;

  template <class Self, class Fields>
  static void fields(Self& self, Fields& io) {
    io.same(static_cast<std::uint32_t>(self.weights_.size()));
    io.all(self.weights_);
    io.all(self.mean_squares_);
    io.at_most(self.trainings_, kMostTrainings);
    io.at_most(self.kept_, kUnrolled - 1);
    io.all(self.state_);
    io.all(self.forecast_);
    for (auto& moment : self.moments_) {
      io.all(moment.inputs);
      io.all(moment.errors);
      for (auto* values : {&moment.before, &moment.update, &moment.reset, &moment.candidate, &moment.after})
        io.all(*values);
    }
  }

 private:
  using Hidden = std::array<float, kMostHidden>;
  // One reading, as training needs it.
  struct Moment {
    std::vector<float> inputs, errors;
    Hidden before{}, update{}, reset{}, candidate{}, after{};
  };
  static constexpr std::uint32_t kMostTrainings = 1U << 30;

  // Where parameters lie: recurrent weights of the three gates, their biases, then what belongs to each member: its
  // weights into the gates, those out of the hidden values, and a bias.
  std::size_t recurrent(std::size_t gate, std::size_t row) const { return (gate * hidden_ + row) * hidden_; }
  std::size_t bias(std::size_t gate) const { return (3 * hidden_ + gate) * hidden_; }
  std::size_t member(std::size_t index) const { return (3 * hidden_ + 3) * hidden_ + index * member_size(); }
  std::size_t member_size() const { return 4 * hidden_ + 1; }
  void begin(std::size_t from, std::size_t count, float most, Random& random);
  void begin_member(std::size_t index, Random& random);

  void train();
  void back_through(const Moment& moment, Hidden& pull);
  void back_through_outputs(const Moment& moment, Hidden& pull);
  void take_step();

  std::uint64_t seed_;
  std::size_t members_ = 0, hidden_ = 0;
  std::vector<float> weights_, gradients_, mean_squares_, forecast_;
  Hidden state_{};
  std::array<Moment, kUnrolled> moments_;
  std::uint32_t kept_ = 0, trainings_ = 0;
};

}  // namespace hostmedic::detect
