// SPDX-License-Identifier: Apache-2.0
#include "detect/multivariate/random_cut_tree.h"

#include <algorithm>
#include <cmath>

namespace hostmedic::detect {

namespace {

// Rows of another width in the same vector; what is new is 0.
void widen(std::vector<float>& rows, std::size_t count, std::size_t from, std::size_t to) {
  std::vector<float> wider(count * to, 0);
  for (std::size_t row = 0; row < count; ++row)
    std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(row * from), std::min(from, to),
                wider.begin() + static_cast<std::ptrdiff_t>(row * to));
  rows = std::move(wider);
}

}  // namespace

void RandomCutTree::resize(std::size_t dimensions) {
  widen(points_, kMostLeaves, dimensions_, dimensions);
  widen(boxes_, 2 * kMostInner, dimensions_, dimensions);
  dimensions_ = dimensions;
}

void RandomCutTree::flatten(std::size_t dimension) {
  for (std::size_t i = dimension; i < points_.size(); i += dimensions_) points_[i] = 0;
  for (std::size_t i = dimension; i < boxes_.size(); i += dimensions_) boxes_[i] = 0;
}

void RandomCutTree::clear() {
  root_ = kNone;
  inner_left_ = kMostInner;
  leaves_left_ = kMostLeaves;
  // Taken from the end: the lowest first.
  for (std::size_t i = 0; i < kMostInner; ++i) free_inner_[i] = static_cast<Ref>(kMostInner - 1 - i);
  for (std::size_t i = 0; i < kMostLeaves; ++i) free_leaves_[i] = static_cast<Leaf>(kMostLeaves - 1 - i);
}

// The sum of the sides of the box with the point in it.
float RandomCutTree::extent_with(Ref ref, std::span<const float> point) const {
  const float *low = low_of(ref), *high = high_of(ref);
  float extent = 0;
  for (std::size_t d = 0; d < dimensions_; ++d) extent += std::max(high[d], point[d]) - std::min(low[d], point[d]);
  return extent;
}

RandomCutTree::Cut RandomCutTree::draw_cut(Ref ref, std::span<const float> point, float extent, Random& random) const {
  const float *low = low_of(ref), *high = high_of(ref);
  float left = random.unit() * extent;
  Cut cut;
  for (std::size_t d = 0; d < dimensions_; ++d) {
    const float from = std::min(low[d], point[d]), to = std::max(high[d], point[d]);
    if (!(to > from)) continue;
    // Rounding must not put all points on one side.
    const float at = from + left;
    cut = {d, at < to ? at : from};
    if (left < to - from) return cut;
    left -= to - from;
  }
  return cut;
}

RandomCutTree::Ref RandomCutTree::new_leaf(std::span<const float> point) {
  const Leaf leaf = free_leaves_[--leaves_left_];
  leaves_[leaf] = {1, kNone};
  std::ranges::copy(point, points_.begin() + static_cast<std::ptrdiff_t>(leaf * dimensions_));
  return static_cast<Ref>(kLeaf + leaf);
}

// Puts an inner node in the place of this one, with this one and the point's leaf below it. The leaf.
RandomCutTree::Ref RandomCutTree::split(Ref ref, std::span<const float> point, Cut cut) {
  const Ref leaf = new_leaf(point), parent = parent_of(ref), inner = free_inner_[--inner_left_];
  const bool left = point[cut.dimension] <= cut.at;
  inner_[inner] = {cut.at,
                   static_cast<std::uint16_t>(cut.dimension),
                   static_cast<std::uint16_t>(mass_of(ref) + 1),
                   parent,
                   left ? leaf : ref,
                   left ? ref : leaf};
  replace_child(parent, ref, inner);
  parent_of(ref) = parent_of(leaf) = inner;
  fit_box(inner);
  return leaf;
}

void RandomCutTree::replace_child(Ref parent, Ref old_child, Ref new_child) {
  if (parent == kNone) {
    root_ = new_child;
  } else if (inner_[parent].left == old_child) {
    inner_[parent].left = new_child;
  } else {
    inner_[parent].right = new_child;
  }
}

