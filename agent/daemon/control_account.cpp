// SPDX-License-Identifier: Apache-2.0
// Verbs about what was done and whether it was right: report, feedback.
#include <algorithm>

#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/daemon/control_api.h"
#include "agent/daemon/control_fields.h"
#include "agent/daemon/daemon.h"
#include "agent/store/account.h"

namespace hostmedic {

namespace json = boost::json;
using namespace control;

namespace {

json::value nanoseconds(const std::optional<Duration>& time) {
  if (!time) return nullptr;
  return to_ns(*time);
}

json::object account_json(const Account& account) {
  json::array runbooks, would;
  for (const auto& [name, one] : account.runbooks)
    runbooks.push_back({{"name", name},
                        {"planned", one.planned},
                        {"ordered", one.ordered},
                        {"helped", one.helped},
                        {"failed", one.failed},
                        {"undone", one.undone},
                        {"would", one.would},
                        {"mistaken", one.mistaken}});
  for (const std::string& text : account.would_have) would.push_back(json::string(text));
  return {{"incidents", account.incidents},
          {"suspicions", account.suspicions},
          {"parts", account.parts},
          {"treated", account.treated},
          {"healed", account.healed},
          {"alone", account.alone},
          {"escalated", account.escalated},
          {"open", account.open},
          {"said_real", account.said_real},
          {"said_none", account.said_none},
          {"to_notice_nano", nanoseconds(median_of(account.to_notice))},
          {"to_act_nano", nanoseconds(median_of(account.to_act))},
          {"to_recover_nano", nanoseconds(median_of(account.to_recover))},
          {"runbooks", std::move(runbooks)},
          {"would_have", std::move(would)}};
}

}  // namespace

boost::asio::awaitable<json::object> ControlApi::report(const json::object& request) {
  const std::int64_t seconds = number_of(request, "seconds", 0);
  if (seconds < 1 || seconds > 366LL * 86400)
    co_return refusal(make_error(ErrorCode::malformed, "a report is of 1 second to 366 days"));
  const WallTime since = daemon_.now().wall - std::chrono::seconds(seconds);
  auto stored = co_await daemon_.stored_incidents(AgentStore::kMostListed);
  if (!stored) co_return refusal(stored.error());
  const bool all = stored->size() < AgentStore::kMostListed || stored->back().opened_at < since;
  std::erase_if(*stored, [&](const Incident& incident) { return incident.opened_at < since; });
  json::object report = account_json(account_of(*stored, daemon_.pipeline().feedback()));
  report["since_unix_nano"] = to_ns(since);
  report["complete"] = all;  // false: only the newest were read
  json::array proposals;
  for (const ExperienceRow& row : daemon_.pipeline().experience().proposals(daemon_.now().wall))
    if (row.subject.find('.') != std::string::npos)  // a kind; a fingerprint says nothing to a human
      proposals.push_back({{"subject", row.subject}, {"action", row.action}, {"supervised", row.record.supervised}});
  report["proposals"] = std::move(proposals);
  json::object answer = accepted();
  answer["report"] = std::move(report);
  co_return answer;
}

boost::asio::awaitable<json::object> ControlApi::feedback(const Peer& peer, const json::object& request, bool on) {
  if (!on && peer.uid != 0) co_return refusal(root_only("take feedback back"));
  auto found = co_await daemon_.stored_incident(text_of(request, "id"));
  if (!found) co_return refusal(found.error());
  const Incident& incident = found->incident;
  std::vector<Feedback> all = daemon_.pipeline().feedback();
  // Who speaks of it again means the last word.
  const std::size_t removed = std::erase_if(all, [&](const Feedback& one) { return one.incident_id == incident.id; });
  json::object answer = accepted();
  answer["id"] = incident.id;
  if (!on) {
    if (removed == 0) co_return refusal(make_error(ErrorCode::not_found, "nobody said anything of " + incident.id));
    daemon_.set_feedback(std::move(all));
    answer["removed"] = removed;
    co_return answer;
  }
  Feedback word{.incident_id = incident.id,
                .root = incident.root,
                .rules = {},
                .real = flag_of(request, "real"),
                .by = peer_name(peer),
                .note = text_of(request, "note"),
                .at = daemon_.now().wall};
  for (const Anomaly& anomaly : incident.anomalies)
    if (!anomaly.proof && std::ranges::find(word.rules, anomaly.rule) == word.rules.end())
      word.rules.push_back(anomaly.rule);
  answer["rules"] = word.rules.size();
  log_notice("incident " + incident.id + " was " + (word.real ? "real" : "none") + ", says " + word.by);
  all.push_back(std::move(word));
  daemon_.set_feedback(std::move(all));
  co_return answer;
}

}  // namespace hostmedic
