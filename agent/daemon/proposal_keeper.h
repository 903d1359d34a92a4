// SPDX-License-Identifier: Apache-2.0
// Shows the fleet's aggregator the plans that wait for a human here, and brings back what people said of them: POST
// /v1/proposals, with the upstream's certificates. Asks only while a plan waits. What comes back is signed, and means
// nothing until the actuator knows the signature. One request at a time. io thread.
//
//   {"host_id", "host_name", "proposals": [plan]}     agent/record/waiting_plan.h
//   {"words": [word]}                                 agent/record/signed_word.h
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "actions/response.h"
#include "agent/config/agent_config.h"
#include "agent/record/signed_word.h"
#include "agent/record/waiting_plan.h"

namespace hostmedic {

class ProposalKeeper {
 public:
  using Said = std::function<void(const SignedWord&)>;
  ProposalKeeper(boost::asio::any_io_executor executor, Said said);
  ~ProposalKeeper();
  ProposalKeeper(const ProposalKeeper&) = delete;
  ProposalKeeper& operator=(const ProposalKeeper&) = delete;

  // Whom to show them from now on; without a URL nobody.
  void connect(const UpstreamConfig& upstream);
  void every_second(MonoTime now, const std::vector<Proposal>& waiting);
  // The word was not taken, for this reason: it is told at once. One that nobody could look at is given again.
  void refused(const SignedWord& word, const Error& error);

  static constexpr Duration kPause = std::chrono::seconds(3);  // between two requests
  static constexpr std::size_t kMostShown = 32;                // plans; the others wait for these
  static constexpr std::size_t kMostBody = 512 << 10, kMostWords = 128;

 private:
  struct Core;
  std::shared_ptr<Core> core_;  // shared with the request under way
};

WaitingPlan waiting_plan(const Proposal& proposal);
// What is sent: as many of the first plans as fit. refusal: why the last word on a plan was not taken, or empty.
using Refusal = std::function<std::string(const Proposal&)>;
std::string proposals_body(const std::vector<Proposal>& waiting, const Refusal& refusal);
// malformed, limit: not an answer to it.
Result<std::vector<SignedWord>> words_of(std::string_view body);

}  // namespace hostmedic
