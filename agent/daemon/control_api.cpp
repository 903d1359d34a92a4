// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/control_api.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/daemon/case_json.h"
#include "agent/daemon/control_fields.h"
#include "agent/daemon/daemon.h"
#include "agent/daemon/lists.h"
#include "agent/daemon/proposal_keeper.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace json = boost::json;
using namespace control;

namespace {

// What people say to outlive a restart. A halt is heard all the same: it stops at once, and the actuator keeps it too.
bool is_kept(std::string_view verb) {
  constexpr std::string_view kKept[] = {"resume", "maintenance", "silence", "expect", "feedback"};
  if (verb.ends_with("-off")) verb.remove_suffix(4);
  return std::ranges::find(kKept, verb) != std::end(kKept);
}

}  // namespace

boost::asio::awaitable<std::string> ControlApi::handle(const Peer& peer, std::string line) {
  json::object answer;
  auto request = parse_json(line, 1 << 20);
  if (!request || !request->is_object()) {
    answer = refusal(make_error(ErrorCode::malformed, "a request is one JSON object on one line"));
  } else {
    answer = co_await dispatch(peer, request->get_object());
  }
  co_return json::serialize(answer);
}

boost::asio::awaitable<json::object> ControlApi::dispatch(const Peer& peer, const json::object& request) {
  const std::string verb = text_of(request, "verb");
  if (const std::string& why = daemon_.no_disk(); !why.empty() && is_kept(verb))
    co_return refusal(make_error(ErrorCode::io, "it could not be kept, because the agent runs in memory: " + why));
  if (verb == "incidents") co_return co_await incidents(request);
  if (verb == "incident") co_return co_await incident(request);
  if (verb == "runbook-test") co_return co_await rehearse(request);
  if (verb == "feedback" || verb == "feedback-off") co_return co_await feedback(peer, request, verb == "feedback");
  if (verb == "report") co_return co_await report(request);
  json::object answer = accepted();
  if (verb == "status") {
    answer["status"] = daemon_.status();
  } else if (verb == "proposals") {
    answer = proposals();
  } else if (verb == "runbook") {
    answer = runbook(request);
  } else if (verb == "list") {
    auto rows = list_rows(daemon_, text_of(request, "what"));
    if (!rows) co_return refusal(rows.error());
    answer["items"] = *std::move(rows);
  } else if (verb == "halt" || verb == "resume" || verb == "maintenance" || verb == "maintenance-off") {
    answer = brake(peer, request, verb);
  } else if (verb == "silence" || verb == "silence-off") {
    answer = silence(peer, request, verb == "silence");
  } else if (verb == "expect" || verb == "expect-off") {
    answer = expect(peer, request, verb == "expect");
  } else if (verb == "ack") {
    answer = acknowledge(peer, request);
  } else if (verb == "approve" || verb == "reject") {
    answer = decide(peer, request, verb == "approve");
  } else if (verb == "deploy-mark") {
    answer = deploy_mark(peer, request);
  } else if (verb == "relearn") {
    if (peer.uid != 0) co_return refusal(root_only(verb));
    answer["groups"] = daemon_.pipeline().relearn(text_of(request, "entity", "*"));
    log_notice("what the models learnt of " + text_of(request, "entity", "*") + " is forgotten, by " + peer_name(peer));
  } else if (verb == "reload") {
    if (peer.uid != 0) co_return refusal(root_only(verb));
    const Status reloaded = daemon_.reload();
    if (!reloaded) co_return refusal(reloaded.error());
  } else {
    answer = refusal(make_error(ErrorCode::not_found, "unknown verb '" + verb + "'"));
  }
  co_return answer;
}

boost::asio::awaitable<json::object> ControlApi::incidents(const json::object& request) {
  const bool all = flag_of(request, "all");
  const std::int64_t limit = std::clamp<std::int64_t>(number_of(request, "limit", 100), 1, 1000);
  json::array rows;
  if (all) {
    auto stored = co_await daemon_.stored_incidents(static_cast<std::size_t>(limit));
    if (!stored) co_return refusal(stored.error());
    for (const Incident& incident : *stored) rows.push_back(to_json_object(incident));
  } else {
    std::vector<const Incident*> open;
    for (const auto& [id, incident] : daemon_.pipeline().incidents())
      if (!incident.closed_at) open.push_back(&incident);
    std::sort(open.begin(), open.end(),
              [](const Incident* a, const Incident* b) { return a->opened_at > b->opened_at; });
    for (const Incident* incident : open)
      if (rows.size() < static_cast<std::size_t>(limit)) rows.push_back(to_json_object(*incident));
  }
  json::object answer = accepted();
  answer["incidents"] = std::move(rows);
  co_return answer;
}

