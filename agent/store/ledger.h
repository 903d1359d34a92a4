// SPDX-License-Identifier: Apache-2.0
// The actuator's ledger: what was ordered, what the guard said, what came of it, and the brakes that people set. Owns
// one SQLite file. Every change is on disk when the call returns. One thread at a time; one process.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actions/action.h"
#include "actions/guard/guard.h"
#include "agent/base/result.h"

namespace hostmedic {

class Database;

// A moment by the clock that nobody sets.
struct BootTime {
  std::string id;  // of the boot; empty: not known
  Duration uptime{};
};

struct LedgerRow {
  Order order;
  Verdict verdict;
  WallTime begun_at;
  std::string boot;                 // the host's boot id at that time
  Duration uptime{};                // of the host at that time: by a clock that nobody sets
  std::optional<WallTime> ends_at;  // when what it did is to be taken back; absent: it stays
  std::optional<Outcome> outcome;   // absent: it never came to an end
};

struct LedgerBrakes {
  bool halted = false;
  std::string halted_by, halt_reason;
  WallTime halted_at;
  std::vector<guard::Maintenance> maintenance;  // as set, also those that have ended; see prune()
};

struct Approval {
  std::string key;  // of the order
  std::string by;   // "uid 0 (root)"
  WallTime at, expires_at;
};

// A human undid this action on this target: not again until cleared.
struct HumanUndo {
  Entity target;
  std::string action;
  std::string by;
  WallTime at;
};

// What the hash chain says. Each row that the ledger ever got is a link: SHA-256 over the link before and what was
// written. Whoever changes, adds or removes a row and is not able to write all links anew is found out; whoever can is
// found out by a head that was noted elsewhere.
struct LedgerAudit {
  std::int64_t orders = 0, open = 0;  // rows, and those without an end
  std::int64_t links = 0, first = 0;  // of the chain, and the number of the oldest that is kept
  std::string head;                   // hash of the newest
  WallTime at;                        // of the newest
  std::string broken;                 // the first that does not fit, and why; empty: all fit
};
// Looks at a ledger file and changes nothing.
Result<LedgerAudit> audit_ledger(const std::string& path);

class Ledger {
 public:
  // A broken file is moved aside (see quarantined()). What it held is then unknown, the kill switch included, so the
  // new ledger starts halted until a human resumes. A file of a newer version is refused.
  static Result<Ledger> open(const std::string& path);
  Ledger(Ledger&&) noexcept;
  Ledger& operator=(Ledger&&) noexcept;
  ~Ledger();

  // Why a broken file was moved aside at open, and where to; empty if none was.
  const std::string& quarantined() const;

  Result<std::optional<LedgerRow>> find(const std::string& key);
  // Before the effect. A key that was ever begun is refused with conflict, whatever came of it.
  Status begin(const Order& order, const Verdict& verdict, WallTime now, const BootTime& boot = {});
  // After the effect. not_found for a key that was not begun, conflict for one that has an outcome: the first stands.
  Status finish(const Outcome& outcome, std::optional<WallTime> ends_at = std::nullopt);
  // Begun and without outcome, oldest first.
  Result<std::vector<LedgerRow>> open_rows();
  // With an end, and not taken back yet; the first to end first.
  Result<std::vector<LedgerRow>> measures();
  // What the same action did later to the same target and nothing has taken back, oldest first.
  Result<std::vector<LedgerRow>> later_in_force(const LedgerRow& row);
  // Orders that were begun to take this one back, oldest first, with what came of them.
  Result<std::vector<guard::PastAction>> undos_of(const std::string& key);
  // Begun at or after since, or after that moment of this boot whatever the clock was set to; oldest first, the newest
  // kMostHistory of them, for the guard. Undos by humans are marked on the rows they fit; one without such a row is
  // added as a row of its own with an empty key.
  Result<std::vector<guard::PastAction>> history(WallTime since, const BootTime& or_since = {});

  Result<LedgerBrakes> brakes();
  Status halt(const std::string& by, const std::string& reason, WallTime now);
  Status resume(const std::string& by, WallTime now);
  // Replaces one with the same entity pattern. At most kMostMaintenance.
  Status add_maintenance(const guard::Maintenance& maintenance, WallTime now);
  // Ends those with this entity pattern; an empty pattern ends all.
  Status end_maintenance(const std::string& entity, const std::string& by, WallTime now);

  // At most kMostApprovals that have not expired.
  Status approve(const Approval& approval);
  // The approval of this key if it has not expired.
  Result<std::optional<Approval>> approval(const std::string& key, WallTime now);

  // At most kMostUndone.
  Status mark_undone(const HumanUndo& undo);
  Status clear_undone(const Entity& target, const std::string& action, const std::string& by, WallTime now);
  Result<std::vector<HumanUndo>> undone();

  // At most kMostDisarmed; the first stands until it is armed again.
  Status disarm(const guard::Disarmed& runbook);
  Status rearm(const std::string& runbook, const std::string& by, WallTime now);
  Result<std::vector<guard::Disarmed>> disarmed();
  Result<std::vector<guard::Armed>> armed();

  // How often people, or the agent in their name, said something since then: maintenance, undos, disarming.
  Result<std::int64_t> words_since(WallTime since);

  // The whole chain, and the rows against it.
  Result<LedgerAudit> audit();

  // Forgets finished rows beyond these bounds, oldest first, and approvals and maintenance that ended before now -
  // most_age. Rows without outcome, measures in force, the kill switch and undos of humans stay. The chain is cut where
  // nothing that is kept needs it, and goes on from there.
  Status prune(WallTime now, std::size_t most_rows, Duration most_age, const BootTime& boot = {});

  static constexpr std::size_t kMostHistory = 4096;
  static constexpr std::size_t kMostMaintenance = 64;
  static constexpr std::size_t kMostApprovals = 1024;
  static constexpr std::size_t kMostUndone = 1024;
  static constexpr std::size_t kMostDisarmed = 256;
  static constexpr std::size_t kMostLinks = 100'000;

 private:
  explicit Ledger(std::unique_ptr<Database> database);
  Status room_in(const std::string& table, std::size_t most, const std::string& what);
  std::unique_ptr<Database> database_;
};

}  // namespace hostmedic
