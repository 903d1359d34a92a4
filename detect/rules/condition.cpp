// SPDX-License-Identifier: Apache-2.0
#include "detect/rules/condition.h"

#include <algorithm>

#include "agent/base/text.h"
#include "detect/rules/condition_parser.h"

namespace hostmedic::detect {

namespace {

// The value of an attribute in "k=v,k=v"; nullopt: it has none of that name.
std::optional<std::string_view> attribute(std::string_view attributes, std::string_view key) {
  while (!attributes.empty()) {
    const std::string_view pair = attributes.substr(0, attributes.find(','));
    attributes.remove_prefix(std::min(attributes.size(), pair.size() + 1));
    if (pair.size() > key.size() && pair.starts_with(key) && pair[key.size()] == '=')
      return pair.substr(key.size() + 1);
  }
  return std::nullopt;
}

}  // namespace

bool SeriesRef::matches(std::string_view name, std::string_view attributes) const {
  if (name != metric) return false;
  if (bare) return attributes.empty();
  return std::ranges::all_of(selectors, [&](const Selector& selector) {
    const auto value = attribute(attributes, selector.key);
    return (value && glob_match(selector.pattern, *value)) == selector.equal;
  });
}

bool Condition::about_itself() const {
  return std::ranges::any_of(refs, [](const SeriesRef& ref) { return ref.entity.empty(); });
}

ParsedCondition parse_condition(std::string_view text) {
  ParsedCondition parsed;
  if (text.size() > kMostConditionText) {
    parsed.fault = {kMostConditionText, 1, strf("longer than %zu bytes", kMostConditionText)};
    return parsed;
  }
  Condition condition;
  condition.text = text;
  condition.root = ConditionParser(text, condition, parsed.fault).whole();
  if (condition.root < 0) return parsed;
  if (condition.refs.empty()) {
    parsed.fault = {0, std::max<std::size_t>(1, text.size()), "it looks at no series"};
    return parsed;
  }
  parsed.condition = std::move(condition);
  return parsed;
}

std::string show_fault(std::string_view text, const ConditionFault& fault) {
  constexpr std::size_t kBefore = 60, kWidth = 100;
  const std::size_t at = std::min(fault.at, text.size());
  const std::size_t line_begin = at == 0 ? 0 : text.find_last_of('\n', at - 1) + 1;
  const std::size_t begin = std::max(line_begin, at > kBefore ? at - kBefore : 0);
  const std::size_t end = std::min({text.size(), begin + kWidth, text.find('\n', at)});
  const std::size_t length = std::clamp<std::size_t>(fault.length, 1, std::max<std::size_t>(1, end - at));
  const std::string line = printable(text.substr(begin, end - begin), kWidth + 3);
  return line + "\n" + std::string(at - begin, ' ') + "^" + std::string(length - 1, '~') + " " + fault.message;
}

}  // namespace hostmedic::detect
