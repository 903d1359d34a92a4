// SPDX-License-Identifier: Apache-2.0
// The web page and its JSON, plain HTTP on loopback, read only but for one thing: a word that carries its own proof. io
// thread; the store is touched on its own thread.
//
//   GET /api/hosts                                     {now_unix_nano, hosts: [{name, id, version, fingerprint, state,
//                                                      first_seen_unix_nano, last_seen_unix_nano, open_incidents,
//                                                      lost_records, metrics: [{name, attributes, unit, value,
//                                                      at_unix_nano}]}]}; state: up | silent
//   GET /api/incidents?host=&state=&limit=&before=     {now_unix_nano, incidents: [{host, received_at_unix_nano, id,
//                                                      revision, root, kind, severity, state, confidence, summary,
//                                                      fault_at_unix_nano, opened_at_unix_nano, closed_at_unix_nano}],
//                                                      next_before: text | null}; newest first
//                                                      state: an incident's state, or "unresolved"
//   GET /api/incidents/ID?host=                        {now_unix_nano, host, received_at_unix_nano, incident: {...}}
//                                                      incident as in agent/record/record.h
//   GET /api/proposals                                 {now_unix_nano, proposals: [...]}: plans that wait for a human,
//                                                      as in waiting.h
//   POST /api/words                                    {host, word}: a word on one of them, as in
//                                                      agent/record/signed_word.h; as application/json, so that no
//                                                      page of a stranger can send one
//   GET /healthz, /metrics, /, /app.js, /style.css, /icon.svg
//
// Errors: {error: "..."} with 400, 403, 404, 405, 415 or 503.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>

#include "agent/aggregator/options.h"
#include "agent/aggregator/receiver.h"
#include "agent/aggregator/store_thread.h"
#include "agent/aggregator/waiting.h"
#include "agent/net/http.h"
#include "agent/store/fleet_store.h"

namespace hostmedic {

class Page {
 public:
  Page(const AggregatorOptions& options, FleetStore& store, StoreThread& thread, const Receiver& receiver,
       WaitingPlans& waiting)
      : options_(options), store_(store), thread_(thread), receiver_(receiver), waiting_(waiting) {}

  boost::asio::awaitable<HttpResponse> handle(const HttpRequest& request);

 private:
  boost::asio::awaitable<HttpResponse> route(const HttpRequest& request);
  HttpResponse hear(const HttpRequest& request);
  bool host_allowed(std::string_view header) const;

  const AggregatorOptions& options_;
  FleetStore& store_;
  StoreThread& thread_;
  const Receiver& receiver_;
  WaitingPlans& waiting_;
};

}  // namespace hostmedic
