// SPDX-License-Identifier: Apache-2.0
// What the actuator does with a request: who may ask it, the order's way through validation, the live re-check, the
// guard and the ledger to its effect, and the brakes. Owns the ledger.
//
// carry_out() and recover() belong to one thread, the executor; answer() may be called meanwhile by another. They share
// the ledger under a lock that is never held during an effect.
#pragma once

#include <sys/types.h>

#include <functional>
#include <mutex>
#include <span>
#include <string>

#include "actions/catalog/effect.h"
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
  Result<Ledger> ledger;  // an error: nothing is carried out, and each order is told why
  ServiceManager& manager;
  std::function<Result<guard::Policy>()> policy;  // read again for each order
  std::function<WallTime()> wall;
  std::function<Duration()> uptime;
  std::function<bool()> stopping;  // true: what execute() returned is not the end of the effect; leave the row open
  std::string effect_program, scratch;
  std::span<const EffectInfo* const> effects;
  int cancel_fd = -1;  // eventfd that makes the manager end the unit it runs; -1: none
};

class Actuator {
 public:
  explicit Actuator(ActuatorParts parts);

  // Orders that an earlier life began: their units are waited for or found gone, and recorded. Executor thread.
  void recover();
  // At most once per key, however often it is asked. Executor thread.
  Outcome carry_out(const Order& order);
  // Everything but execute. `running` is the key of the order under way.
  ActuatorAnswer answer(const ActuatorRequest& request, const ActuatorPeer& peer, const std::string& running);

  // May this peer ask for this at all?
  static Status allowed(RequestKind kind, Role role);

 private:
  struct Judged {
    Outcome outcome;  // when not begun
    bool begun = false;
  };
  Judged judge_and_begin(const Order& order, const guard::Policy& policy, guard::TargetState state,
                         const std::string& state_text, int unit_restarts);
  Result<guard::Circumstances> circumstances(const Order& order, const guard::Policy& policy);
  Outcome finish(const Order& order, Outcome outcome, WallTime started);
  Status brake(const ActuatorRequest& request, const ActuatorPeer& peer);
  Status approval(const ActuatorRequest& request, const ActuatorPeer& peer);
  Result<ActuatorStatus> status(const std::string& running);
  const EffectInfo* effect_of(std::string_view action) const;
  void cancel() const;

  ActuatorParts parts_;
  std::mutex mutex_;  // guards parts_.ledger
};

// Why an order was not carried out, as its outcome.
Outcome not_carried_out(const Order& order, OutcomeResult result, std::string text, WallTime now);

}  // namespace hostmedic
