// SPDX-License-Identifier: Apache-2.0
#include "agent/store/account.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace hostmedic {
namespace {

std::string_view attribute(const TimelineEntry& entry, std::string_view key) {
  for (const Attribute& one : entry.attributes)
    if (one.key == key) return one.value;
  return {};
}

// What one incident's timeline says of its treatment.
class Treatment {
 public:
  Treatment(const Incident& incident, Account& account) : account_(account) {
    for (const TimelineEntry& entry : incident.timeline) read(entry);
    for (const std::string& runbook : planned_) ++account_.runbooks[runbook].planned;
    for (const std::string& runbook : would_) ++account_.runbooks[runbook].would;
  }
  const std::set<std::string>& acted() const { return acted_; }
  const std::optional<WallTime>& first_order() const { return first_order_; }
  bool proved() const { return proved_; }

 private:
  void read(const TimelineEntry& entry) {
    constexpr std::string_view kWould = "would have done: ";
    RunbookAccount* runbook = runbook_.empty() ? nullptr : &account_.runbooks[runbook_];
    switch (entry.kind) {
      case TimelineKind::planned:
        runbook_ = attribute(entry, "runbook");
        if (!runbook_.empty()) planned_.insert(runbook_);
        break;
      case TimelineKind::ordered:
        if (!first_order_) first_order_ = entry.at;
        acted_.insert(runbook_);
        if (runbook != nullptr) ++runbook->ordered;
        break;
      case TimelineKind::verified: {
        const bool failed = attribute(entry, "result") == "failed";
        proved_ = !failed;
        if (runbook != nullptr) ++(failed ? runbook->failed : runbook->helped);
        break;
      }
      case TimelineKind::undone:
        if (runbook != nullptr) ++runbook->undone;
        break;
      case TimelineKind::note:
        if (!entry.text.starts_with(kWould)) break;
        would_.insert(runbook_);
        if (account_.would_have.size() < Account::kMostWould)
          account_.would_have.push_back(entry.text.substr(kWould.size()));
        break;
      default: break;
    }
  }

  Account& account_;
  std::string runbook_;
  std::set<std::string> planned_, acted_, would_;
  std::optional<WallTime> first_order_;
  bool proved_ = false;
};

}  // namespace

Account account_of(std::span<const Incident> incidents, std::span<const Feedback> feedback) {
  Account account;
  const auto said = [&](const Incident& incident) -> const Feedback* {
    for (auto one = feedback.rbegin(); one != feedback.rend(); ++one)
      if (one->incident_id == incident.id) return &*one;
    return nullptr;
  };
  for (const Incident& incident : incidents) {
    if (incident.suspicion || !incident.part_of.empty()) {
      ++(incident.suspicion ? account.suspicions : account.parts);
      continue;
    }
    ++account.incidents;
    const Treatment treatment(incident, account);
    const Feedback* word = said(incident);
    if (word != nullptr) ++(word->real ? account.said_real : account.said_none);
    for (const std::string& runbook : treatment.acted())
      if (word != nullptr && !word->real) ++account.runbooks[runbook].mistaken;
    account.treated += treatment.first_order() ? 1 : 0;
    account.to_notice.push_back(std::max(Duration{}, incident.opened_at - incident.fault_at));
    if (const auto& first = treatment.first_order())
      account.to_act.push_back(std::max(Duration{}, *first - incident.fault_at));
    if (incident.closed_at) {
      account.to_recover.push_back(std::max(Duration{}, *incident.closed_at - incident.fault_at));
      ++(treatment.first_order() && treatment.proved() ? account.healed : account.alone);
    } else {
      ++(incident.state == IncidentState::escalated ? account.escalated : account.open);
    }
  }
  for (std::vector<Duration>* times : {&account.to_notice, &account.to_act, &account.to_recover})
    std::ranges::sort(*times);
  return account;
}

std::optional<Duration> median_of(const std::vector<Duration>& ascending) {
  if (ascending.empty()) return std::nullopt;
  return ascending[ascending.size() / 2];
}

}  // namespace hostmedic
