// SPDX-License-Identifier: Apache-2.0
// The guard: one pure function from (policy, order, circumstances) to a verdict with every rule's reason. It is
// evaluated in the daemon for the explanation and again in the actuator, over the actuator's own policy and ledger,
// for effect. It reads no clock and no file.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actions/action.h"

namespace hostmedic::guard {

struct TierRule {
  std::string runbook = "*";  // glob
  std::string entity = "*";   // glob over to_string(entity)
  Tier tier = Tier::observe;
};

// No automatic action while it lasts. Minutes of the day in UTC; may wrap midnight.
struct ExclusionWindow {
  std::string name;
  unsigned days = 0x7f;  // bit 0: Monday
  int from_minute = 0, to_minute = 0;
  std::string entity = "*";
};

struct Limit {
  int count = 0;
  Duration window{};
};

// Root-owned, from /etc/hostmedic/policy.toml.
struct Policy {
  Tier tier = Tier::observe;     // where no tier rule matches
  std::vector<TierRule> tiers;   // the last that matches wins
  double confidence_act = 0.90;  // at least this to act without a human
  double confidence_reversible =
      0.70;  // at least this for what is undone when it does not help; below, a human is asked
  Limit per_target{3, std::chrono::hours(1)};
  Limit per_runbook{10, std::chrono::hours(1)};
  Limit per_host{20, std::chrono::hours(1)};
  Duration cooldown = std::chrono::seconds(30);  // between two actions on one target; doubles with each in the window
  Duration cooldown_most = std::chrono::minutes(30);
  int touched_most = 5;                           // blast radius of one order, absolute
  double touched_share_most = 0.25;               // of the entities of that kind on the host (one is always allowed)
  Duration boot_grace = std::chrono::minutes(2);  // no action so soon after boot
  int crash_loop_restarts = 5;                    // restarts by anybody within crash_loop_window forbid another restart
  Duration crash_loop_window = std::chrono::minutes(10);
  std::vector<std::string> protected_entities;  // globs, added to the built-in never-touch list
  std::vector<ExclusionWindow> exclusions;
  std::vector<std::string> log_roots{"/var/log"};   // the only places where logs may be treated
  std::vector<std::string> clean_roots;             // the only directories below which old files may be removed
  std::vector<std::string> storm_runbooks;          // globs: what may go on by itself while everything departs at once
  Tier post_change = Tier::approve;                 // how far anything may go by itself on what was just changed
  int disarm_failures = 3;                          // a runbook that failed so often ...
  double disarm_share = 0.5;                        // ... and so large a share of its actions ...
  Duration disarm_window = std::chrono::hours(24);  // ... in this time is disarmed until a human arms it again
  bool need_lease = false;                          // what is not local_safe needs a lease of the fleet's aggregator
  std::vector<std::string> never_block;             // globs over addresses and host names, beside the loopback's
  std::vector<std::string> busy_processes;          // "kind:glob" over process names, beside those of busy.h
};
// systemd, dbus, journald, ssh, the agent itself, as globs over to_string(entity). Checked last, cannot be configured
// away.
std::span<const std::string_view> never_touch();
// Why this address, host name or URL is never blocked or cut off; nullopt: nothing forbids it.
std::optional<std::string> why_never_block(const Policy& policy, std::string_view peer);

// The leave of the fleet's aggregator to act.
enum class Lease : std::uint8_t {
  unasked,
  refused,
  granted,
  agents_matter,  // this side has no network and leaves it to the agent
};

enum class TargetState : std::uint8_t {
  faulty,     // still the cause
  recovered,  // fine again
  changing,   // systemd is already at work on it (activating, reloading, auto-restart pending)
  gone,
  unknown,  // could not be asked
};
std::string_view to_string(TargetState state);

struct PastAction {
  std::string key;
  Entity target;
  std::string runbook, action;
  WallTime at;
  bool finished = false;
  OutcomeResult result = OutcomeResult::interrupted;  // when finished
  bool by_hand_undone = false;                        // a human undid it: not again until re-enabled
  std::string undoes = {};                            // key of the order that it took back
  std::optional<WallTime> ends_at = {};               // a measure that is taken back by itself then
  std::string incident_id = {};                       // empty where it is not known
  // When it began by a clock that nobody sets, and of which boot; empty boot: not known.
  std::string boot = {};
  Duration uptime{};
};

// A runbook that is not trusted at present.
struct Disarmed {
  std::string runbook, by, reason;
  WallTime at;
};
// A human trusts it again; what it did before is forgiven.
struct Armed {
  std::string runbook;
  WallTime at;
};

struct Maintenance {
  WallTime until;
  std::string by, reason;
  std::string entity = "*";  // glob
};

struct Circumstances {
  WallTime now;
  Duration uptime{};
  std::string boot;  // which one, as in PastAction
  bool halted = false;
  std::string halted_by;
  std::vector<Maintenance> maintenance;
  TargetState target = TargetState::unknown;
  std::string target_text;         // what was seen: "nginx.service is failed (signal)"
  int restarts_seen = 0;           // restarts of the target by anybody within crash_loop_window
  int entities_of_kind = 0;        // on this host, for the blast radius
  bool storm = false;              // so much departs at once that no single cause can be told, or that seems to begin
  std::string recent_change;       // of the target: what was changed; empty: nothing was
  std::string approved_by;         // as this side itself knows it
  std::vector<std::string> busy;   // what is at work now, as "kind: what it is" (busy.h): "backup: restic, pid 312"
  std::vector<Entity> related;     // what depends on the target, or it on them: one action at a time among these
  std::string self_inflicted;      // our own action that explains what is seen; empty: none does
  std::vector<Disarmed> disarmed;  // by a human, or noted by somebody else; misfires() is asked besides
  std::vector<Armed> armed;
  Lease lease = Lease::unasked;
  std::string lease_text;           // the aggregator's words, or why there are none
  std::vector<PastAction> history;  // newest last; at least as far back as the longest window
};

Tier tier_of(const Policy& policy, std::string_view runbook, const Entity& target);
Verdict judge(const Policy& policy, const Order& order, const Circumstances& now);

// How long ago it began. By the boot's own clock where it was this boot's; else by the wall clock, where what lies in
// the future (the clock was set back) counts as just begun.
Duration age_of(const PastAction& past, const Circumstances& now);

// Whether a runbook's actions fail so often that it is disarmed: so many, and so large a share of those in the policy's
// window since it was last armed, failed, ran out of time, or were taken back before their time.
std::optional<Disarmed> misfires(const Policy& policy, std::string_view runbook, const Circumstances& now);

// Names and one-line texts of all rules in the order they are asked, for `hostmedic list` and the manual.
struct RuleInfo {
  std::string_view name, doc;
  bool undo = false;  // also asked of an order that takes another back; that is the safe side, which the rest allows
};
std::span<const RuleInfo> rules();

}  // namespace hostmedic::guard
