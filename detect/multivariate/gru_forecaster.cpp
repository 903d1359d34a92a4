// SPDX-License-Identifier: Apache-2.0
// What a small recurrent network, trained as it goes, did not foresee of this moment (gru_cell.h has the publications).
// Score: each member's miss past its usual size, summed; shares by squared miss. It shows its loss: the mean square of
// its misses over that of the forecast that all stays as it is; under 1 it has learned something. A shadow.
//
// Bounded: 10,000 parameters of three floats, 68 bytes a member for what is kept for training, and one training over
// eight readings every eight steps.
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "detect/multivariate/gru_cell.h"
#include "detect/multivariate/member_input.h"
#include "detect/multivariate/models.h"
#include "detect/multivariate/residual_score.h"
#include "detect/multivariate/resize_tightly.h"
#include "detect/multivariate/state_fields.h"

namespace hostmedic::detect {

namespace {

constexpr float kMostInput = 5;       // deviations; a gate is closed or open long before
constexpr float kComesInOver = 1000;  // readings, until a late member counts in full
constexpr float kFirstScore = 1000;   // readings
constexpr float kLossMemory = 2000;   // readings

class GruForecaster final : public GroupModel {
 public:
  explicit GruForecaster(const GroupModelSettings& settings)
      : interval_(settings.interval), cell_(settings.seed), judge_(settings.interval) {}

  void resize(std::size_t members) override {
    input_.resize(members);
    judge_.resize(members);
    cell_.resize(members);
    for (auto* values : {&clipped_, &before_, &misses_}) resize_tightly(*values, members);
    begun_ = false;
  }
  void forget(std::size_t member) override {
    input_.forget(member);
    judge_.forget(member);
    cell_.forget(member);
    begun_ = false;
  }

  float step(const GroupReading& reading) override {
    const auto point = input_.take(reading.deviations);
    if (point.empty() || !healthy_) return NAN;
    // After a gap, the forecast was of another moment.
    if (at_ && (reading.at <= *at_ || reading.at - *at_ > 3 * interval_)) begun_ = false;
    at_ = reading.at;
    for (std::size_t i = 0; i < point.size(); ++i) clipped_[i] = std::clamp(point[i], -kMostInput, kMostInput);
    float score = 0;
    if (begun_) {
      for (std::size_t i = 0; i < point.size(); ++i) misses_[i] = point[i] - cell_.forecast()[i];
      // What it misses while it learns the first things says nothing of what it usually misses.
      score = judge_.judge(misses_, input_, reading.learn && readings_ > kFirstScore);
      if (reading.learn) learn();
    }
    if (!begun_ || !reading.learn) cell_.break_off();
    cell_.advance(clipped_);
    std::ranges::copy(clipped_, before_.begin());
    begun_ = true;
    if (!std::isfinite(score)) healthy_ = false;
    return readings_ <= kFirstScore || !healthy_ ? NAN : score;
  }

  void shares(std::span<float> ret_shares) const override { judge_.shares(ret_shares); }
  bool healthy() const override { return healthy_; }
  float loss() const override { return as_before_ > 0 ? missed_ / as_before_ : NAN; }
  std::size_t bytes_used() const override {
    return sizeof *this + input_.bytes_used() + judge_.bytes_used() + cell_.bytes_used() +
           3 * misses_.capacity() * sizeof(float);
  }
  void save(StateWriter& writer) const override {
    FieldWriter to{writer};
    fields(*this, to);
  }
  bool load(StateReader& reader) override {
    FieldReader from{reader};
    fields(*this, from);
    if (from.good()) return true;
    healthy_ = true;
    input_.begin_anew();
    cell_.begin_anew();
    for (std::size_t i = 0; i < misses_.size(); ++i) judge_.forget(i);
    readings_ = missed_ = as_before_ = 0;
    begun_ = false;
    at_.reset();
    return false;
  }

 private:
  template <class Self, class Fields>
  static void fields(Self& self, Fields& io) {
    io.same(to_ns(self.interval_));
    io.one(self.readings_);
    io.one(self.missed_);
    io.one(self.as_before_);
    io.one(self.begun_);
    io.one(self.healthy_);
    io.time(self.at_);
    io.all(self.before_);
    MemberInput::fields(self.input_, io);
    ResidualScore::fields(self.judge_, io);
    GruCell::fields(self.cell_, io);
  }
  // Of what may be seen of a miss, so that one moment far out says nothing about the network.
  void learn() {
    float missed = 0, as_before = 0;
    for (std::size_t i = 0; i < misses_.size(); ++i) {
      misses_[i] = input_.known(i) ? clipped_[i] - cell_.forecast()[i] : 0;
      const float change = input_.known(i) ? clipped_[i] - before_[i] : 0;
      missed += misses_[i] * misses_[i];
      as_before += change * change;
    }
    cell_.learn(misses_);
    readings_ = std::min(readings_ + 1, kLossMemory);
    const float gain = 1 / readings_, members = static_cast<float>(misses_.size());
    missed_ += gain * (missed / members - missed_);
    as_before_ += gain * (as_before / members - as_before_);
  }

  Duration interval_;
  GruCell cell_;
  MemberInput input_{kComesInOver};
  ResidualScore judge_;
  std::vector<float> clipped_, before_, misses_;
  std::optional<MonoTime> at_;
  float readings_ = 0, missed_ = 0, as_before_ = 0;
  bool begun_ = false;  // there is a forecast of this moment
  bool healthy_ = true;
};

}  // namespace

const GroupModelInfo gru_forecaster = {
    "gru_forecaster", "what a small recurrent network, trained as it goes, did not foresee; a shadow",
    "Cho et al.: Learning phrase representations using RNN encoder-decoder, EMNLP 2014",
    [](const GroupModelSettings& settings) -> std::unique_ptr<GroupModel> {
      return std::make_unique<GruForecaster>(settings);
    },
    /*evidence=*/true};

}  // namespace hostmedic::detect