void RandomCutTree::fit_box(Ref inner) {
  const Ref left = inner_[inner].left, right = inner_[inner].right;
  const float *left_low = low_of(left), *right_low = low_of(right);
  const float *left_high = high_of(left), *right_high = high_of(right);
  float *low = &boxes_[2 * inner * dimensions_], *high = low + dimensions_;
  for (std::size_t d = 0; d < dimensions_; ++d) {
    low[d] = std::min(left_low[d], right_low[d]);
    high[d] = std::max(left_high[d], right_high[d]);
  }
}

RandomCutTree::Leaf RandomCutTree::insert(std::span<const float> point, Random& random) {
  if (root_ == kNone) {
    root_ = new_leaf(point);
    return static_cast<Leaf>(root_ - kLeaf);
  }
  for (Ref ref = root_;;) {
    const float extent = extent_with(ref, point);
    if (is_leaf(ref) && !(extent > 0)) {
      ++leaves_[ref - kLeaf].mass;
      return static_cast<Leaf>(ref - kLeaf);
    }
    if (extent > 0) {
      const Cut cut = draw_cut(ref, point, extent, random);
      const float at = point[cut.dimension];
      const bool apart = (at <= cut.at && cut.at < low_of(ref)[cut.dimension]) ||
                         (at > cut.at && cut.at >= high_of(ref)[cut.dimension]);
      if (apart || is_leaf(ref)) return static_cast<Leaf>(split(ref, point, cut) - kLeaf);
    }
    Inner& inner = inner_[ref];
    float *low = &boxes_[2 * ref * dimensions_], *high = low + dimensions_;
    for (std::size_t d = 0; d < dimensions_; ++d) {
      low[d] = std::min(low[d], point[d]);
      high[d] = std::max(high[d], point[d]);
    }
    ++inner.mass;
    ref = point[inner.dimension] <= inner.cut ? inner.left : inner.right;
  }
}

void RandomCutTree::remove(Leaf leaf) {
  const auto ref = static_cast<Ref>(kLeaf + leaf);
  for (Ref up = leaves_[leaf].parent; up != kNone; up = inner_[up].parent) --inner_[up].mass;
  if (--leaves_[leaf].mass > 0) return;
  free_leaves_[leaves_left_++] = leaf;
  const Ref parent = leaves_[leaf].parent;
  if (parent == kNone) {
    root_ = kNone;
    return;
  }
  const Ref sibling = inner_[parent].left == ref ? inner_[parent].right : inner_[parent].left;
  const Ref above = inner_[parent].parent;
  replace_child(above, parent, sibling);
  parent_of(sibling) = above;
  free_inner_[inner_left_++] = parent;
  for (Ref up = above; up != kNone; up = inner_[up].parent) fit_box(up);
}

float RandomCutTree::score(std::span<const float> point, std::span<float> add_to_dimensions) const {
  if (root_ == kNone) return 0;
  const auto all = static_cast<float>(mass_of(root_));
  // Little can still happen below; what is left out is less than this share of the score.
  constexpr float kNegligible = 1e-4F;
  const float unit = std::log2(all + 1);
  float score = 0, together = 1, depth = 0;  // together: the probability that no cut has parted it from the others yet
  for (Ref ref = root_;; ++depth) {
    const float *low = low_of(ref), *high = high_of(ref);
    float inside = 0, outside = 0;
    for (std::size_t d = 0; d < dimensions_; ++d) {
      inside += high[d] - low[d];
      outside += std::max(0.0F, low[d] - point[d]) + std::max(0.0F, point[d] - high[d]);
    }
    const float damp = 1 - static_cast<float>(mass_of(ref)) / (2 * all);
    if (outside > 0) {
      const float part = together * unit * damp / (depth + 1) / (inside + outside);
      score += part * outside;
      for (std::size_t d = 0; d < dimensions_; ++d)
        add_to_dimensions[d] += part * (std::max(0.0F, low[d] - point[d]) + std::max(0.0F, point[d] - high[d]));
      together *= inside / (inside + outside);
    } else if (is_leaf(ref)) {
      // It has been seen before, so often.
      score += together * unit * damp / (depth + std::log2(static_cast<float>(mass_of(ref)) + 1));
    }
    if (is_leaf(ref) || together < kNegligible) return score;
    ref = point[inner_[ref].dimension] <= inner_[ref].cut ? inner_[ref].left : inner_[ref].right;
  }
}

