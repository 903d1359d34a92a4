// SPDX-License-Identifier: Apache-2.0
// One tree of a random cut forest over at most kMostLeaves points: a cut's dimension is drawn in proportion to the
// extent of the points below it, its place evenly. Guha, Mishra, Roy, Schrijvers: Robust random cut forest based
// anomaly detection on streams, ICML 2016. Points can be taken out again; points that are equal share a leaf.
//
// Bounded: 767 times the dimensions as floats, made at resize(); nothing else allocates. One owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "detect/feature/random.h"
#include "detect/model/state_codec.h"

namespace hostmedic::detect {

class RandomCutTree {
 public:
  static constexpr std::size_t kMostLeaves = 256;
  using Leaf = std::uint16_t;

  RandomCutTree() { clear(); }
  // New dimensions come last; the points are 0 in them.
  void resize(std::size_t dimensions);
  // All points become 0 in this dimension.
  void flatten(std::size_t dimension);
  void clear();

  // The leaf where the point lies now. There must be fewer than kMostLeaves points.
  Leaf insert(std::span<const float> point, Random& random);
  void remove(Leaf leaf);
  std::size_t points() const { return root_ == kNone ? 0 : mass_of(root_); }

  // How far off the point is, not being in the tree: the depth at which it would be cut off, as an expectation over the
  // cuts, higher for a smaller depth. About 1 is usual. Adds to each dimension how much it had to do with it.
  float score(std::span<const float> point, std::span<float> add_to_dimensions) const;

  std::size_t bytes_used() const { return (points_.capacity() + boxes_.capacity()) * sizeof(float); }

  // Leaves are saved from left to right and are numbered so when loaded: what number each of them will have.
  void save(StateWriter& writer, std::span<Leaf, kMostLeaves> ret_numbers) const;
  // False: not a tree of these dimensions. leaves: where each of the points lies, and every leaf has one at least; they
  // follow the tree, so count() comes after.
  bool load(StateReader& reader);
  bool count(std::span<const Leaf> leaves);

 private:
  using Ref = std::uint16_t;  // an inner node, or kLeaf + a leaf
  static constexpr Ref kLeaf = 0x8000, kNone = 0xFFFF;
  static constexpr std::size_t kMostInner = kMostLeaves - 1;

  struct Inner {
    float cut = 0;  // at most this is left
    std::uint16_t dimension = 0, mass = 0;
    Ref parent = kNone, left = kNone, right = kNone;
  };
  struct LeafNode {
    std::uint16_t mass = 0;
    Ref parent = kNone;
  };
  struct Cut {
    std::size_t dimension = 0;
    float at = 0;
  };

  static bool is_leaf(Ref ref) { return (ref & kLeaf) != 0; }
  std::uint16_t mass_of(Ref ref) const { return is_leaf(ref) ? leaves_[ref - kLeaf].mass : inner_[ref].mass; }
  Ref& parent_of(Ref ref) { return is_leaf(ref) ? leaves_[ref - kLeaf].parent : inner_[ref].parent; }
  // The box around what is below: for a leaf both ends are its point.
  const float* low_of(Ref ref) const { return is_leaf(ref) ? point_of(ref) : &boxes_[2 * ref * dimensions_]; }
  const float* high_of(Ref ref) const { return is_leaf(ref) ? point_of(ref) : &boxes_[(2 * ref + 1) * dimensions_]; }
  const float* point_of(Ref leaf) const { return &points_[static_cast<std::size_t>(leaf - kLeaf) * dimensions_]; }

  float extent_with(Ref ref, std::span<const float> point) const;
  Cut draw_cut(Ref ref, std::span<const float> point, float extent, Random& random) const;
  Ref new_leaf(std::span<const float> point);
  Ref split(Ref ref, std::span<const float> point, Cut cut);
  void replace_child(Ref parent, Ref old_child, Ref new_child);
  void fit_box(Ref inner);
  void release(Ref ref);
  void save_below(Ref ref, StateWriter& writer, std::span<Leaf, kMostLeaves> ret_numbers, Leaf& next) const;
  Ref load_below(StateReader& reader, std::size_t depth);
  bool fit_below(Ref ref);

  std::size_t dimensions_ = 0;
  std::array<Inner, kMostInner> inner_{};
  std::array<LeafNode, kMostLeaves> leaves_{};
  std::array<Ref, kMostInner> free_inner_{};
  std::array<Leaf, kMostLeaves> free_leaves_{};
  std::size_t inner_left_ = 0, leaves_left_ = 0;
  Ref root_ = kNone;
  std::vector<float> points_, boxes_;
};

}  // namespace hostmedic::detect
