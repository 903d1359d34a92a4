// SPDX-License-Identifier: Apache-2.0
#include "detect/correlate/feedback_bias.h"

#include <algorithm>
#include <cmath>

#include "agent/base/text.h"

namespace hostmedic::detect {

void FeedbackBias::set(const std::vector<Feedback>& all) {
  words_.clear();
  for (const Feedback& one : all)
    for (const std::string& rule : one.rules) {
      Words& words = words_[{one.root, rule}];
      ++(one.real ? words.real : words.none);
    }
}

const FeedbackBias::Words* FeedbackBias::find(std::string_view rule, const Entity& root) const {
  if (words_.empty()) return nullptr;
  const auto found = words_.find({root, std::string(rule)});
  return found == words_.end() ? nullptr : &found->second;
}

double FeedbackBias::moved(double probability, std::string_view rule, const Entity& root) const {
  constexpr double kNone = -1, kReal = 0.5, kLeast = -3, kMost = 1;
  const Words* words = find(rule, root);
  if (words == nullptr || probability <= 0 || probability >= 1) return probability;
  const double shift = std::clamp(words->none * kNone + words->real * kReal, kLeast, kMost);
  const double odds = probability / (1 - probability) * std::exp(shift);
  return odds / (1 + odds);
}

std::string FeedbackBias::text(std::string_view rule, const Entity& root) const {
  const Words* words = find(rule, root);
  if (words == nullptr) return {};
  return strf("%u said to be real, %u to be none", words->real, words->none);
}

}  // namespace hostmedic::detect
