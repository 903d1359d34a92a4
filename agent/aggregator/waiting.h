// SPDX-License-Identifier: Apache-2.0
// The plans that wait for a human on the fleet's hosts, and what was said of them until the host has heard it. In
// memory: a host tells of its plans every few seconds, and who speaks sees whether the word arrived. io thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/record/signed_word.h"
#include "agent/record/waiting_plan.h"

namespace hostmedic {

class WaitingPlans {
 public:
  // What a host says waits there now, in place of what it said before; agent/daemon/proposal_keeper.h has the form.
  // Returns what was said of these plans. host: the name in its certificate. malformed, limit.
  Result<std::vector<SignedWord>> told(const std::string& host, std::string_view body, MonoTime now);
  // A word on a plan of this host. not_found: no such plan waits there; limit: too much was said.
  Status say(const std::string& host, SignedWord word, MonoTime now);
  // {"now_unix_nano", "proposals": [...]}: each as told, with "host", "host_id" and "host_name"; by host.
  std::string list_json(MonoTime now, WallTime wall);

  static constexpr Duration kForgotten = std::chrono::seconds(30);  // a host that said nothing for so long
  static constexpr std::size_t kMostBody = 600 << 10;               // bytes that a host may say
  static constexpr std::size_t kMostPlans = 32, kMostWords = 64;    // of one host
  static constexpr std::size_t kMostBytes = 64 << 20;               // of all that hosts said

 private:
  struct Host {
    MonoTime at;
    std::string id, name;
    std::size_t bytes = 0;
    std::vector<WaitingPlan> plans;
    std::vector<SignedWord> words;  // at most one of a person on an order
  };
  void forget(MonoTime now);
  std::map<std::string, Host> hosts_;
};

}  // namespace hostmedic