boost::asio::awaitable<json::object> ControlApi::incident(const json::object& request) {
  auto found = co_await daemon_.stored_incident(text_of(request, "id"));
  if (!found) co_return refusal(found.error());
  const auto live = daemon_.pipeline().incidents().find(found->incident.id);
  const Incident& incident = live == daemon_.pipeline().incidents().end() ? found->incident : live->second;
  json::array orders, outcomes;
  for (const OrderRow& row : found->orders) {
    orders.push_back(to_json_object(row.order));
    if (row.outcome) outcomes.push_back(to_json_object(*row.outcome));
  }
  json::object answer = accepted();
  answer["incident"] = to_json_object(incident);
  answer["orders"] = std::move(orders);
  answer["outcomes"] = std::move(outcomes);
  answer["similar"] = similar_json(found->similar);
  answer["traces"] = traces_json(found->traces.traces);
  if (!found->traces.missing.empty()) answer["no_traces"] = found->traces.missing;
  co_return answer;
}

json::object ControlApi::proposals() const {
  json::array rows;
  for (const Proposal& proposal : daemon_.pipeline().proposals())
    rows.push_back(to_json_object(waiting_plan(proposal)));
  json::object answer = accepted();
  answer["proposals"] = std::move(rows);
  return answer;
}

json::object ControlApi::brake(const Peer& peer, const json::object& request, std::string_view verb) {
  const bool loosens = verb == "resume" || verb == "maintenance-off";
  if (loosens && peer.uid != 0) return refusal(root_only(verb));
  Brakes brakes = daemon_.pipeline().brakes();
  const WallTime now = daemon_.now().wall;
  const std::string reason = text_of(request, "reason");
  if (verb == "halt") {
    brakes.halted = true;
    brakes.halted_by = peer_name(peer) + (reason.empty() ? "" : ": " + reason);
    brakes.halted_at = now;
  } else if (verb == "resume") {
    brakes.halted = false;
    brakes.halted_by.clear();
  } else if (verb == "maintenance") {
    const std::int64_t seconds = number_of(request, "seconds", 0);
    if (seconds < 1 || seconds > 31LL * 86400)
      return refusal(make_error(ErrorCode::malformed, "maintenance lasts from 1 second to 31 days"));
    if (brakes.maintenance.size() >= 64)
      return refusal(make_error(ErrorCode::limit, "64 maintenance windows are open already"));
    brakes.maintenance.push_back({.until = now + std::chrono::seconds(seconds),
                                  .by = peer_name(peer),
                                  .reason = reason,
                                  .entity = text_of(request, "entity", "*")});
  } else {
    brakes.maintenance.clear();
  }
  log_notice(strf("%s by %s%s%s", std::string(verb).c_str(), peer_name(peer).c_str(), reason.empty() ? "" : ": ",
                  reason.c_str()));
  daemon_.set_brakes(std::move(brakes));
  return accepted();
}

json::object ControlApi::deploy_mark(const Peer& peer, const json::object& request) {
  const auto marked = daemon_.mark_deployment({.name = text_of(request, "name"),
                                               .version = text_of(request, "version"),
                                               .entity = text_of(request, "entity", "host"),
                                               .by = peer_name(peer)});
  if (!marked) return refusal(marked.error());
  json::array rows;
  for (const Entity& entity : *marked) rows.push_back(json::string(to_string(entity)));
  json::object answer = accepted();
  answer["entities"] = std::move(rows);
  return answer;
}

json::object ControlApi::decide(const Peer& peer, const json::object& request, bool approve) {
  if (peer.uid != 0) return refusal(root_only(approve ? "approve" : "reject"));
  const std::string id = text_of(request, "id");
  Pipeline& pipeline = daemon_.pipeline();
  const Status decided = approve ? pipeline.approve(id, peer_name(peer), text_of(request, "key"), daemon_.now())
                                 : pipeline.reject(id, peer_name(peer), text_of(request, "reason"), daemon_.now());
  return decided ? accepted() : refusal(decided.error());
}

}  // namespace hostmedic
