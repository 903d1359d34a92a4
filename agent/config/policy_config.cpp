// SPDX-License-Identifier: Apache-2.0
#include "agent/config/policy_config.h"

#include <algorithm>

#include "actions/guard/busy.h"
#include "agent/config/files.h"
#include "agent/config/policy_keys.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostTables = 256;
constexpr Limits kShare{.least = 0, .most = 1};
constexpr Limits kCount{.least = 0, .most = 1000};
constexpr Limits kWindow{.least = 1, .most = 7 * 86400.0};
constexpr Limits kPause{.least = 0, .most = 86400};
constexpr Limits kPath{.form = Form::path};

#define FIELD(member) [](auto& policy) -> auto& { return policy.member; }
template <auto Field>
constexpr Key<guard::Policy> row(std::string_view name, Limits limits, std::string_view doc) {
  return key<guard::Policy, Field>("guard", name, limits, false, doc);
}

const Key<guard::Policy> kKeys[] = {
    row<FIELD(tier)>("tier", {}, "How far any runbook may go where no [[tier]] says otherwise."),
    row<FIELD(confidence_act)>("confidence_act", kShare, "So sure an incident must be to act without a human."),
    row<FIELD(confidence_reversible)>("confidence_reversible", kShare,
                                      "So sure for what is undone when it does not help; below, a human is asked."),
    row<FIELD(per_target.count)>("per_target_count", kCount, "At most so many actions on one target ..."),
    row<FIELD(per_target.window)>("per_target_window", kWindow, "... in this time."),
    row<FIELD(per_runbook.count)>("per_runbook_count", kCount, "At most so many actions by one runbook ..."),
    row<FIELD(per_runbook.window)>("per_runbook_window", kWindow, "... in this time."),
    row<FIELD(per_host.count)>("per_host_count", kCount, "At most so many actions on the host ..."),
    row<FIELD(per_host.window)>("per_host_window", kWindow, "... in this time."),
    row<FIELD(cooldown)>("cooldown", kPause,
                         "Pause between two actions on one target; doubles with each in the target's window."),
    row<FIELD(cooldown_most)>("cooldown_most", kPause, "The longest such pause."),
    row<FIELD(touched_most)>("touched_most", {.least = 1, .most = 1000}, "So many entities may feel one action."),
    row<FIELD(touched_share_most)>("touched_share_most", kShare,
                                   "And so large a share of their kind on the host; one entity is always allowed."),
    row<FIELD(boot_grace)>("boot_grace", kPause, "No action so soon after boot."),
    row<FIELD(crash_loop_restarts)>("crash_loop_restarts", {.least = 1, .most = 1000},
                                    "A service that was restarted so often, by anybody, ..."),
    row<FIELD(crash_loop_window)>("crash_loop_window", kWindow, "... in this time is not restarted again."),
    row<FIELD(protected_entities)>(
        "protected", {},
        "Patterns of entities that are never acted on, such as \"service:postgresql*\", beside the built-in list."),
    row<FIELD(storm_runbooks)>("storm_runbooks", {},
                               "Patterns of runbooks that may go on by themselves in a storm of anomalies."),
    row<FIELD(post_change)>("post_change", {}, "How far anything may go by itself on what was just changed."),
    row<FIELD(disarm_failures)>("disarm_failures", {.least = 1, .most = 1000}, "A runbook that failed so often ..."),
    row<FIELD(disarm_share)>("disarm_share", kShare, "... and in so large a share of its actions ..."),
    row<FIELD(disarm_window)>("disarm_window", kWindow, "... in this time is disarmed until a human arms it again."),
    row<FIELD(need_lease)>("need_lease", {},
                           "What could harm if all hosts of a fleet did it at once waits for the aggregator's leave; "
                           "after five minutes a human is told."),
    row<FIELD(never_block)>(
        "never_block", {},
        "Patterns of addresses and host names that are never blocked or cut off, beside this host's "
        "own: the aggregator's belong here."),
    row<FIELD(busy_processes)>("busy_processes", {},
                               "More names of processes that mean work which must not be disturbed, such as "
                               "\"backup:nightly-*\"."),
    row<FIELD(log_roots)>("log_roots", kPath, "The only directories below which logs are treated."),
    row<FIELD(clean_roots)>("clean_roots", kPath,
                            "The only directories below which files are removed for their age; none by default."),
};

const Key<guard::TierRule> kTierKeys[] = {
    key<guard::TierRule, FIELD(runbook)>("", "runbook", {}, false, "Pattern over the runbook's name."),
    key<guard::TierRule, FIELD(entity)>("", "entity", {}, false, "Pattern over the entity."),
    key<guard::TierRule, FIELD(tier)>("", "tier", {}, false, "How far it may go there."),
};