void RandomCutTree::save(StateWriter& writer, std::span<Leaf, kMostLeaves> ret_numbers) const {
  writer.put(static_cast<std::uint32_t>(dimensions_));
  writer.put(static_cast<std::uint8_t>(root_ != kNone));
  Leaf next = 0;
  if (root_ != kNone) save_below(root_, writer, ret_numbers, next);
}
void RandomCutTree::save_below(Ref ref, StateWriter& writer, std::span<Leaf, kMostLeaves> ret_numbers,
                               Leaf& next) const {
  writer.put(static_cast<std::uint8_t>(is_leaf(ref)));
  if (is_leaf(ref)) {
    ret_numbers[ref - kLeaf] = next++;
    for (std::size_t d = 0; d < dimensions_; ++d) writer.put(point_of(ref)[d]);
    return;
  }
  writer.put(inner_[ref].dimension);
  writer.put(inner_[ref].cut);
  save_below(inner_[ref].left, writer, ret_numbers, next);
  save_below(inner_[ref].right, writer, ret_numbers, next);
}

bool RandomCutTree::load(StateReader& reader) {
  clear();
  if (reader.get<std::uint32_t>() != dimensions_) return false;
  if (reader.get<std::uint8_t>() == 0) return reader.good();
  root_ = load_below(reader, 0);
  return root_ != kNone;
}
RandomCutTree::Ref RandomCutTree::load_below(StateReader& reader, std::size_t depth) {
  const bool leaf = reader.get<std::uint8_t>() != 0;
  if (!reader.good() || depth > kMostInner) return kNone;
  if (leaf) {
    if (leaves_left_ == 0) return kNone;
    const Leaf at = free_leaves_[--leaves_left_];
    leaves_[at] = {};
    for (std::size_t d = 0; d < dimensions_; ++d) points_[at * dimensions_ + d] = reader.get<float>();
    return reader.good() ? static_cast<Ref>(kLeaf + at) : kNone;
  }
  if (inner_left_ == 0) return kNone;
  const Ref at = free_inner_[--inner_left_];
  inner_[at] = {};
  inner_[at].dimension = reader.get<std::uint16_t>();
  inner_[at].cut = reader.get<float>();
  if (inner_[at].dimension >= dimensions_) return kNone;
  inner_[at].left = load_below(reader, depth + 1);
  if (inner_[at].left == kNone) return kNone;
  inner_[at].right = load_below(reader, depth + 1);
  if (inner_[at].right == kNone) return kNone;
  parent_of(inner_[at].left) = parent_of(inner_[at].right) = at;
  return at;
}

bool RandomCutTree::count(std::span<const Leaf> leaves) {
  const std::size_t in_use = kMostLeaves - leaves_left_;
  for (const Leaf leaf : leaves) {
    if (leaf >= in_use) return false;
    ++leaves_[leaf].mass;
  }
  return root_ == kNone ? leaves.empty() : fit_below(root_);
}
// Masses and boxes of inner nodes follow from what is below. False where a leaf has no point.
bool RandomCutTree::fit_below(Ref ref) {
  if (is_leaf(ref)) return leaves_[ref - kLeaf].mass > 0;
  Inner& inner = inner_[ref];
  if (!fit_below(inner.left) || !fit_below(inner.right)) return false;
  inner.mass = static_cast<std::uint16_t>(mass_of(inner.left) + mass_of(inner.right));
  fit_box(ref);
  return true;
}

}  // namespace hostmedic::detect
