// SPDX-License-Identifier: Apache-2.0
#include "detect/survey.h"

#include <algorithm>
#include <cmath>

#include "agent/base/text.h"
#include "detect/correlate/explain.h"
#include "detect/feature/rate.h"

namespace hostmedic::detect {

namespace {

// Entities that are judged by themselves; what belongs to any other kind is judged with the whole host.
constexpr bool stands_alone(EntityKind kind) {
  return kind == EntityKind::service || kind == EntityKind::container || kind == EntityKind::endpoint;
}

// A part of the host is named as the root when it has at least this share of the evidence.
constexpr float kMainShare = 0.5F;

std::string key_of(const SeriesDef& def, const Entity& entity) {
  return to_string(entity) + '|' + def.name + '|' + def.attributes;
}

}  // namespace

std::vector<SignalRule> Survey::signal_rules(Duration quiet_after) {
  std::vector<SignalRule> rules;
  for (int kind = 0; kind < kEntityKindCount; ++kind) {
    const std::string name(to_string(static_cast<EntityKind>(kind)));
    rules.push_back({.id = name + "-unusual",
                     .source = "statistics",
                     .incident_kind = name + ".unusual",
                     .detector = {},
                     .severity = Severity::info,
                     .proof = false,
                     .opens = true,
                     .quiet_after = quiet_after,
                     .expires = std::chrono::minutes(5),
                     .open_after = {},
                     .of_all = true});
  }
  return rules;
}

Result<std::unique_ptr<Survey>> Survey::make(const ScorerConfig& config) {
  auto scorer = Scorer::make(config);
  if (!scorer) return std::move(scorer).error();
  return std::unique_ptr<Survey>(new Survey(*std::move(scorer), config));
}

Survey::Group* Survey::group_of(const Entity& entity) {
  const Entity owner = stands_alone(entity.kind) ? entity : Entity{};
  const auto [found, made] = groups_.try_emplace(owner, interval_);
  Group& group = found->second;
  if (!made) return &group;
  group.entity = owner;
  group.slot = scorer_->add_group(fnv1a(to_string(owner)));
  const auto known = remembered_groups_.find(to_string(owner));
  if (known != remembered_groups_.end()) {
    StateReader reader(known->second);
    (void)scorer_->load_group(group.slot, reader);  // else it learns anew
    remembered_groups_.erase(known);
  }
  return &group;
}

void Survey::bind(const SeriesDef& def, const Entity& entity) {
  if (entity.kind == EntityKind::agent) return;  // what the agent costs is the governor's matter
  const std::size_t index = static_cast<std::size_t>(def.id);
  unbind(def.id);
  std::string key = key_of(def, entity);
  auto row = watched_.find(key);
  if (row == watched_.end()) {
    Group* group = group_of(entity);
    const auto slot = scorer_->add(group->slot, def.unit, def.instrument);
    if (!slot) {
      ++refused_;
      return;
    }
    ++group->series;
    const auto known = remembered_.find(key);
    if (known != remembered_.end()) {
      StateReader reader(known->second);
      (void)scorer_->load(*slot, reader);  // else it learns anew
      remembered_.erase(known);
    }
    const std::string metric = def.attributes.empty() ? def.name : def.name + '{' + def.attributes + '}';
    row = watched_
              .emplace(std::move(key),
                       Watched{*slot, group->slot, {}, {}, to_string(entity), metric, def.unit, def.instrument})
              .first;
    place(row->second);
  }
  row->second.bound = def.id;
  if (slots_.size() <= index) slots_.resize(index + 1);
  slots_[index] = row->second.slot;
}

void Survey::place(Watched& watched) {
  if (by_slot_.size() <= watched.slot) by_slot_.resize(watched.slot + 1), feeds_.resize(watched.slot + 1);
  by_slot_[watched.slot] = &watched;
  feeds_[watched.slot] = {0, 0, now_};
  if (watched.bound) slots_[static_cast<std::size_t>(*watched.bound)] = watched.slot;
}

void Survey::unbind(SeriesId id) {
  const auto index = static_cast<std::size_t>(id);
  if (index >= slots_.size() || !slots_[index]) return;
  Watched* watched = by_slot_[*slots_[index]];
  slots_[index].reset();
  // A series that is told under a second id goes on under that one.
  if (watched == nullptr || watched->bound != id) return;
  watched->bound.reset();
  watched->unbound_at = now_;
}

void Survey::restart() {
  for (std::size_t i = 0; i < slots_.size(); ++i) unbind(SeriesId{static_cast<std::uint32_t>(i)});
}

void Survey::release(std::map<std::string, Watched>::iterator row) {
  const auto group =
      std::ranges::find_if(groups_, [&](const auto& each) { return each.second.slot == row->second.group; });
  scorer_->remove(row->second.slot);
  by_slot_[row->second.slot] = nullptr;
  watched_.erase(row);
  if (--group->second.series > 0 || group->second.suspected) return;
  scorer_->remove_group(group->second.slot);
  groups_.erase(group);
}

void Survey::forget_unbound() {
  for (auto row = watched_.begin(); row != watched_.end();) {
    const auto next = std::next(row);
    if (!row->second.bound && now_ - row->second.unbound_at > kKept) release(row);
    row = next;
  }
}

void Survey::step(const HostView& host, CaseBook& book, LearningHolds& holds, std::uint32_t first_rule) {
  const MonoTime now = now_;
  // A frame that was woken by an event comes between two ticks; half an interval tells them apart.
  if (!fresh_ || (stepped_ && now - *stepped_ < interval_ / 2)) return;
  fresh_ = false;
  const bool minute = stepped_ && now.time_since_epoch() / std::chrono::minutes(1) !=
                                      stepped_->time_since_epoch() / std::chrono::minutes(1);
  stepped_ = now;
  wall_ = host.wall();
  if (!started_) started_ = now;
  scorer_->step(now, host.wall());
  // A quiet week does not save up for a stormy day.
  budget_ = std::min(std::max(1.0, wanted_), budget_ + wanted_ * to_seconds(interval_) / 86400);
  for (auto& [entity, group] : groups_) judge(group, book, holds, first_rule);
  if (!minute) return;
  forget_unbound();
  if (now - *started_ > kKept) remembered_.clear(), remembered_groups_.clear();
}

void Survey::judge(Group& group, CaseBook& book, LearningHolds& holds, std::uint32_t first_rule) {
  const bool held = book.treated(group.entity) || holds.cover(group.entity);
  if (held != group.held) scorer_->hold(group.slot, held);
  group.held = held;
  const GroupScore& score = scorer_->group(group.slot);
  note(group, score);
  if (score.suspicious && !group.suspected && budget_ < 1) {
    withheld_ += group.withheld ? 0 : 1;
    group.withheld = true;
    return;
  }
  group.withheld = false;
  if (score.suspicious) {
    if (!group.suspected) group.suspected = root_of(group, score), budget_ -= 1;
    const auto rule = first_rule + static_cast<std::uint32_t>(group.suspected->kind);
    book.tell(rule, *group.suspected, evidence(group, score), finding(score));
  } else if (group.suspected) {
    book.clear_event(first_rule + static_cast<std::uint32_t>(group.suspected->kind), *group.suspected);
    group.suspected.reset();
  }
}

// What the group's own health is told by.
void Survey::note(Group& group, const GroupScore& score) {
  constexpr double kForget = 14;    // days: older suspicions count half
  constexpr float kWorthy = 0.05F;  // of a threshold: less is no change
  if (!score.learning) {
    group.drift.add(static_cast<double>(score.page));
    group.days += to_seconds(interval_) / 86400;
  }
  if (score.suspicious && !group.suspected && !group.withheld) group.suspicions += 1;
  if (group.days > kForget) group.days /= 2, group.suspicions /= 2;
  if (std::abs(score.threshold - group.threshold) <= kWorthy * group.threshold) return;
  thresholds_.add({wall_, to_string(group.entity), static_cast<double>(group.threshold),
                   static_cast<double>(score.threshold),
                   group.threshold == 0 ? strf("first set, for at most %g suspicions a day", wanted_)
                                        : strf("%.2g suspicions a day, wanted at most %g",
                                               group.days > 0 ? group.suspicions / group.days : 0, wanted_)});
  group.threshold = score.threshold;
}

std::vector<GroupHealth> Survey::groups() const {
  std::map<GroupSlot, GroupHealth> found;
  std::map<GroupSlot, std::pair<double, double>> readings;  // all, failed
  for (const auto& [entity, group] : groups_) {
    GroupHealth& health = found[group.slot];
    health.entity = entity;
    health.series = group.series;
    health.score = scorer_->group(group.slot);
    health.held = group.held;
    health.drift_known = group.drift.known();
    health.psi = group.drift.psi();
    health.ks = group.drift.ks();
    health.suspicions_a_day = group.days > 0 ? group.suspicions / group.days : 0;
  }
  for (const auto& [key, row] : watched_) {
    const Feed& feed = feeds_[row.slot];
    readings[row.group].first += feed.readings;
    readings[row.group].second += feed.failed;
    if (now_ - feed.last > kStale) ++found[row.group].stale;
  }
  std::vector<GroupHealth> all;
  for (auto& [slot, health] : found) {
    const auto& [readings_of, failed] = readings[slot];
    if (readings_of > 0) health.complete = 1 - failed / readings_of;
    all.push_back(std::move(health));
  }
  return all;
}

void Survey::proved(const Entity& entity) {
  const auto group = groups_.find(stands_alone(entity.kind) ? entity : Entity{});
  if (group != groups_.end()) scorer_->proved(group->second.slot);
}

std::size_t Survey::relearn(std::string_view entity_pattern) {
  std::size_t matched = 0;
  for (auto& [entity, group] : groups_) {
    if (!glob_match(entity_pattern, to_string(entity))) continue;
    ++matched;
    std::vector<Watched*> members;
    for (auto& [key, row] : watched_)
      if (row.group == group.slot) members.push_back(&row);
    for (const Watched* member : members) {
      by_slot_[member->slot] = nullptr;
      scorer_->remove(member->slot);
    }
    scorer_->remove_group(group.slot);
    group.slot = scorer_->add_group(fnv1a(to_string(entity)));
    group.drift = make_drift(interval_);
    for (Watched* member : members) {
      member->group = group.slot;
      member->slot = *scorer_->add(group.slot, member->unit, member->instrument);  // as many as were just removed
      place(*member);
    }
  }
  return matched;
}

Finding Survey::finding(const GroupScore& score) const {
  Finding finding;
  finding.state = State::firing;
  finding.score = score.page;
  finding.probability = score.probability;
  finding.direction = score.contributions > 0 ? score.top[0].direction : Direction::none;
  finding.since = *stepped_;
  return finding;
}

// The host itself, unless one part of it explains most.
Entity Survey::root_of(const Group& group, const GroupScore& score) const {
  if (stands_alone(group.entity.kind) || score.contributions == 0) return group.entity;
  std::map<std::string_view, float> shares;
  for (std::size_t i = 0; i < score.contributions; ++i)
    if (const Watched* watched = by_slot_[score.top[i].series]) shares[watched->entity_text] += score.top[i].share;
  for (const auto& [name, share] : shares)
    if (share >= kMainShare) return entity_from(name).value_or(group.entity);
  return group.entity;
}

std::string Survey::evidence(const Group& group, const GroupScore& score) const {
  std::string text = to_string(group.entity) + " is not as usual: ";
  for (std::size_t i = 0; i < score.contributions; ++i) {
    const Contribution& part = score.top[i];
    const Watched* watched = by_slot_[part.series];
    if (watched == nullptr) continue;
    const Unit unit = watched->instrument == Instrument::counter ? rate_unit(watched->unit) : watched->unit;
    if (i > 0) text += "; ";
    if (watched->entity_text != to_string(group.entity)) text += watched->entity_text + ' ';
    text += watched->metric + ' ' + format_value(part.value, unit) + ", usually " + format_value(part.expected, unit) +
            " (" + std::string(to_string(part.aspect)) + strf(", %.0f%%)", 100 * static_cast<double>(part.share));
  }
  return text;
}

std::size_t Survey::bytes_used() const {
  std::size_t bytes = sizeof *this + scorer_->bytes_used() + slots_.capacity() * sizeof slots_[0] +
                      by_slot_.capacity() * sizeof by_slot_[0] + groups_.size() * sizeof(Group);
  for (const auto& [key, row] : watched_)
    bytes += sizeof row + key.capacity() + row.entity_text.capacity() + row.metric.capacity();
  for (const auto& [key, state] : remembered_) bytes += key.capacity() + state.capacity();
  return bytes;
}

void Survey::save(StateWriter& writer) const {
  writer.put(static_cast<std::uint32_t>(watched_.size()));
  for (const auto& [key, row] : watched_) {
    StateWriter state;
    scorer_->save(row.slot, state);
    writer.put_text(key);
    writer.put_text(state.bytes());
  }
  scorer_->save_models(writer);
  writer.put(static_cast<std::uint32_t>(groups_.size()));
  for (const auto& [entity, group] : groups_) {
    StateWriter state;
    scorer_->save_group(group.slot, state);
    writer.put_text(to_string(entity));
    writer.put_text(state.bytes());
  }
}

bool Survey::load(StateReader& reader) {
  constexpr std::uint32_t kMostKey = 1024, kMostState = 1 << 20;
  const auto read = [&](std::map<std::string, std::string>& ret_states, std::uint32_t most) {
    for (std::uint32_t left = reader.get_count(most); left > 0 && reader.good(); --left) {
      std::string key = reader.get_text(kMostKey);
      ret_states[std::move(key)] = reader.get_text(kMostState);
    }
  };
  read(remembered_, kMostSeries);
  (void)scorer_->load_models(reader);  // else they are tried from the beginning
  read(remembered_groups_, kMostEntities);
  if (reader.good()) return true;
  remembered_.clear();
  remembered_groups_.clear();
  return false;
}

}  // namespace hostmedic::detect
