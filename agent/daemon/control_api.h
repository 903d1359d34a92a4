// SPDX-License-Identifier: Apache-2.0
// What the control socket understands. One JSON object per line each way; io thread only.
//
//   request  {"verb": "...", ...}                          answer {"ok": true, ...} or
//                                                                 {"ok": false, "code": "denied", "message": "..."}
//   status                                                 {status: {...}}
//   incidents    {all?: bool, limit?: 1..1000}             {incidents: [incident]} newest first; open ones unless all
//   incident     {id: prefix}                              {incident, orders: [order], outcomes: [outcome],
//                                                           similar, traces: see case_json.h, no_traces?: why}
//   proposals                                              {proposals: [{incident_id, order, others: [order],
//                                                                         expires_at_unix_nano}]}
//   list         {what: one of the table in lists.cpp}     {items: [...]}
//   halt         {reason?}                                 stops all acting, at once and over restarts
//   resume                                                 (root only)
//   maintenance  {seconds, reason?, entity?}               no action on matching entities until then
//   maintenance-off                                        (root only)
//   silence      {seconds, entity, kind?, reason?}         nobody is told of what matches, nothing is done about it
//   silence-off  {entity}                                  (root only) {removed: how many}
//   ack          {id: prefix, reason?}                     a human knows of it {id}
//   expect       {seconds, from_unix_nano?, entity?, series?, factor | shadow, name?}   {name}
//   expect-off   {name}                                    (root only) {removed: how many}
//   feedback     {id: prefix, real: bool, note?}           what a human makes of it {id, rules: how many it moves}
//   feedback-off {id: prefix}                              (root only) {removed: how many}
//   report       {seconds}                                 {report: see agent/store/account.h}
//   approve      {id, key?}, reject {id, reason?}          (root only) key: one of the proposal's `others` instead
//   runbook      {name}                                    {runbook: all of it, with its tier here}
//   runbook-test {name, id: prefix}                        {incident_id, incident, open, unfit, when, require, steps}:
//                                                           what it would do now; nothing is done
//   relearn      {entity?: pattern}                        (root only) {groups: how many models begin anew}
//   deploy-mark  {name, version?, entity?}                 {entities: [...]} that were marked; host unless said
//   reload                                                 (root only) as SIGHUP; answers what changed or why not
//
// Whoever may open the socket may read and may stop the agent; only root may let it act again. The actuator keeps its
// own brakes, which the command line sets too: this process could not release them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <string>

#include "agent/net/control_server.h"

namespace hostmedic {

class Daemon;

class ControlApi {
 public:
  explicit ControlApi(Daemon& daemon) : daemon_(daemon) {}
  boost::asio::awaitable<std::string> handle(const Peer& peer, std::string line);

 private:
  boost::asio::awaitable<boost::json::object> dispatch(const Peer& peer, const boost::json::object& request);
  boost::asio::awaitable<boost::json::object> incidents(const boost::json::object& request);
  boost::asio::awaitable<boost::json::object> incident(const boost::json::object& request);
  boost::asio::awaitable<boost::json::object> rehearse(const boost::json::object& request);
  boost::json::object runbook(const boost::json::object& request) const;
  boost::json::object proposals() const;
  boost::json::object brake(const Peer& peer, const boost::json::object& request, std::string_view verb);
  boost::json::object deploy_mark(const Peer& peer, const boost::json::object& request);
  boost::json::object silence(const Peer& peer, const boost::json::object& request, bool on);
  boost::json::object expect(const Peer& peer, const boost::json::object& request, bool on);
  boost::asio::awaitable<boost::json::object> feedback(const Peer& peer, const boost::json::object& request, bool on);
  boost::asio::awaitable<boost::json::object> report(const boost::json::object& request);
  boost::json::object acknowledge(const Peer& peer, const boost::json::object& request);
  boost::json::object decide(const Peer& peer, const boost::json::object& request, bool approve);

  Daemon& daemon_;
};

}  // namespace hostmedic
