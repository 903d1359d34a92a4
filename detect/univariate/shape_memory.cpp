// SPDX-License-Identifier: Apache-2.0
#include "detect/univariate/shape_memory.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace hostmedic::detect {

namespace {

constexpr int kStraight = 0;
constexpr int kBent = 1;
constexpr int kTop = 255;                  // codes are 0..kTop
constexpr unsigned kSame = 20;             // of kTop, 8 %: nearer than this is the same
constexpr int kStandsOut = 25;             // of kTop, 10 %: an extreme this far from the mean speaks for its block
constexpr float kBend = 2.4F;              // standard deviations around the mean take half of the bent scale
constexpr float kMargin = 0.0625F;         // of the width: a coding moves in steps this large, not by rounding errors
constexpr std::uint32_t kForget = 4000;    // samples that make mean and variance
constexpr float kUnseen = 0.2F;            // of a look: what was never seen is not impossible
constexpr float kMost = 1e18F;             // squares of it are still numbers
constexpr double kShortestSeconds = 30;    // of the shortest block,
constexpr std::uint32_t kFewest = 4;       // which has at least so many samples;
constexpr float kQuietBlocks = 1.5F;       // of the longest, which must not tell late what a short one told
constexpr std::uint32_t kScaleFactor = 4;  // each further one is so much longer

unsigned beyond(std::uint8_t a, std::uint8_t b) {
  const auto apart = static_cast<unsigned>(std::abs(int{a} - int{b}));
  return apart > kSame ? apart - kSame : 0;
}

std::uint8_t byte_of(float share) {
  return static_cast<std::uint8_t>(std::clamp(share * kTop + 0.5F, 0.0F, static_cast<float>(kTop)));
}

}  // namespace

ShapePlan::ShapePlan(Duration interval) {
  const double wanted = kShortestSeconds / std::max(1e-3, to_seconds(interval));
  std::uint32_t length = std::max(kFewest, static_cast<std::uint32_t>(wanted));
  for (int i = 0; i < kShapeScales; ++i, length *= kScaleFactor) {
    samples[i] = length;
    fade[i] = 1 - 1 / static_cast<float>(length);
    quiet = kQuietBlocks * static_cast<float>(length);
  }
}

float ShapeMemory::Tail::surprise(unsigned distance, std::uint16_t looks) {
  if (distance == 0) return 0;
  const auto grade = std::min<unsigned>(std::bit_width(distance) - 1U, kGrades - 1);
  const float as_new = static_cast<float>(seen[grade]) + kUnseen;
  for (unsigned i = 0; i <= grade; ++i) ++seen[i];
  return std::max(0.0F, -std::log(as_new / (static_cast<float>(looks) + kUnseen)));
}
void ShapeMemory::Tail::halve() {
  for (std::uint16_t& count : seen) count /= 2;
}

// Both distances in half codes.
unsigned ShapeMemory::Singles::distance(std::uint8_t now) const {
  unsigned nearest = std::numeric_limits<unsigned>::max();
  for (int i = 0; i < used; ++i) nearest = std::min(nearest, beyond(code[i], now));
  return used > 0 ? 2 * nearest : 0;
}
void ShapeMemory::Singles::keep(std::uint8_t now) {
  if (used < kSingles) code[used++] = now;
}
unsigned ShapeMemory::Pairs::distance(std::uint8_t before_now, std::uint8_t now) {
  unsigned nearest = std::numeric_limits<unsigned>::max();
  int which = 0;
  for (int i = 0; i < used; ++i) {
    const unsigned apart = beyond(before[i], before_now) + beyond(code[i], now);
    if (apart < nearest) nearest = apart, which = i;
  }
  if (used == 0) return 0;
  if (nearest == 0 && ++met[which] == std::numeric_limits<std::uint8_t>::max())
    for (std::uint8_t& count : met) count /= 2;
  return nearest;
}
// Takes the place of the one least often met, the oldest of such: what is usual stays, an oddity makes room for the
// next and is new again after a while.
void ShapeMemory::Pairs::keep(std::uint8_t before_now, std::uint8_t now) {
  int place = used;
  if (used < kPairs) {
    ++used;
  } else {
    place = static_cast<int>(std::ranges::min_element(met) - met.begin());
    // The rest moves up, so that the order is that of age.
    std::shift_left(before.begin() + place, before.end(), 1);
    std::shift_left(code.begin() + place, code.end(), 1);
    std::shift_left(met.begin() + place, met.end(), 1);
    place = kPairs - 1;
  }
  before[place] = before_now;
  code[place] = now;
  met[place] = 1;
}

