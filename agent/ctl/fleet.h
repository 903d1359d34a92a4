// SPDX-License-Identifier: Apache-2.0
// The plans of other hosts: asked of the fleet's aggregator by its page, and answered with a signed word, which the
// aggregator and the host's agent only carry. Blocking; one thread.
#pragma once

#include <string>

#include "agent/ctl/context.h"
#include "agent/record/signed_word.h"
#include "agent/record/waiting_plan.h"

namespace hostmedic {

struct FleetWish {
  std::string address;           // "127.0.0.1:8320", the aggregator's page; empty: the host's own agent is asked
  std::string certificate, key;  // files of who speaks; the certificate is on the hosts' lists
};

// Answers the verb "proposals", as the agent would, with those of all hosts.
Ask ask_fleet(const std::string& address);

struct FleetPlan {
  std::string host, host_id, host_name;
  WaitingPlan plan;
};
// Signs the word on `plan.order`, brings it to the aggregator and waits until the host has taken or refused it.
Exit say_from_afar(Context& context, const FleetWish& wish, const FleetPlan& plan, SignedWord word);

}  // namespace hostmedic
