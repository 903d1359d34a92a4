// SPDX-License-Identifier: Apache-2.0
// The vocabulary of acting as whole state (detect/model/whole_state.h).
#pragma once

#include "actions/response.h"
#include "detect/model/state_io.h"

namespace hostmedic::detect {

template <>
inline constexpr auto kLast<Tier> = Tier::automatic;
template <>
inline constexpr auto kLast<OutcomeResult> = OutcomeResult::expired;
template <>
inline constexpr auto kLast<Check::Subject> = Check::Subject::none;
template <>
inline constexpr auto kLast<Choice> = Choice::success;
template <>
inline constexpr auto kLast<OnFailure> = OnFailure::escalate;

template <>
struct Members<Plan> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.action, self.target, self.parameters, self.what, self.command, self.undo, self.touched,
                    self.timeout, self.lasts);
  }
};
template <>
struct Members<Order> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.key, self.incident_id, self.incident_kind, self.runbook, self.step, self.plan, self.confidence,
                    self.signals, self.proof, self.issued_at, self.expires_at, self.approved_by, self.undoes,
                    self.not_while, self.cooldown, self.touched_most);
  }
};
template <>
struct Members<Check> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.subject, self.series, self.attributes, self.condition, self.bound, self.settle, self.within);
  }
};
template <>
struct Members<Step> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.action, self.params, self.timeout, self.verify, self.on_failure, self.undo);
  }
};
template <>
struct Members<Requirement> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.condition, self.why);
  }
};
template <>
struct Members<Runbook> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.name, self.summary, self.kinds, self.entity, self.when, self.requirements, self.not_while,
                    self.cooldown, self.touched_most, self.choose, self.ceiling, self.steps, self.notes, self.source);
  }
};
template <>
struct Members<Silence> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.until, self.by, self.reason, self.entity, self.kind);
  }
};
template <>
struct Members<Lesson> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.fingerprint, self.kind, self.action, self.helped, self.supervised, self.at);
  }
};
template <>
struct Members<Now> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.mono, self.wall);
  }
};
template <>
struct Members<guard::TierRule> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.runbook, self.entity, self.tier);
  }
};
template <>
struct Members<guard::ExclusionWindow> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.name, self.days, self.from_minute, self.to_minute, self.entity);
  }
};
template <>
struct Members<guard::Limit> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.count, self.window);
  }
};
template <>
struct Members<guard::Maintenance> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.until, self.by, self.reason, self.entity);
  }
};
template <>
struct Members<guard::PastAction> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.key, self.target, self.runbook, self.action, self.at, self.finished, self.result,
                    self.by_hand_undone, self.undoes, self.ends_at, self.incident_id, self.boot, self.uptime);
  }
};
template <>
struct Members<guard::Policy> {
  template <class Self>
  static auto of(Self& self) {
    return std::tie(self.tier, self.tiers, self.confidence_act, self.confidence_reversible, self.per_target,
                    self.per_runbook, self.per_host, self.cooldown, self.cooldown_most, self.touched_most,
                    self.touched_share_most, self.boot_grace, self.crash_loop_restarts, self.crash_loop_window,
                    self.protected_entities, self.exclusions, self.log_roots, self.clean_roots, self.storm_runbooks,
                    self.post_change, self.disarm_failures, self.disarm_share, self.disarm_window, self.need_lease,
                    self.never_block, self.busy_processes);
  }
};

}  // namespace hostmedic::detect