const Key<ExclusionText> kExclusionKeys[] = {
    key<ExclusionText, FIELD(name)>("", "name", {}, false, "For the verdict."),
    key<ExclusionText, FIELD(days)>("", "days", {.form = Form::weekday}, false, "Days on which it begins."),
    key<ExclusionText, FIELD(from)>("", "from", {.form = Form::clock}, false, "Begin, in UTC."),
    key<ExclusionText, FIELD(to)>("", "to", {.form = Form::clock}, false, "End, in UTC; before the begin: next day."),
    key<ExclusionText, FIELD(entity)>("", "entity", {}, false, "Pattern over the entity."),
};
#undef FIELD

void read_tiers(const Member& member, const Place& place, guard::Policy& policy) {
  // tier = "auto" at the top is the short form for everything.
  if (member.value.kind == Node::Kind::text) {
    if (auto wrong = read_value(member.value, {}, policy.tier)) place.error(wrong->at, "tier: " + wrong->message);
    return;
  }
  each_table(member, place, [&](const Node& table) {
    guard::TierRule rule;
    read_table<guard::TierRule>(table, "", tier_keys(), {}, place, rule);
    if (find_member(table, "tier") == nullptr) place.error(table.at, "a [[tier]] needs the key 'tier'");
    if (policy.tiers.size() == kMostTables) return place.error(table.at, "more than 256 [[tier]] tables");
    policy.tiers.push_back(std::move(rule));
  });
}

void read_exclusions(const Member& member, const Place& place, guard::Policy& policy) {
  constexpr std::string_view kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  each_table(member, place, [&](const Node& table) {
    ExclusionText text;
    read_table<ExclusionText>(table, "", exclusion_keys(), {}, place, text);
    if (text.name.empty()) place.error(table.at, "an [[exclusion]] needs the key 'name'");
    if (policy.exclusions.size() == kMostTables) return place.error(table.at, "more than 256 [[exclusion]] tables");
    guard::ExclusionWindow window{text.name, 0, clock_minutes(text.from), clock_minutes(text.to), text.entity};
    for (unsigned day = 0; day < std::size(kDays); ++day)
      if (std::find(text.days.begin(), text.days.end(), kDays[day]) != text.days.end()) window.days |= 1U << day;
    policy.exclusions.push_back(std::move(window));
  });
}

void apply(const Node& root, const std::string& file, Diagnostics& diagnostics, guard::Policy& policy) {
  const Place place{file, diagnostics};
  std::vector<Special> specials = {
      {"tier", [&](const Member& member) { read_tiers(member, place, policy); }},
      {"exclusion", [&](const Member& member) { read_exclusions(member, place, policy); }},
  };
  read_tables<guard::Policy>(root, policy_keys(), std::move(specials), place, policy);
  const Node* guard = find_member(root, "guard");
  const Node& near = guard == nullptr ? root : *guard;
  if (policy.confidence_reversible > policy.confidence_act)
    place.error(position_of(near, "confidence_reversible"), "confidence_reversible is above confidence_act");
  for (const std::string& entry : policy.busy_processes) {
    const std::size_t colon = entry.find(':');
    if (colon == std::string::npos || colon + 1 == entry.size() || !guard::is_busy_kind(entry.substr(0, colon)))
      place.error(position_of(near, "busy_processes"),
                  "'" + entry + "' is not a kind of work and the name of a process, such as \"backup:nightly-*\"");
  }
  if (policy.cooldown > policy.cooldown_most)
    place.error(position_of(near, "cooldown_most"), "cooldown_most is shorter than cooldown");
}

}  // namespace

std::span<const Key<guard::Policy>> policy_keys() { return kKeys; }
std::span<const Key<guard::TierRule>> tier_keys() { return kTierKeys; }
std::span<const Key<ExclusionText>> exclusion_keys() { return kExclusionKeys; }

Loaded<guard::Policy> parse_policy(std::string_view text, const std::string& file) {
  Loaded<guard::Policy> loaded;
  Diagnostics diagnostics;
  apply(parse_toml(text, file, diagnostics), file, diagnostics, loaded.config);
  loaded.diagnostics = std::move(diagnostics).take();
  return loaded;
}

Loaded<guard::Policy> load_policy(const std::string& path, bool require_root_owned) {
  Loaded<guard::Policy> loaded;
  Diagnostics diagnostics;
  if (!file_exists(path)) {
    diagnostics.notice(path, {}, "does not exist; the default policy observes and does nothing");
  } else {
    if (require_root_owned) hostmedic::require_root_owned(path, diagnostics);
    apply(load_toml(path, diagnostics), path, diagnostics, loaded.config);
  }
  loaded.diagnostics = std::move(diagnostics).take();
  return loaded;
}

}  // namespace hostmedic
