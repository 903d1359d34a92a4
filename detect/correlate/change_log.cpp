// SPDX-License-Identifier: Apache-2.0
#include "detect/correlate/change_log.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "agent/base/text.h"
#include "detect/correlate/explain.h"
#include "detect/model/names.h"

namespace hostmedic::detect {

namespace {

constexpr std::string_view kClock = "clock";
constexpr double kOnItself = 0.9;    // of faults right after a change of the very thing, most are its work
constexpr double kOfPackage = 0.95;  // and of its package, which says more than the files that came with it
constexpr double kOnTheHost = 0.35;  // of those after a change that may touch everything, some
constexpr double kFades = 150;       // seconds until a change is a third as likely
constexpr double kLeast = 0.05;

// What is looked for, by the words a human asks with, and by the types of change that answer.
struct Circumstance {
  std::string_view what;
  std::array<std::string_view, 2> types;
};
constexpr std::array kCircumstances{
    Circumstance{"deployment", {"deployment", "image"}},
    Circumstance{"package change", {"package", ""}},
    Circumstance{"configuration change", {"configuration", "unit_file"}},
    Circumstance{"boot", {"boot", "kernel"}},
    Circumstance{"clock change", {kClock, ""}},
};

// What is new is no change of what was there; what is added to it, such as a drop-in of a unit, is.
bool is_new(const Event& event) {
  const std::string_view action = event.get(attr::kChangeAction);
  const bool unit =
      event.get(attr::kChangeType) == "unit_file" && event.get(attr::kChangePath).find(".d/") == std::string_view::npos;
  return action == "installed" || (action == "created" && unit);
}
// Our own configuration is no cause of others' faults.
bool is_own(const Entity& entity) {
  return (entity.kind == EntityKind::service || entity.kind == EntityKind::package) &&
         entity.name.starts_with("hostmedic");
}

}  // namespace

void ChangeLog::note(const Entity& about, const Event& event, WallTime at, MonoTime now) {
  if (event.kind != EventKind::change && event.kind != EventKind::clock_step) return;
  if (is_own(about)) return;
  if (changes_.size() >= kMostKept) changes_.erase(changes_.begin());
  const bool clock = event.kind == EventKind::clock_step;
  changes_.push_back({about, at, now, std::string(clock ? kClock : event.get(attr::kChangeType)),
                      explain_event(about, event), is_new(event)});
}

void ChangeLog::age(MonoTime now) {
  if (!changes_.empty() && now - changes_.front().noted > kKept)
    std::erase_if(changes_, [now](const Change& change) { return now - change.noted > kKept; });
}

double ChangeLog::probability(const Change& change, const Entity& root, WallTime fault_at,
                              const std::vector<Path>& below) const {
  const Duration ago = fault_at - change.at;
  if (ago > kBefore || ago < -kAfter || change.type == kClock) return 0;
  const double fading = std::exp(-std::max(to_seconds(ago), 0.0) / kFades);
  if (change.entity == root) return kOnItself * fading;
  const auto path = std::ranges::find(below, change.entity, [](const Path& one) { return one.entities.back(); });
  // The package of a service, and what it consists of, is the service itself.
  const bool known = path != below.end();
  if (known && change.entity.kind == EntityKind::package && path->entities.size() == 2) return kOfPackage * fading;
  if (known) return path->weight * fading;
  return change.entity.kind == EntityKind::host ? kOnTheHost * fading : 0;
}

std::vector<RecentChange> ChangeLog::before(const Entity& root, WallTime fault_at, const EntityGraph& graph) const {
  constexpr std::size_t kMostBelow = 256;
  std::vector<RecentChange> found;
  if (changes_.empty()) return found;
  const std::vector<Path> below = graph.dependencies(root, kMostBelow);
  for (const Change& change : changes_) {
    const double likely = probability(change, root, fault_at, below);
    if (likely >= kLeast) found.push_back({change.entity, change.at, change.text, likely});
  }
  // Of two changes of one thing the later counts for the earlier.
  std::ranges::stable_sort(found, [](const RecentChange& a, const RecentChange& b) {
    return a.probability != b.probability ? a.probability > b.probability : a.at > b.at;
  });
  if (found.size() > kMostChanges) found.resize(kMostChanges);
  return found;
}

std::vector<ContextCheck> ChangeLog::context(WallTime fault_at) const {
  std::vector<ContextCheck> checks;
  for (const Circumstance& circumstance : kCircumstances) {
    ContextCheck& check = checks.emplace_back(ContextCheck{std::string(circumstance.what), {}});
    for (const Change& change : changes_) {
      const bool of_it = change.type == circumstance.types[0] || change.type == circumstance.types[1];
      if (of_it && fault_at - change.at <= kBefore && change.at - fault_at <= kAfter)
        check.found =
            change.text + ", " + format_duration(std::max(fault_at - change.at, Duration::zero())) + " before";
    }
  }
  return checks;
}

const std::string* ChangeLog::changed(const Entity& entity, Duration length, MonoTime now,
                                      const EntityGraph& graph) const {
  const auto of_it = [&](const Change& change) {
    if (now - change.noted > length || change.is_new || change.type == kClock) return false;
    if (change.entity == entity) return true;
    if (change.entity.kind != EntityKind::package) return false;
    return graph.has(entity, Dependence::owned_by, change.entity);
  };
  const auto found = std::find_if(changes_.rbegin(), changes_.rend(), of_it);
  return found == changes_.rend() ? nullptr : &found->text;
}

}  // namespace hostmedic::detect
