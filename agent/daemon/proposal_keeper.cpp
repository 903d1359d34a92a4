// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/proposal_keeper.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <set>
#include <utility>

#include "agent/base/host_identity.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/daemon/upstream.h"
#include "agent/record/record_json.h"

namespace hostmedic {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

}  // namespace

WaitingPlan waiting_plan(const Proposal& proposal) {
  return {proposal.incident_id, proposal.order, proposal.others, proposal.expires_at, {}};
}

std::string proposals_body(const std::vector<Proposal>& waiting, const Refusal& refusal) {
  json::array shown;
  std::size_t size = 0;
  for (const Proposal& proposal : waiting) {
    WaitingPlan plan = waiting_plan(proposal);
    plan.refused = refusal(proposal);
    json::object one = to_json_object(plan);
    size += json::serialize(one).size();
    if (size > ProposalKeeper::kMostBody || shown.size() == ProposalKeeper::kMostShown) break;
    shown.push_back(std::move(one));
  }
  return json::serialize(json::object{
      {"host_id", host_identity().id}, {"host_name", host_identity().name}, {"proposals", std::move(shown)}});
}

Result<std::vector<SignedWord>> words_of(std::string_view body) {
  const auto parsed = parse_json(body, ProposalKeeper::kMostBody);
  if (!parsed) return parsed.error();
  const json::object* const said = parsed->if_object();
  const json::value* const list = said != nullptr ? said->if_contains("words") : nullptr;
  if (list == nullptr || !list->is_array()) return make_error(ErrorCode::malformed, "the answer has no words");
  if (list->get_array().size() > ProposalKeeper::kMostWords)
    return make_error(ErrorCode::limit, "the answer has too many words");
  std::vector<SignedWord> words;
  for (const json::value& one : list->get_array()) {
    auto word = word_from_value(one, "words");
    if (!word) return std::move(word).error();
    words.push_back(*std::move(word));
  }
  return words;
}

struct ProposalKeeper::Core {
  asio::any_io_executor executor;
  Said said;
  std::optional<Upstream> upstream;
  std::string told;  // why it does not work, as it was logged; empty: it works
  bool busy = false;
  MonoTime not_before;
  std::set<std::string> shown;                  // incidents whose plans the aggregator was told of last
  std::map<std::string, std::string> heard;     // incidents, by signatures that need not be looked at again
  std::map<std::string, std::string> refusals;  // by incident

  void tell(const std::string& why);
  void forget(const std::vector<Proposal>& waiting);
  asio::awaitable<void> exchange(std::string body);
  asio::awaitable<Result<std::vector<SignedWord>>> post(std::string body);
};

void ProposalKeeper::Core::tell(const std::string& why) {
  if (why == told) return;
  told = why;
  if (!why.empty()) log_warning("plans that wait cannot be shown to the aggregator: " + why);
}

// What was said of plans that wait no more.
void ProposalKeeper::Core::forget(const std::vector<Proposal>& waiting) {
  const auto is_over = [&](const std::string& incident) {
    return std::ranges::find(waiting, incident, &Proposal::incident_id) == waiting.end();
  };
  std::erase_if(refusals, [&](const auto& one) { return is_over(one.first); });
  std::erase_if(heard, [&](const auto& one) { return is_over(one.second); });
}

asio::awaitable<Result<std::vector<SignedWord>>> ProposalKeeper::Core::post(std::string body) {
  if (!upstream) co_return make_error(ErrorCode::conflict, "the aggregator was taken from the configuration");
  const auto response = co_await post_json(executor, *upstream, "/v1/proposals", std::move(body));
  if (!response) co_return response.error();
  if (response->status != 200)
    co_return make_error(ErrorCode::io, strf("HTTP status %u: ", response->status) + printable(response->body, 300));
  co_return words_of(response->body);
}

asio::awaitable<void> ProposalKeeper::Core::exchange(std::string body) {
  const auto words = co_await post(std::move(body));
  busy = false;
  tell(words ? "" : words.error().message());
  if (!words) co_return;
  for (const SignedWord& word : *words)
    if (said && shown.contains(word.incident_id) && heard.size() < kMostWords &&
        heard.emplace(word.signature, word.incident_id).second)
      said(word);
}

ProposalKeeper::ProposalKeeper(asio::any_io_executor executor, Said said) : core_(std::make_shared<Core>()) {
  core_->executor = std::move(executor);
  core_->said = std::move(said);
}

ProposalKeeper::~ProposalKeeper() { core_->said = nullptr; }

void ProposalKeeper::connect(const UpstreamConfig& config) {
  core_->upstream.reset();
  if (config.url.empty()) return;
  auto upstream = reach_for_questions(config, Bytes{kMostBody});
  if (!upstream) {
    core_->tell(upstream.error().message());
    return;
  }
  core_->upstream = std::move(*upstream);
}

void ProposalKeeper::every_second(MonoTime now, const std::vector<Proposal>& waiting) {
  Core& core = *core_;
  core.forget(waiting);
  // The last one that is told of says that nothing waits any more.
  if (!core.upstream || core.busy || now < core.not_before || (waiting.empty() && core.shown.empty())) return;
  core.shown.clear();
  for (const Proposal& proposal : waiting) core.shown.insert(proposal.incident_id);
  core.busy = true;
  core.not_before = now + kPause;
  const auto refusal = [&core](const Proposal& proposal) {
    const auto found = core.refusals.find(proposal.incident_id);
    return found == core.refusals.end() ? std::string() : found->second;
  };
  const auto exchange = [](std::shared_ptr<Core> self, std::string body) -> asio::awaitable<void> {
    co_await self->exchange(std::move(body));
  };
  asio::co_spawn(core.executor, exchange(core_, proposals_body(waiting, refusal)), asio::detached);
}

void ProposalKeeper::refused(const SignedWord& word, const Error& error) {
  core_->refusals[word.incident_id] = printable(error.message(), 300);
  core_->not_before = {};
  const bool again =
      error.code == ErrorCode::timeout || error.code == ErrorCode::io || error.code == ErrorCode::not_found;
  if (again) core_->heard.erase(word.signature);
}

}  // namespace hostmedic
