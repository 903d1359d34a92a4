// SPDX-License-Identifier: Apache-2.0
// Which forms a series has already taken. Blocks of three lengths are each summed up by one number: their mean, or
// their extreme where it stands out; the last block, and the last two, are looked up among those kept. What was never
// seen is kept, and is evidence: -log of how often something as new came before, so that a restless series is not
// louder than a calm one. It sees what no deviation shows: a stuck sensor, a hole, a rhythm that is missing. Values are
// kept as bytes, once on a straight scale from the least to the greatest value and once on one that is bent around the
// mean, and are coded anew when those move: no unit matters, and nothing of the future is used.
// Bounded; no allocation; step() never throws. One owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "agent/base/time.h"
#include "detect/model/state_codec.h"

namespace hostmedic::detect {

inline constexpr int kShapeScales = 3;

// What all series of one sampling interval have in common.
struct ShapePlan {
  explicit ShapePlan(Duration interval);
  std::array<std::uint32_t, kShapeScales> samples{};  // of a block
  std::array<float, kShapeScales> fade{};             // of a block's evidence, per sample, until the next block
  float quiet = 0;                                    // samples that an onset keeps the like of it quiet
};

class ShapeMemory {
 public:
  // Evidence at this sample, 0: nothing new, about 1: new in a third of the looks. NaN or infinite: not known.
  float step(const ShapePlan& plan, float value);
  // What is seen is not kept as usual; evidence goes on.
  void hold(bool held) { held_ = held; }

  void save(StateWriter& writer) const;
  bool load(StateReader& reader);  // false: not fit, everything is forgotten
  void save_whole(StateWriter& writer) const;
  void load_whole(StateReader& reader);

 private:
  static constexpr int kCodings = 2, kViews = 4;
  static constexpr int kSingles = 16;  // of one block: they cover the whole scale
  static constexpr int kPairs = 32;
  static constexpr int kGrades = 9;  // how new, each twice as new as the one before

  // How often something at least this new was seen.
  struct Tail {
    std::array<std::uint16_t, kGrades> seen{};
    float surprise(unsigned distance, std::uint16_t looks);
    void halve();
  };
  struct Singles {
    std::array<std::uint8_t, kSingles> code{};
    std::uint8_t used = 0;
    Tail tail;
    unsigned distance(std::uint8_t now) const;
    void keep(std::uint8_t now);
  };
  struct Pairs {
    std::array<std::uint8_t, kPairs> before{}, code{}, met{};
    std::uint8_t used = 0;
    Tail tail;
    unsigned distance(std::uint8_t before_now, std::uint8_t now);
    void keep(std::uint8_t before_now, std::uint8_t now);
  };
  // One of the two ways to code a value.
  struct Coding {
    float origin = 0, width = 0;
  };
  struct View {
    Singles singles;
    Pairs pairs;
    std::uint8_t last = 0;
  };
  struct Scale {
    float sum = 0, low = 0, high = 0, evidence = 0;
    std::uint32_t count = 0;
    std::uint16_t looks = 0;
    bool has_last = false;
    std::array<View, kViews> views;  // straight, bent, each with means only, then with extremes
  };

  void learn_range(float value);
  void recode(int view, Coding next);
  float look(Scale& scale, std::uint32_t samples);
  float look(Scale& scale, View& view, std::uint8_t now);
  std::uint8_t encode(int view, float value) const;
  float decode(int view, std::uint8_t code) const;
  // The one list of what is saved, in its order.
  template <class Self, class Visit>
  static void each_field(Self& self, const Visit& visit);
  bool sound() const;

  std::array<Coding, kCodings> coding_;
  float low_ = 0, high_ = 0, mean_ = 0, variance_ = 0;
  std::uint32_t seen_ = 0;
  bool held_ = false;
  std::array<Scale, kShapeScales> scales_;
};

}  // namespace hostmedic::detect
