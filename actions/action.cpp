// SPDX-License-Identifier: Apache-2.0
#include "actions/action.h"

#include "agent/base/text.h"

namespace hostmedic {
namespace {

template <class Enum, std::size_t N>
std::optional<Enum> enum_from(std::string_view text, const Enum (&values)[N]) {
  for (const Enum value : values)
    if (to_string(value) == text) return value;
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Tier tier) {
  switch (tier) {
    case Tier::observe: return "observe";
    case Tier::suggest: return "suggest";
    case Tier::approve: return "approve";
    case Tier::automatic: return "auto";
  }
  return "?";  // uncovered: every enumerator has returned above
}

std::optional<Tier> tier_from(std::string_view text) {
  return enum_from(text, {Tier::observe, Tier::suggest, Tier::approve, Tier::automatic});
}

std::string_view to_string(Decision decision) {
  switch (decision) {
    case Decision::allow: return "allow";
    case Decision::hold: return "hold";
    case Decision::deny: return "deny";
  }
  return "?";  // uncovered: every enumerator has returned above
}

std::string_view to_string(OutcomeResult result) {
  switch (result) {
    case OutcomeResult::done: return "done";
    case OutcomeResult::failed: return "failed";
    case OutcomeResult::refused: return "refused";
    case OutcomeResult::unnecessary: return "unnecessary";
    case OutcomeResult::timed_out: return "timed_out";
    case OutcomeResult::interrupted: return "interrupted";
    case OutcomeResult::expired: return "expired";
  }
  return "?";  // uncovered: every enumerator has returned above
}

std::optional<OutcomeResult> outcome_result_from(std::string_view text) {
  using enum OutcomeResult;
  return enum_from(text, {done, failed, refused, unnecessary, timed_out, interrupted, expired});
}

std::string to_string(EntityKinds set) {
  std::string text;
  for (int i = 0; i < kEntityKindCount; ++i) {
    const auto kind = static_cast<EntityKind>(i);
    if (!has(set, kind)) continue;
    if (!text.empty()) text += ", ";
    text += to_string(kind);
  }
  return text;
}

std::string_view Plan::get(std::string_view key) const {
  for (const Attribute& parameter : parameters)
    if (parameter.key == key) return parameter.value;
  return {};
}

std::string Verdict::summary() const {
  if (decision == Decision::allow) return strf("allowed by %zu rules", answers.size());
  std::string text = decision == Decision::deny ? "denied by " : "held by ";
  bool first = true;
  for (const RuleAnswer& answer : answers) {
    if (answer.decision != decision) continue;
    if (!first) text += "; by ";
    first = false;
    text += answer.rule + ": " + answer.reason;
  }
  return text;
}

}  // namespace hostmedic