std::uint8_t ShapeMemory::encode(int view, float value) const {
  const float apart = (value - coding_[view].origin) / coding_[view].width;
  return byte_of(view == kStraight ? apart : 0.5F + 0.5F * apart / (1 + std::abs(apart)));
}
float ShapeMemory::decode(int view, std::uint8_t code) const {
  float share = static_cast<float>(code) / kTop;
  if (view == kBent) {
    const float bent = std::clamp(2 * share - 1, -0.998F, 0.998F);
    share = bent / (1 - std::abs(bent));
  }
  return coding_[view].origin + share * coding_[view].width;
}

void ShapeMemory::recode(int view, Coding next) {
  const Coding old = coding_[view];
  std::array<std::uint8_t, kTop + 1> table{};
  if (old.width > 0) {
    std::array<float, kTop + 1> values{};
    for (int i = 0; i <= kTop; ++i) values[i] = decode(view, static_cast<std::uint8_t>(i));
    coding_[view] = next;
    for (int i = 0; i <= kTop; ++i) table[i] = encode(view, values[i]);
  }
  coding_[view] = next;
  for (Scale& scale : scales_) {
    for (int i = view; i < kViews; i += kCodings) {
      View& seen = scale.views[i];
      seen.last = table[seen.last];
      for (std::uint8_t& code : seen.singles.code) code = table[code];
      for (std::uint8_t& code : seen.pairs.before) code = table[code];
      for (std::uint8_t& code : seen.pairs.code) code = table[code];
    }
  }
}

void ShapeMemory::learn_range(float value) {
  if (seen_ == 0) low_ = high_ = mean_ = value;
  low_ = std::min(low_, value);
  high_ = std::max(high_, value);
  seen_ = std::min(seen_ + 1, kForget);
  const float off = value - mean_, a = 1 / static_cast<float>(seen_ + 1);
  mean_ += a * off;
  variance_ = (1 - a) * (variance_ + a * off * off);
  const float range = high_ - low_;
  if (!(range > 0)) return;

  const Coding straight = coding_[kStraight];
  const float top = straight.origin + straight.width;
  if (!(straight.width > 0)) {
    recode(kStraight, {low_, range});
  } else if (low_ < straight.origin || high_ > top) {
    const float from = low_ < straight.origin ? low_ - kMargin * range : straight.origin;
    const float to = high_ > top ? high_ + kMargin * range : top;
    recode(kStraight, {from, to - from});
  }
  const Coding bent = coding_[kBent];
  const float width = std::max(kBend * std::sqrt(variance_), 1e-4F * range);
  const bool moved = std::abs(mean_ - bent.origin) > kMargin * bent.width;
  if (moved || width > bent.width * (1 + kMargin) || width < bent.width * (1 - kMargin)) recode(kBent, {mean_, width});
}

float ShapeMemory::look(Scale& scale, View& view, std::uint8_t now) {
  const unsigned single = view.singles.distance(now);
  const unsigned pair = scale.has_last ? view.pairs.distance(view.last, now) : 0;
  const float evidence = view.singles.tail.surprise(single, scale.looks) + view.pairs.tail.surprise(pair, scale.looks);
  if (!held_) {
    if (single > 0 || view.singles.used == 0) view.singles.keep(now);
    if (scale.has_last && (pair > 0 || view.pairs.used == 0)) view.pairs.keep(view.last, now);
  }
  view.last = now;
  return evidence;
}

