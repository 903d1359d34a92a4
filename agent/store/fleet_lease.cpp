// SPDX-License-Identifier: Apache-2.0
// The fleet's leases: how many hosts may act at once.
#include <algorithm>

#include "agent/base/text.h"
#include "agent/store/database.h"
#include "agent/store/fleet_store.h"

namespace hostmedic {

int LeaseLimits::most_of(std::int64_t hosts) const {
  const auto of_share = static_cast<std::int64_t>(share * static_cast<double>(hosts));
  return static_cast<int>(std::clamp<std::int64_t>(of_share, 1, most));
}

// A lease that ends later than any can was granted before this clock was set back: it counts no more.
Result<std::vector<FleetLease>> FleetStore::leases(WallTime now) {
  std::vector<FleetLease> found;
  Statement rows = database_->query(
      "SELECT host, action, entity, granted_at, until FROM lease WHERE until > ? AND until <= ? "
      "ORDER BY granted_at, host",
      now, now + kLongestLease);
  while (rows.next())
    found.push_back(
        {std::string(rows.text(0)), std::string(rows.text(1)), std::string(rows.text(2)), rows.time(3), rows.time(4)});
  Status status = rows.status();
  if (!status) return std::move(status.error());
  return found;
}

Result<LeaseDecision> FleetStore::ask_lease(const FleetLease& asked, const LeaseLimits& limits) {
  Transaction transaction(*database_);
  Status status = transaction.begun();
  if (!status) return std::move(status.error());
  const Result<FleetCounts> known = counts();
  if (!known) return known.error();
  auto held = leases(asked.granted_at);
  if (!held) return std::move(held.error());
  std::erase_if(*held, [&](const FleetLease& one) { return one.host == asked.host; });
  const int most = limits.most_of(known->hosts);
  LeaseDecision decision;
  decision.granted = held->size() < static_cast<std::size_t>(most);
  decision.text = strf("%zu of %d hosts at work", held->size(), most);
  if (!held->empty())
    decision.text += ": " + held->front().host + " (" + held->front().action + " on " + held->front().entity + ")";
  if (!decision.granted) return decision;
  status = database_->run(
      "INSERT INTO lease (host, action, entity, granted_at, until) VALUES (?1, ?2, ?3, ?4, ?5) "
      "ON CONFLICT (host) DO UPDATE SET action = ?2, entity = ?3, granted_at = ?4, until = ?5",
      asked.host, asked.action, asked.entity, asked.granted_at,
      std::min(asked.until, asked.granted_at + kLongestLease));
  if (status) status = transaction.commit();
  if (!status) return std::move(status.error());
  return decision;
}

Status FleetStore::end_lease(const std::string& host) {
  return database_->run("DELETE FROM lease WHERE host = ?", host);
}

}  // namespace hostmedic
