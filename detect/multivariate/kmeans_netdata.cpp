// SPDX-License-Identifier: Apache-2.0
// Netdata's scheme, as its documentation describes it (learn.netdata.cloud, "Machine learning and anomaly detection"):
// a reference point to be beaten, not to be run on hosts. Each member has models of its own: k-means with two centres
// over six lagged values of its differences, smoothed over three; trained on the last 6 h, again every 3 h; the last 18
// are kept, and a member is anomalous when every one of them says so. The group's score is the share of members that
// are, averaged over 5 min. Works on raw values; constant members are not trained and are never anomalous.
//
// Bounded: 36 KB a member, most of it the window trained on; at most one member trains in a step, at most kMostRounds
// rounds. A model's own history goes on while nothing is to be learned: a difference needs what was before it.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "detect/multivariate/member_input.h"
#include "detect/multivariate/models.h"
#include "detect/multivariate/state_fields.h"

namespace hostmedic::detect {

namespace {

constexpr std::size_t kSmoothed = 3, kLags = 6, kCentres = 2, kMostModels = 18;
constexpr std::size_t kMostVectors = 1440, kFewestVectors = 16, kMostRounds = 50, kMostAveraged = 300;
constexpr double kWindowSeconds = 6 * 3600, kRetrainSeconds = 3 * 3600, kFirstSeconds = 900, kAverageSeconds = 300;
constexpr float kAnomalous = 99;     // of 100: as far out as the farthest vector trained on
constexpr float kMostValue = 1e15F;  // its square is far from the end of float

using Vector = std::array<float, kLags>;

struct Model {
  std::array<Vector, kCentres> centres{};
  float nearest = 0, farthest = 0;  // of the vectors trained on
};

struct Member {
  std::vector<Vector> window = std::vector<Vector>(kMostVectors);
  std::array<Model, kMostModels> models{};
  std::array<float, kSmoothed> differences{};
  Vector smoothed{};
  float last = 0, anomalous = 0;  // anomalous: how much it was so of late, 0..1
  std::uint32_t run = 0;          // values in a row, up to what a vector needs
  std::uint32_t vectors = 0, next_vector = 0, kept = 0, next_model = 0;
  std::uint32_t since_vector = 0, since_training = 0;
  bool examined = false;  // a training was tried
};

// One value for the difference, and so many more as smoothing and lags reach back.
constexpr std::uint32_t kRunForVector = 1 + kSmoothed + (kLags - 1);

float distance(const Vector& a, const Vector& b) {
  float sum = 0;
  for (std::size_t i = 0; i < kLags; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}
float mean_distance(const Model& model, const Vector& v) {
  return (distance(model.centres[0], v) + distance(model.centres[1], v)) / 2;
}

// The first vector and the one farthest from it, then Lloyd's rounds.
Model train(std::span<const Vector> window) {
  Model model;
  const auto farther = [&](const Vector& a, const Vector& b) {
    return distance(a, window.front()) < distance(b, window.front());
  };
  model.centres = {window.front(), *std::ranges::max_element(window, farther)};
  for (std::size_t round = 0; round < kMostRounds; ++round) {
    std::array<Vector, kCentres> sums{};
    std::array<float, kCentres> counts{};
    for (const Vector& v : window) {
      const std::size_t near = distance(model.centres[1], v) < distance(model.centres[0], v) ? 1 : 0;
      for (std::size_t i = 0; i < kLags; ++i) sums[near][i] += v[i];
      counts[near] += 1;
    }
    const auto before = model.centres;
    for (std::size_t c = 0; c < kCentres; ++c)
      for (std::size_t i = 0; i < kLags && counts[c] > 0; ++i) model.centres[c][i] = sums[c][i] / counts[c];
    if (model.centres == before) break;
  }
  model.nearest = model.farthest = mean_distance(model, window.front());
  for (const Vector& v : window) {
    const float d = mean_distance(model, v);
    model.nearest = std::min(model.nearest, d);
    model.farthest = std::max(model.farthest, d);
  }
  return model;
}

class KmeansNetdata final : public GroupModel {
 public:
  explicit KmeansNetdata(const GroupModelSettings& settings) : interval_(settings.interval) {
    const double seconds = to_seconds(settings.interval);
    const double in_window = kWindowSeconds / seconds;
    stride_ = static_cast<std::uint32_t>(std::max(1.0, in_window / kMostVectors));
    most_vectors_ = static_cast<std::uint32_t>(std::clamp(in_window, 1.0 * kFewestVectors, 1.0 * kMostVectors));
    retrain_ = static_cast<std::uint32_t>(std::max(1.0, kRetrainSeconds / seconds));
    first_ = static_cast<std::uint32_t>(std::max(1.0 * kFewestVectors, kFirstSeconds / seconds / stride_));
    averaged_ = static_cast<std::size_t>(std::clamp(kAverageSeconds / seconds, 1.0, 1.0 * kMostAveraged));
  }

  void resize(std::size_t members) override { members_.resize(members); }
  void forget(std::size_t member) override {
    Member& m = members_[member];
    m = Member{.window = std::move(m.window)};
  }

  float step(const GroupReading& reading) override {
    // A clock that jumped or a gap: a difference to what was before means nothing.
    const bool gap = at_ && (reading.at <= *at_ || reading.at - *at_ > 3 * interval_);
    at_ = reading.at;
    std::size_t known = 0, anomalous = 0;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      Member& m = members_[i];
      if (gap) m.run = 0;
      const bool is = take(m, reading.values[i], reading.learn) && far_out(m);
      m.anomalous += ((is ? 1.0F : 0.0F) - m.anomalous) / static_cast<float>(averaged_);
      known += m.run > 0 ? 1 : 0;
      anomalous += is ? 1 : 0;
    }
    const float share = known > 0 ? static_cast<float>(anomalous) / static_cast<float>(known) : 0;
    const float score = average(share);
    if (reading.learn) train_one();
    const bool examined = std::ranges::any_of(members_, &Member::examined);
    return healthy_ && examined ? score : NAN;
  }

  void shares(std::span<float> ret_shares) const override {
    for (std::size_t i = 0; i < members_.size(); ++i) ret_shares[i] = members_[i].run > 0 ? members_[i].anomalous : 0;
    make_shares(ret_shares);
  }
  bool healthy() const override { return healthy_; }
  std::size_t bytes_used() const override {
    return sizeof *this + members_.capacity() * (sizeof(Member) + kMostVectors * sizeof(Vector));
  }
  void save(StateWriter& writer) const override {
    FieldWriter to{writer};
    fields(*this, to);
  }
  bool load(StateReader& reader) override {
    FieldReader from{reader};
    fields(*this, from);
    if (!from.good())
      for (std::size_t i = 0; i < members_.size(); ++i) forget(i);
    if (!from.good()) next_ = filled_ = turn_ = 0, at_.reset(), healthy_ = true;
    return from.good();
  }

 private:
  template <class Self, class Fields>
  static void fields(Self& self, Fields& io) {
    io.same(static_cast<std::uint32_t>(self.members_.size()));
    io.same(to_ns(self.interval_));
    io.time(self.at_);
    io.all(self.history_);
    io.at_most(self.next_, self.averaged_ - 1);
    io.at_most(self.filled_, self.averaged_);
    io.at_most(self.turn_, self.members_.size());
    io.one(self.healthy_);
    for (auto& m : self.members_) member_fields(m, self.most_vectors_, io);
  }
  template <class Any, class Fields>
  static void member_fields(Any& m, std::uint32_t most_vectors, Fields& io) {
    io.all(m.differences);
    io.all(m.smoothed);
    io.one(m.last);
    io.one(m.anomalous);
    io.at_most(m.run, kRunForVector);
    io.at_most(m.vectors, most_vectors);
    io.at_most(m.next_vector, most_vectors - 1);
    io.at_most(m.kept, kMostModels);
    io.at_most(m.next_model, kMostModels - 1);
    io.one(m.since_vector);
    io.one(m.since_training);
    io.one(m.examined);
    for (std::size_t i = 0; i < m.vectors; ++i) io.all(m.window[i]);
    for (std::size_t i = 0; i < m.kept; ++i) {
      for (auto& centre : m.models[i].centres) io.all(centre);
      io.one(m.models[i].nearest);
      io.one(m.models[i].farthest);
    }
  }

  // False when there is no vector of it yet.
  bool take(Member& m, float value, bool learn) {
    ++m.since_training;
    if (!std::isfinite(value)) {
      m.run = 0;
      return false;
    }
    value = std::clamp(value, -kMostValue, kMostValue);
    std::ranges::rotate(m.differences, m.differences.end() - 1);
    m.differences[0] = value - m.last;
    m.last = value;
    std::ranges::rotate(m.smoothed, m.smoothed.end() - 1);
    m.smoothed[0] = (m.differences[0] + m.differences[1] + m.differences[2]) / kSmoothed;
    if (m.run < kRunForVector) ++m.run;
    if (m.run < kRunForVector) return false;
    if (!learn || ++m.since_vector < stride_) return true;
    m.since_vector = 0;
    m.window[m.next_vector] = m.smoothed;
    m.next_vector = (m.next_vector + 1) % most_vectors_;
    m.vectors = std::min(m.vectors + 1, most_vectors_);
    return true;
  }
  bool far_out(const Member& m) {
    for (std::size_t i = 0; i < m.kept; ++i) {
      const Model& model = m.models[i];
      const float d = mean_distance(model, m.smoothed);
      if (!std::isfinite(d)) healthy_ = false;
      if (!(100 * std::abs(d - model.nearest) >= kAnomalous * (model.farthest - model.nearest))) return false;
    }
    return m.kept > 0;
  }
  float average(float share) {
    history_[next_] = share;
    next_ = (next_ + 1) % averaged_;
    filled_ = std::min(filled_ + 1, averaged_);
    float sum = 0;
    for (std::size_t i = 0; i < filled_; ++i) sum += history_[i];
    return sum / static_cast<float>(filled_);
  }
  // The next member that is due, so that the work of a step is bounded.
  void train_one() {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      const std::size_t at = (turn_ + i) % members_.size();
      Member& m = members_[at];
      if (m.vectors < first_ || (m.examined && m.since_training < retrain_)) continue;
      turn_ = (at + 1) % members_.size();
      m.examined = true;
      m.since_training = 0;
      const Model model = train(std::span(m.window).first(m.vectors));
      if (!(model.farthest > model.nearest)) return;
      m.models[m.next_model] = model;
      if (++m.next_model == kMostModels) m.next_model = 0;
      m.kept = std::min<std::uint32_t>(m.kept + 1, kMostModels);
      return;
    }
  }

  Duration interval_;
  std::uint32_t stride_, most_vectors_, retrain_, first_;
  std::size_t averaged_;

  std::vector<Member> members_;
  std::optional<MonoTime> at_;
  std::array<float, kMostAveraged> history_{};
  std::size_t next_ = 0, filled_ = 0, turn_ = 0;
  bool healthy_ = true;
};

}  // namespace

const GroupModelInfo kmeans_netdata = {
    "kmeans_netdata",
    "share of members that 18 sets of two centres over lagged differences all call anomalous, as Netdata does it",
    "Netdata, Machine learning and anomaly detection, learn.netdata.cloud",
    [](const GroupModelSettings& settings) -> std::unique_ptr<GroupModel> {
      return std::make_unique<KmeansNetdata>(settings);
    }};

}  // namespace hostmedic::detect
