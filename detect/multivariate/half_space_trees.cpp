// SPDX-License-Identifier: Apache-2.0
// Half-space trees over the deviations of a group: Tan, Ting, Liu: Fast anomaly detection for streaming data, IJCAI
// 2011. 25 trees whose cuts are drawn beforehand, without looking at data; each node counts how many readings came by
// in the present window, and is judged by the counts of the one before. Where the publication needs the range of a
// series, its deviation is squeezed into 0..1. Score: by how many halvings the moment's place is less dense than the
// densest possible; shares by where on the way down the others went the other way.
//
// Bounded: 25 trees of 511 nodes, 90 KB a group however many members; a step walks 8 nodes of every tree twice.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "detect/feature/random.h"
#include "detect/multivariate/member_input.h"
#include "detect/multivariate/models.h"
#include "detect/multivariate/state_fields.h"

namespace hostmedic::detect {

namespace {

constexpr std::size_t kTrees = 25, kDepth = 8;  // the publication has 25 and 15, with a fifth of the window
constexpr std::size_t kInner = (1U << kDepth) - 1, kNodes = 2 * kInner + 1;
constexpr double kWindowSeconds = 86400;  // of a day, so that its night is no anomaly
constexpr double kLeastWindow = 250, kMostWindow = 65'535;
constexpr float kFewest = 0.1F;       // of the window; below a node that saw fewer, nothing is told apart
constexpr float kComesInOver = 1000;  // readings, until a late member counts in full

struct Tree {
  std::array<std::uint16_t, kInner> member{};
  std::array<float, kInner> cut{};                    // at most this is left, which is node 2 * i + 1
  std::array<std::uint16_t, kNodes> before{}, now{};  // readings that came by, in the last window and in this one
};

float squeezed(float deviation) { return 0.5F + 0.5F * deviation / (1 + std::abs(deviation)); }

class HalfSpaceTrees final : public GroupModel {
 public:
  explicit HalfSpaceTrees(const GroupModelSettings& settings)
      : seed_(settings.seed),
        window_(static_cast<std::uint32_t>(
            std::clamp(kWindowSeconds / to_seconds(settings.interval), kLeastWindow, kMostWindow))) {}

  // Cuts are drawn anew, since each member is to have its part of them; what was counted by the old ones is gone.
  void resize(std::size_t members) override {
    input_.resize(members);
    place_.resize(members, squeezed(0));
    begin_anew();
    Random random(seed_);
    std::vector<float> low(members), high(members);
    for (Tree& tree : trees_) {
      for (std::size_t i = 0; i < members; ++i) {
        const float middle = random.unit(), reach = 2 * std::max(middle, 1 - middle);
        low[i] = middle - reach;
        high[i] = middle + reach;
      }
      if (members > 0) draw(tree, 0, low, high, random);
    }
  }
  void forget(std::size_t member) override { input_.forget(member); }

  float step(const GroupReading& reading) override {
    const auto point = input_.take(reading.deviations);
    if (point.empty()) return NAN;
    for (std::size_t i = 0; i < point.size(); ++i) place_[i] = squeezed(point[i]);
    float density = 0;
    for (const Tree& tree : trees_) density += density_at(tree);
    const bool learning = !full_;
    if (reading.learn) count();
    if (learning) return NAN;
    const float uniform = static_cast<float>(kTrees * window_);
    return std::max(0.0F, static_cast<float>(kDepth) - std::log2(std::max(density / uniform, kLeastDensity)));
  }

  void shares(std::span<float> ret_shares) const override {
    std::ranges::fill(ret_shares, 0.0F);
    for (const Tree& tree : trees_) {
      std::size_t node = 0;
      for (std::size_t depth = 0; depth < kDepth && !few(tree.before[node]); ++depth) {
        const std::size_t member = tree.member[node], child = next(tree, node);
        const float half = 0.5F * tree.before[node], here = tree.before[child];
        if (here < half && input_.known(member)) ret_shares[member] += std::log2(half / std::max(here, 0.5F));
        node = child;
      }
    }
    make_shares(ret_shares);
  }
  std::size_t bytes_used() const override {
    return sizeof *this + trees_.capacity() * sizeof(Tree) + input_.bytes_used() + place_.capacity() * sizeof(float);
  }
  void save(StateWriter& writer) const override {
    FieldWriter to{writer};
    fields(*this, to);
  }
  bool load(StateReader& reader) override {
    FieldReader from{reader};
    fields(*this, from);
    if (from.good()) return true;
    begin_anew();
    return false;
  }

 private:
  template <class Self, class Fields>
  static void fields(Self& self, Fields& io) {
    io.same(self.seed_);
    io.same(self.window_);
    io.at_most(self.counted_, self.window_);
    io.one(self.full_);
    io.all(self.place_);
    MemberInput::fields(self.input_, io);
    for (auto& tree : self.trees_) {
      io.all(tree.before);
      io.all(tree.now);
    }
  }
  void begin_anew() {
    counted_ = 0;
    full_ = false;
    input_.begin_anew();
    for (Tree& tree : trees_) tree.before.fill(0), tree.now.fill(0);
  }

  static void draw(Tree& tree, std::size_t node, std::vector<float>& low, std::vector<float>& high, Random& random) {
    if (node >= kInner) return;
    const std::size_t member = random.below(static_cast<std::uint32_t>(low.size()));
    const float cut = (low[member] + high[member]) / 2;
    tree.member[node] = static_cast<std::uint16_t>(member);
    tree.cut[node] = cut;
    const float high_before = std::exchange(high[member], cut);
    draw(tree, 2 * node + 1, low, high, random);
    high[member] = high_before;
    const float low_before = std::exchange(low[member], cut);
    draw(tree, 2 * node + 2, low, high, random);
    low[member] = low_before;
  }
  std::size_t next(const Tree& tree, std::size_t node) const {
    return 2 * node + (place_[tree.member[node]] <= tree.cut[node] ? 1 : 2);
  }
  bool few(std::uint16_t mass) const { return static_cast<float>(mass) <= kFewest * static_cast<float>(window_); }
  // How many came by, times how small the place is.
  float density_at(const Tree& tree) const {
    std::size_t node = 0, depth = 0;
    for (; depth < kDepth && !few(tree.before[node]); ++depth) node = next(tree, node);
    return static_cast<float>(tree.before[node]) * static_cast<float>(1U << depth);
  }
  void count() {
    for (Tree& tree : trees_) {
      std::size_t node = 0;
      for (; node < kInner; node = next(tree, node)) ++tree.now[node];
      ++tree.now[node];
    }
    if (++counted_ < window_) return;
    counted_ = 0;
    full_ = true;
    for (Tree& tree : trees_) tree.before = tree.now, tree.now.fill(0);
  }
  static constexpr float kLeastDensity = 1.0F / (1U << kDepth);

  std::uint64_t seed_;
  std::uint32_t window_;
  std::uint32_t counted_ = 0;
  bool full_ = false;  // there is a window to judge by
  MemberInput input_{kComesInOver};
  std::vector<float> place_;
  std::vector<Tree> trees_ = std::vector<Tree>(kTrees);
};

}  // namespace

const GroupModelInfo half_space_trees = {
    "half_space_trees", "how much less dense this moment's place is than usual, by 25 trees of cuts drawn beforehand",
    "Tan, Ting, Liu: Fast anomaly detection for streaming data, IJCAI 2011",
    [](const GroupModelSettings& settings) -> std::unique_ptr<GroupModel> {
      return std::make_unique<HalfSpaceTrees>(settings);
    }};

}  // namespace hostmedic::detect