// A whole block lies in the scale.
float ShapeMemory::look(Scale& scale, std::uint32_t samples) {
  const float mean = scale.sum / static_cast<float>(samples);
  float evidence = 0;
  for (int i = 0; i < kCodings; ++i) {
    const std::uint8_t middle = encode(i, mean), top = encode(i, scale.high), bottom = encode(i, scale.low);
    const int up = top - middle, down = middle - bottom;
    const std::uint8_t spoken = std::max(up, down) <= kStandsOut ? middle : up >= down ? top : bottom;
    evidence += look(scale, scale.views[i], middle) + look(scale, scale.views[i + kCodings], spoken);
  }
  scale.has_last = true;
  if (++scale.looks == std::numeric_limits<std::uint16_t>::max()) {
    scale.looks /= 2;
    for (View& view : scale.views) view.singles.tail.halve(), view.pairs.tail.halve();
  }
  return evidence / (2 * kViews);
}

float ShapeMemory::step(const ShapePlan& plan, float value) {
  float evidence = 0;
  const bool known = std::isfinite(value);
  if (known) value = std::clamp(value, -kMost, kMost);
  if (known) learn_range(value);
  for (int i = 0; i < kShapeScales; ++i) {
    Scale& scale = scales_[i];
    scale.evidence *= plan.fade[i];
    if (known) {
      scale.low = scale.count == 0 ? value : std::min(scale.low, value);
      scale.high = scale.count == 0 ? value : std::max(scale.high, value);
      scale.sum = scale.count == 0 ? value : scale.sum + value;
      if (++scale.count >= plan.samples[i]) {
        if (coding_[kStraight].width > 0) scale.evidence = look(scale, scale.count);
        scale.count = 0;
      }
    }
    evidence += scale.evidence;
  }
  return evidence / kShapeScales;
}

template <class Self, class Visit>
void ShapeMemory::each_field(Self& self, const Visit& visit) {
  for (auto& coding : self.coding_) visit(coding.origin), visit(coding.width);
  visit(self.low_), visit(self.high_), visit(self.mean_), visit(self.variance_), visit(self.seen_);
  for (auto& scale : self.scales_) {
    visit(scale.sum), visit(scale.low), visit(scale.high), visit(scale.evidence);
    visit(scale.count), visit(scale.looks), visit(scale.has_last);
    for (auto& view : scale.views) {
      visit(view.last);
      for (auto& code : view.singles.code) visit(code);
      visit(view.singles.used);
      for (auto& seen : view.singles.tail.seen) visit(seen);
      for (auto& code : view.pairs.before) visit(code);
      for (auto& code : view.pairs.code) visit(code);
      for (auto& met : view.pairs.met) visit(met);
      visit(view.pairs.used);
      for (auto& seen : view.pairs.tail.seen) visit(seen);
    }
  }
}

bool ShapeMemory::sound() const {
  return std::ranges::all_of(scales_,
                             [](const Scale& scale) {
                               return scale.evidence >= 0 && std::ranges::all_of(scale.views, [](const View& view) {
                                        return view.singles.used <= kSingles && view.pairs.used <= kPairs;
                                      });
                             }) &&
         std::ranges::all_of(coding_, [](const Coding& coding) { return coding.width >= 0; });
}

void ShapeMemory::save(StateWriter& writer) const {
  each_field(*this, [&](const auto& field) { writer.put(field); });
}
bool ShapeMemory::load(StateReader& reader) {
  each_field(*this, [&]<class Field>(Field& field) { field = reader.get<Field>(); });
  if (reader.good() && sound()) return true;
  *this = {};
  return false;
}

void ShapeMemory::save_whole(StateWriter& writer) const {
  save(writer);
  writer.put(held_);
}
void ShapeMemory::load_whole(StateReader& reader) {
  if (!load(reader)) reader.fail();
  held_ = reader.get<bool>();
}

}  // namespace hostmedic::detect
