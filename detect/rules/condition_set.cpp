// SPDX-License-Identifier: Apache-2.0
#include "detect/rules/condition_set.h"

#include <algorithm>

#include "agent/base/text.h"

namespace hostmedic::detect {

namespace {

constexpr std::size_t kMostEvidence = 1000;
constexpr Duration kExplainEvery = std::chrono::seconds(1);

Error rule_error(const ConditionRule& rule, const std::string& text) {
  return make_error(ErrorCode::malformed, "rule '" + rule.id + "': " + text);
}

// Whether a name with an entity of its own, "x@host", may stand for the series.
bool named_elsewhere(const Condition& condition, const SeriesDef& def) {
  return std::ranges::any_of(condition.refs, [&](const SeriesRef& ref) {
    return !ref.entity.empty() && ref.matches(def.name, def.attributes);
  });
}
bool named_here(const Condition& condition, const SeriesDef& def) {
  return std::ranges::any_of(condition.refs, [&](const SeriesRef& ref) {
    return ref.entity.empty() && ref.matches(def.name, def.attributes);
  });
}

}  // namespace

Result<ConditionSet> ConditionSet::make(const std::vector<ConditionRule>& rules, std::string stage) {
  ConditionSet set;
  set.stage_ = std::move(stage);
  for (const ConditionRule& rule : rules) {
    if (!(rule.probability >= 0 && rule.probability <= 1)) return rule_error(rule, "the probability is outside 0..1");
    if (rule.opens && rule.incident_kind.empty()) return rule_error(rule, "it opens incidents of no kind");
    ParsedCondition parsed = parse_condition(rule.when);
    if (!parsed.condition)
      return rule_error(rule, strf("when: column %zu: ", parsed.fault.at + 1) + parsed.fault.message);
    if (!rule.enabled) continue;
    auto program = std::make_unique<Program>(Program{rule, *std::move(parsed.condition), false});
    program->about_itself = program->condition.about_itself();
    for (const SeriesRef& ref : program->condition.refs) {
      std::vector<std::uint32_t>& naming = set.by_metric_[ref.metric];
      const auto number = static_cast<std::uint32_t>(set.programs_.size());
      if (naming.empty() || naming.back() != number) naming.push_back(number);
    }
    set.programs_.push_back(std::move(program));
  }
  return set;
}

std::vector<SignalRule> ConditionSet::signal_rules(Duration quiet_after) const {
  std::vector<SignalRule> rules;
  for (const auto& program : programs_)
    rules.push_back({.id = program->rule.id,
                     .source = program->condition.refs.front().metric,
                     .incident_kind = program->rule.incident_kind,
                     .detector = std::string(kConditionDetector),
                     .severity = program->rule.severity,
                     .proof = program->rule.proof,
                     .opens = program->rule.opens,
                     .quiet_after = quiet_after,
                     .expires = {},
                     .open_after = {}});
  return rules;
}

void ConditionSet::restart() {
  feeds_.clear();
  due_.clear();
  shared_.clear();
  bound_.clear();
}

void ConditionSet::forget_series(EntityId id) {
  std::erase_if(shared_, [&](const auto& one) { return one.second.first.entity == id; });
  for (std::size_t i = 0; i < feeds_.size(); ++i) {
    Feed& feed = feeds_[i];
    if (feed.entity != id || feed.to.empty()) continue;
    const SeriesId series{static_cast<std::uint32_t>(i)};
    for (const auto& [bound, wakes] : feed.to) bound->condition.remove(series);
    feed.to.clear();
  }
}

void ConditionSet::retire(EntityId id, const Entity& entity) {
  forget_series(id);
  std::vector<std::unique_ptr<Bound>> gone;
  for (std::uint32_t i = 0; i < programs_.size(); ++i) {
    const auto known = bound_.find({i, entity});
    if (known == bound_.end() || !programs_[i]->about_itself) continue;
    gone.push_back(std::move(known->second));
    bound_.erase(known);
  }
  if (gone.empty()) return;
  // Series of others feed them too, and those of a second entity of the same name.
  const auto is_gone = [&](const Bound* bound) {
    return std::ranges::any_of(gone, [&](const auto& one) { return one.get() == bound; });
  };
  for (Feed& feed : feeds_) std::erase_if(feed.to, [&](const auto& to) { return is_gone(to.first); });
  std::erase_if(due_, is_gone);
}

ConditionSet::Bound* ConditionSet::bound_for(std::uint32_t number, const Entity& subject, CaseBook& book) {
  const auto known = bound_.find({number, subject});
  if (known != bound_.end()) return known->second.get();
  const Program& program = *programs_[number];
  if (!glob_match(program.rule.entity, to_string(subject))) return nullptr;
  if (bound_.size() >= kMostBound) {
    ++refused_;
    return nullptr;
  }
  auto& made = bound_[{number, subject}];
  made = std::make_unique<Bound>(program, number, subject, stage_);
  made->told = book.attach(first_ + number, subject, {});
  for (const auto& [id, series] : shared_) bind_to(*made, series.first, series.second);
  due_.reserve(bound_.size());
  return made.get();
}

void ConditionSet::bind_to(Bound& bound, const SeriesDef& def, const Entity& entity) {
  const Program& program = *programs_[bound.rule];
  const auto index = static_cast<std::size_t>(def.id);
  if (index >= feeds_.size()) feeds_.resize(index + 1);
  Feed& feed = feeds_[index];
  if (std::ranges::find(feed.to, &bound, &std::pair<Bound*, bool>::first) != feed.to.end()) return;
  if (!bound.condition.add(def, entity)) return;
  feed.entity = def.entity;
  // What others say is looked at when the entity itself says something.
  const bool own = entity == bound.condition.subject() && named_here(program.condition, def);
  feed.to.emplace_back(&bound, own || !program.about_itself);
}

void ConditionSet::bind(const SeriesDef& def, const Entity& entity, CaseBook& book) {
  const auto index = static_cast<std::size_t>(def.id);
  shared_.erase(def.id);
  if (index < feeds_.size()) {  // the id is used anew
    for (const auto& [bound, wakes] : feeds_[index].to) bound->condition.remove(def.id);
    feeds_[index] = {};
  }
  const auto naming = by_metric_.find(def.name);
  if (naming == by_metric_.end()) return;
  bool shared = false;
  for (const std::uint32_t i : naming->second) {
    const Program& program = *programs_[i];
    const bool elsewhere = named_elsewhere(program.condition, def);
    if (named_here(program.condition, def))
      if (Bound* const bound = bound_for(i, entity, book)) bind_to(*bound, def, entity);
    if (!elsewhere) continue;
    shared = shared || program.about_itself;
    if (!program.about_itself) {
      if (Bound* const bound = bound_for(i, {}, book)) bind_to(*bound, def, entity);
      continue;
    }
    for (auto it = bound_.lower_bound({i, Entity{}}); it != bound_.end() && it->first.first == i; ++it)
      bind_to(*it->second, def, entity);
  }
  if (shared) shared_.insert_or_assign(def.id, std::pair(def, entity));
}

void ConditionSet::feed(SeriesId series, const Reading& reading, bool shadow) {
  const auto index = static_cast<std::size_t>(series);
  if (index >= feeds_.size()) return;
  for (const auto& [bound, wakes] : feeds_[index].to) {
    bound->condition.feed(series, shadow ? Reading{reading.at, std::nullopt, reading.wall} : reading);
    bound->shadow = bound->shadow || shadow;
    if (!wakes || bound->due) continue;
    bound->due = true;
    due_.push_back(bound);
  }
}

void ConditionSet::judge(MonoTime now, WallTime wall, CaseBook& book) {
  for (Bound* const bound : due_) judge(*bound, now, wall, book);
  due_.clear();
}

void ConditionSet::judge(Bound& bound, MonoTime now, WallTime wall, CaseBook& book) {
  bound.due = false;
  const Truth truth = bound.condition.step(now, wall);
  const bool hushed = std::exchange(bound.shadow, false);
  if (truth == Truth::unknown && !hushed) return;  // what is expected ends what it began
  if (truth == Truth::yes) return fire(bound, now, book);
  bound.since.reset();
  bound.explained.reset();
  if (bound.told) bound.told = !book.quiet(first_ + bound.rule, bound.condition.subject(), {});
}

void ConditionSet::fire(Bound& bound, MonoTime now, CaseBook& book) {
  bound.told = true;
  if (!bound.since) bound.since = bound.condition.since().value_or(now);
  const std::uint32_t rule = first_ + bound.rule;
  const Entity& subject = bound.condition.subject();
  if (bound.explained && now - *bound.explained < kExplainEvery) return book.repeat(rule, subject);
  bound.explained = now;
  const BoundCondition::Witness witness = bound.condition.witness();
  const Finding finding{.state = State::firing,
                        .score = 0,
                        .probability = programs_[bound.rule]->rule.probability,
                        .expected = witness.limit,
                        .direction = witness.above ? Direction::above : Direction::below,
                        .reason = {},
                        .since = *bound.since};
  book.fire_condition(rule, subject, witness.unit, witness.value, finding,
                      printable(to_string(subject) + ": " + bound.condition.explain(), kMostEvidence));
}

std::size_t ConditionSet::bytes_used() const {
  std::size_t bytes = sizeof *this + feeds_.capacity() * sizeof(Feed);
  for (const Feed& feed : feeds_) bytes += feed.to.capacity() * sizeof feed.to[0];
  for (const auto& [key, bound] : bound_) bytes += sizeof *bound + bound->condition.bytes_used();
  return bytes;
}

}  // namespace hostmedic::detect
