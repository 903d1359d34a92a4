// SPDX-License-Identifier: Apache-2.0
// What the actuator does with a request: who may ask it, the order's way through validation, the live re-check, the
// guard and the ledger to its effect, and the brakes. Owns the ledger.
//
// carry_out() and recover() belong to one thread, the executor; answer() may be called meanwhile by another. They share
// the ledger under a lock that is never held during an effect.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "actions/catalog/effect.h"
#include "agent/actuator/surroundings.h"
#include "agent/actuator/wire.h"
#include "agent/store/ledger.h"

namespace hostmedic {

enum class Role : std::uint8_t {
  stranger,  // is not answered
  approver,  // may look, and speak for a human
  agent,     // may ask for orders and set brakes, not release them
  root,      // may release brakes and speak for a human
};
// Who the kernel says is at the other end.
struct ActuatorPeer {
  Role role = Role::stranger;
  std::string text;  // "uid 0 (root)"
};

struct ActuatorParts {
  Result<Ledger> ledger;                             // an error: nothing is carried out, and each order is told why
  std::function<Result<Ledger>()> open_ledger = {};  // tried again where it could not be opened; empty: it is not
  ServiceManager& manager;
  std::function<Result<guard::Policy>()> policy;  // read again for each order
  std::function<WallTime()> wall;
  std::function<Duration()> uptime;
  std::function<bool()> stopping;  // true: what execute() returned is not the end of the effect; leave the row open
  std::string effect_program, scratch;
  std::string proc = {};  // where procfs is mounted
  std::span<const EffectInfo* const> effects;
  std::string boot = {};                          // the host's boot id
  std::vector<std::string> release_command = {};  // asks the actuator to end a measure; the order's key is appended
  BusyPaths busy = {};
  std::function<Result<std::string>()> approvers = {};  // certificates of those whose signed word counts, as PEM
  std::string host_id = {}, host_name = {};             // as they stand in what is signed for this host
  int cancel_fd = -1;                                   // eventfd that makes the manager end the unit it runs; -1: none
};

class Actuator {
 public:
  explicit Actuator(ActuatorParts parts);

  // Orders that an earlier life began: their units are waited for or found gone, and recorded. Measures whose time is
  // over are taken back, or recorded as ended by a boot. Executor thread.
  void recover();
  // What the ledger could not take before (no space, a disk that failed), once it can; opens it where it could not be
  // opened, or was let go. Before each order, and now and then. Executor thread.
  void catch_up();
  // Nothing is carried out at present, and each order is told why.
  bool without_ledger();
  // At most once per key, however often it is asked. Executor thread.
  Outcome carry_out(const Order& order);
  // The order that does what an undo or a release asks for.
  Result<Order> undo_order(const ActuatorRequest& request, const ActuatorPeer& peer);
  // Measures that the service manager could not schedule the end of wait here instead, and only while this lives; so
  // does what the ledger could not take.
  bool waits();
  std::optional<Order> due_release();
  // Everything but execute, undo and release. `running` is the key of the order under way.
  ActuatorAnswer answer(const ActuatorRequest& request, const ActuatorPeer& peer, const std::string& running);

  // May this peer ask for this at all?
  static Status allowed(RequestKind kind, Role role);

 private:
  struct Judged {
    Outcome outcome;  // when not begun
    bool begun = false;
  };
  struct Undo {
    Order order;                     // as it is carried out
    std::optional<LedgerRow> first;  // what it takes back
  };
  struct Seen {
    guard::TargetState state = guard::TargetState::unknown;
    std::string text;
    int restarts = 0;
    std::vector<std::string> busy = {};
    std::vector<Entity> related = {};
  };
  struct Ended {
    Order order;
    Outcome outcome;
    std::optional<WallTime> ends_at;  // of a measure
  };
  void disarm_what_misfires(const Order& order, const guard::Policy& policy);
  bool others_open(const Order& order);
  Seen look_at(const Order& order, const EffectInfo& effect, const EffectContext& context);
  Judged judge_and_begin(Order& order, const guard::Policy& policy, const Seen& seen);
  Outcome refused(const Order& order, std::string text);
  Outcome carry_out_now(Order order, const std::optional<LedgerRow>& first);
  Result<guard::Circumstances> circumstances(const Order& order, const guard::Policy& policy);
  Outcome finish(const Order& order, Outcome outcome, WallTime started);
  Status record(const Ended& ended);
  bool has_ledger();
  void record_waiting();
  Status kept(Status written);
  Status brake(const ActuatorRequest& request, const ActuatorPeer& peer);
  Status approval(const ActuatorRequest& request, const std::string& by);
  Status approval(const SignedWord& word, const std::string& by);
  Result<std::string> vouched(const SignedWord& word) const;  // who signed it, if it is for this host and this hour
  // answer.cpp; under the lock.
  Status word_of(const ActuatorRequest& request, const ActuatorPeer& peer, std::string& ret_by);
  Result<ActuatorStatus> status(const std::string& running);
  Result<LedgerAudit> audit(const ActuatorPeer& peer);
  const EffectInfo* effect_of(std::string_view action) const;
  void cancel() const;

  // undo.cpp; those that give a Result are called under the lock.
  bool ends_by_itself(const Order& order, OutcomeResult result) const;
  Duration left_of(const LedgerRow& row) const;
  Result<LedgerRow> to_take_back(const std::string& key);
  Result<Undo> prepare_undo(const Order& asked);
  Result<Order> new_undo(const LedgerRow& first);
  void schedule_release(const std::string& key, Duration after);
  void after_undo(const LedgerRow& first, const Outcome& outcome);
  void schedule_overdue(const std::string& but);
  void record_gone(const LedgerRow& row);
  void recover_measures();

  ActuatorParts parts_;
  bool catching_up_ = false;  // executor thread
  std::mutex mutex_;          // guards what follows and parts_.ledger
  std::optional<LedgerAudit> audit_;
  Duration audited_at_{};                    // of the uptime
  std::map<std::string, Duration> waiting_;  // by key of the order; due at that uptime
  std::vector<Ended> unrecorded_;            // at most kMostUnrecorded
  std::optional<Error> spoilt_;              // why the ledger is to be let go
};

// What a human approves: this plan under this key. The asker could otherwise show one plan and carry out another.
Result<std::string> approved_subject(const std::string& key, const Plan& plan);
// Under this and the key of what is taken back, the ledger holds a human's approval of it.
inline const std::string kUndoApproval = "undo:";
// Who asks, in the words that are kept.
std::string said_by(const ActuatorRequest& request, const ActuatorPeer& peer);
// Why an order was not carried out, as its outcome.
Outcome not_carried_out(const Order& order, OutcomeResult result, std::string text, WallTime now);

}  // namespace hostmedic
