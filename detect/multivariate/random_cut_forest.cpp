// SPDX-License-Identifier: Apache-2.0
// Robust random cut forest over the deviations of a group: Guha, Mishra, Roy, Schrijvers, ICML 2016, at the defaults
// that AWS publishes for its library (50 trees of 256 points, kept by a reservoir whose memory is ten times as long, a
// score after a quarter of them), with its score: how early a random cut would part the point from what is kept, where
// few points are parted off counting more. A reference point, and a shadow: it costs hundreds of times what the
// models do that serve. The members at one moment are the point (a shingle of 1).
//
// Bounded: 50 trees of at most 511 nodes, 153 KB a member; a step walks every tree once and puts the point into some.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "detect/multivariate/member_input.h"
#include "detect/multivariate/models.h"
#include "detect/multivariate/random_cut_tree.h"
#include "detect/multivariate/state_fields.h"

namespace hostmedic::detect {

namespace {

constexpr std::size_t kTrees = 50, kSamples = RandomCutTree::kMostLeaves, kFirstScore = kSamples / 4;
constexpr double kDecay = 1.0 / (10 * kSamples);  // of a point's chance to be kept, per reading
constexpr double kFillsFreely = 0.125;            // of the reservoir takes whatever comes
constexpr std::uint64_t kMostReadings = std::uint64_t{1} << 50;

// Which points a tree keeps: those with the least keys. A key is drawn once; later points draw lower ones.
struct Kept {
  double key = 0;
  RandomCutTree::Leaf leaf = 0;
  bool operator<(const Kept& other) const { return key < other.key; }
};
struct Tree {
  RandomCutTree cuts;
  std::array<Kept, kSamples> kept{};  // a heap, the greatest key first
  std::size_t count = 0;
};

class RandomCutForest final : public GroupModel {
 public:
  explicit RandomCutForest(const GroupModelSettings& settings) : seed_(settings.seed), random_(settings.seed) {}

  void resize(std::size_t members) override {
    input_.resize(members);
    weights_.resize(members, 0);
    for (Tree& tree : trees_) tree.cuts.resize(members);
  }
  void forget(std::size_t member) override {
    input_.forget(member);
    for (Tree& tree : trees_) tree.cuts.flatten(member);
  }

  float step(const GroupReading& reading) override {
    const auto point = input_.take(reading.deviations);
    std::ranges::fill(weights_, 0.0F);
    if (point.empty()) return NAN;
    float score = 0;
    for (const Tree& tree : trees_) score += tree.cuts.score(point, weights_);
    score /= kTrees;
    const bool learning = readings_ < kFirstScore;
    if (reading.learn) {
      ++readings_;
      for (Tree& tree : trees_) offer(tree, point);
    }
    if (!std::isfinite(score)) healthy_ = false;
    return learning || !healthy_ ? NAN : score;
  }

  void shares(std::span<float> ret_shares) const override {
    for (std::size_t i = 0; i < weights_.size(); ++i) ret_shares[i] = input_.known(i) ? weights_[i] : 0;
    make_shares(ret_shares);
  }
  bool healthy() const override { return healthy_; }
  std::size_t bytes_used() const override {
    std::size_t bytes = sizeof *this + trees_.capacity() * sizeof(Tree) + input_.bytes_used();
    for (const Tree& tree : trees_) bytes += tree.cuts.bytes_used();
    return bytes + weights_.capacity() * sizeof(float);
  }

  void save(StateWriter& writer) const override {
    writer.put(seed_);
    writer.put(random_.state());
    writer.put(readings_);
    FieldWriter fields{writer};
    fields.one(healthy_);
    fields.all(weights_);
    MemberInput::fields(input_, fields);
    std::array<RandomCutTree::Leaf, kSamples> numbers{};
    for (const Tree& tree : trees_) {
      tree.cuts.save(writer, numbers);
      writer.put(static_cast<std::uint32_t>(tree.count));
      for (std::size_t i = 0; i < tree.count; ++i) {
        writer.put(tree.kept[i].key);
        writer.put(numbers[tree.kept[i].leaf]);
      }
    }
  }
  bool load(StateReader& reader) override {
    bool good = reader.get<std::uint64_t>() == seed_;
    random_ = Random(reader.get<std::uint64_t>());
    readings_ = std::min(reader.get<std::uint64_t>(), kMostReadings);
    FieldReader fields{reader};
    fields.one(healthy_);
    fields.all(weights_);
    MemberInput::fields(input_, fields);
    for (Tree& tree : trees_) good = good && load_tree(tree, reader);
    if (good && reader.good()) return true;
    healthy_ = true;
    random_ = Random(seed_);
    readings_ = 0;
    input_.begin_anew();
    for (Tree& tree : trees_) tree.cuts.clear(), tree.count = 0;
    return false;
  }

 private:
  void offer(Tree& tree, std::span<const float> point) {
    const double full = static_cast<double>(tree.count) / kSamples;
    const double u = std::max(random_.unit(), 0x1p-24F);
    const double key = std::log(-std::log(u) + 1e-12) - static_cast<double>(readings_) * kDecay;
    const bool first =
        full < kFillsFreely || (full < 1 && random_.unit() < 1 - (full - kFillsFreely) / (1 - kFillsFreely));
    if (!first && (tree.count == 0 || key >= tree.kept.front().key)) return;
    if (!first) {
      std::pop_heap(tree.kept.begin(), tree.kept.begin() + static_cast<std::ptrdiff_t>(tree.count));
      tree.cuts.remove(tree.kept[--tree.count].leaf);
    }
    tree.kept[tree.count++] = {key, tree.cuts.insert(point, random_)};
    std::push_heap(tree.kept.begin(), tree.kept.begin() + static_cast<std::ptrdiff_t>(tree.count));
  }
  static bool load_tree(Tree& tree, StateReader& reader) {
    if (!tree.cuts.load(reader)) return false;
    tree.count = reader.get_count(kSamples);
    std::array<RandomCutTree::Leaf, kSamples> leaves{};
    for (std::size_t i = 0; i < tree.count; ++i) {
      tree.kept[i].key = reader.get<double>();
      tree.kept[i].leaf = leaves[i] = reader.get<RandomCutTree::Leaf>();
    }
    return reader.good() && tree.cuts.count(std::span(leaves).first(tree.count));
  }

  std::uint64_t seed_;
  Random random_;
  std::uint64_t readings_ = 0;
  MemberInput input_{1 / static_cast<float>(kDecay)};
  std::vector<Tree> trees_ = std::vector<Tree>(kTrees);
  std::vector<float> weights_;
  bool healthy_ = true;
};

}  // namespace

const GroupModelInfo random_cut_forest = {
    "random_cut_forest", "how early random cuts part this moment from 256 kept ones, in 50 trees; costly: a shadow",
    "Guha, Mishra, Roy, Schrijvers: Robust random cut forest based anomaly detection on streams, ICML 2016",
    [](const GroupModelSettings& settings) -> std::unique_ptr<GroupModel> {
      return std::make_unique<RandomCutForest>(settings);
    }};

}  // namespace hostmedic::detect
