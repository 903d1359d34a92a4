// SPDX-License-Identifier: Apache-2.0
// What the daemon answers from its store and its recordings.
#include "agent/daemon/daemon.h"

namespace hostmedic {

using boost::asio::awaitable;

awaitable<Result<std::vector<Incident>>> Daemon::stored_incidents(std::size_t limit) {
  auto job = [this, limit] { return store_->incidents({.limit = limit, .opened_before = {}, .state = {}}); };
  co_return co_await worker_.call(std::move(job));
}

awaitable<Result<StoredIncident>> Daemon::stored_incident(std::string id_prefix) {
  RecordedPlaces places{.dir = state_dir_ + "/recorder", .off = recorder_ == nullptr, .since = {}};
  if (recorder_) places.since = recorder_->state().since;
  auto job = [this, prefix = std::move(id_prefix), places = std::move(places),
              at = now().wall]() -> Result<StoredIncident> {
    auto incident = store_->find_incident(prefix);
    if (!incident) return std::move(incident).error();
    auto orders = store_->orders_of(incident->id);
    if (!orders) return std::move(orders).error();
    auto similar = store_->similar(*incident);
    if (!similar) return std::move(similar).error();
    CaseTraces traces = case_traces(*incident, at, places);
    return StoredIncident{std::move(*incident), std::move(*orders), std::move(*similar), std::move(traces)};
  };
  co_return co_await worker_.call(std::move(job));
}

}  // namespace hostmedic
