// SPDX-License-Identifier: Apache-2.0
#include "agent/store/fleet_store.h"

#include <algorithm>

#include "agent/base/text.h"
#include "agent/store/database.h"

namespace hostmedic {

namespace {
constexpr std::string_view kMigrations[] = {
    R"sql(
CREATE TABLE host (
  name TEXT PRIMARY KEY,
  host_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  version TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  lost INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE log (
  host TEXT NOT NULL REFERENCES host (name),
  uid TEXT NOT NULL,
  at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  event_name TEXT NOT NULL,
  severity INTEGER NOT NULL,
  body TEXT NOT NULL,
  attributes TEXT NOT NULL,
  UNIQUE (host, uid)
) STRICT;
CREATE INDEX log_received ON log (received_at);
CREATE TABLE incident (
  host TEXT NOT NULL REFERENCES host (name),
  id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  state TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  closed_at INTEGER,
  received_at INTEGER NOT NULL,
  record TEXT NOT NULL,
  UNIQUE (host, id)
) STRICT;
CREATE INDEX incident_opened ON incident (opened_at);
CREATE INDEX incident_id ON incident (id);
CREATE TABLE metric (
  host TEXT NOT NULL REFERENCES host (name),
  name TEXT NOT NULL,
  attributes TEXT NOT NULL,
  unit TEXT NOT NULL,
  value REAL NOT NULL,
  at INTEGER NOT NULL,
  UNIQUE (host, name, attributes)
) STRICT;
)sql",
    R"sql(
CREATE TABLE lease (
  host TEXT PRIMARY KEY,
  action TEXT NOT NULL,
  entity TEXT NOT NULL,
  granted_at INTEGER NOT NULL,
  until INTEGER NOT NULL
) STRICT;
)sql",
};
constexpr Schema kSchema{0x484d4631, kMigrations};  // "HMF1"
// Forgotten before it is looked again: about as they come, so that neither is kept at the cost of the other.
constexpr int kRecordsAtOnce = 32, kIncidentsAtOnce = 16;
constexpr std::string_view kUnclosed = "closed_at IS NULL AND state <> 'resolved'";
// Of those, what nothing confirms yet calls for nobody, and what another incident explains calls only once.
constexpr std::string_view kSuspicion = "coalesce(json_extract(record, '$.suspicion'), 0)";
constexpr std::string_view kPart = "coalesce(json_extract(record, '$.part_of'), '') <> ''";

std::string calls_for_a_human() {
  return std::string(kUnclosed) + " AND NOT " + std::string(kSuspicion) + " AND NOT (" + std::string(kPart) + ")";
}

FleetIncident incident_of(const Statement& row) {
  return {std::string(row.text(0)), row.time(1), std::string(row.text(2))};
}
}  // namespace

FleetStore::FleetStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}
FleetStore::FleetStore(FleetStore&&) noexcept = default;
FleetStore& FleetStore::operator=(FleetStore&&) noexcept = default;
FleetStore::~FleetStore() = default;

Result<FleetStore> FleetStore::open(const std::string& path) {
  Result<Database> database = Database::open(path, kSchema, Sync::full);
  if (!database) return std::move(database.error());
  return FleetStore(std::make_unique<Database>(std::move(*database)));
}

const std::string& FleetStore::quarantined() const { return database_->quarantined(); }

Status FleetStore::see(const FleetSender& sender, WallTime now) {
  return database_->run(
      "INSERT INTO host (name, host_id, fingerprint, version, first_seen, last_seen) VALUES (?1, ?2, ?3, ?4, ?5, ?5) "
      "ON CONFLICT (name) DO UPDATE SET host_id = coalesce(nullif(excluded.host_id, ''), host_id), "
      "fingerprint = excluded.fingerprint, version = coalesce(nullif(excluded.version, ''), version), "
      "last_seen = max(last_seen, excluded.last_seen)",
      sender.host, sender.host_id, sender.fingerprint, sender.version, now);
}

Status FleetStore::add_log(const FleetSender& sender, const FleetLog& log, WallTime now, FleetReceipt& receipt) {
  Status status = database_->run(
      "INSERT OR IGNORE INTO log (host, uid, at, received_at, event_name, severity, body, attributes) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      sender.host, log.uid, log.at, now, log.event_name, log.severity, log.body, log.attributes);
  if (!status) return status;
  if (database_->changes() == 0) {
    ++receipt.duplicates;
    return ok();
  }
  ++receipt.stored;
  if (log.lost > 0)
    status = database_->run("UPDATE host SET lost = lost + ? WHERE name = ?", static_cast<std::int64_t>(log.lost),
                            sender.host);
  if (!status || !log.incident) return status;
  return database_->run(
      "INSERT INTO incident (host, id, revision, state, opened_at, closed_at, received_at, record) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (host, id) DO UPDATE SET revision = excluded.revision, "
      "state = excluded.state, opened_at = excluded.opened_at, closed_at = excluded.closed_at, "
      "received_at = excluded.received_at, record = excluded.record WHERE excluded.revision > revision",
      sender.host, log.incident->id, log.incident->revision, to_string(log.incident->state), log.incident->opened_at,
      log.incident->closed_at, now, log.incident_record);
}

Result<FleetReceipt> FleetStore::add_logs(const FleetSender& sender, const std::vector<FleetLog>& logs, WallTime now) {
  FleetReceipt receipt;
  Transaction transaction(*database_);
  Status status = transaction.begun();
  if (status) status = see(sender, now);
  for (std::size_t i = 0; i < logs.size() && status; ++i) status = add_log(sender, logs[i], now, receipt);
  if (status) status = transaction.commit();
  if (!status) return std::move(status.error());
  return receipt;
}

Status FleetStore::add_metrics(const FleetSender& sender, const std::vector<FleetMetric>& metrics, WallTime now) {
  Transaction transaction(*database_);
  Status status = transaction.begun();
  if (status) status = see(sender, now);
  for (std::size_t i = 0; i < metrics.size() && status; ++i) {
    const FleetMetric& metric = metrics[i];
    status = database_->run(
        "INSERT INTO metric (host, name, attributes, unit, value, at) SELECT ?1, ?2, ?3, ?4, ?5, ?6 "
        "WHERE (SELECT count(*) FROM metric WHERE host = ?1) < ?7 "
        "OR EXISTS (SELECT 1 FROM metric WHERE host = ?1 AND name = ?2 AND attributes = ?3) "
        "ON CONFLICT (host, name, attributes) DO UPDATE SET value = excluded.value, unit = excluded.unit, "
        "at = excluded.at WHERE excluded.at >= at",
        sender.host, metric.name, metric.attributes, metric.unit, metric.value, metric.at, kMostMetrics);
  }
  if (status) status = transaction.commit();
  return status;
}

Result<std::vector<FleetHost>> FleetStore::hosts() {
  std::vector<FleetHost> hosts;
  Statement rows = database_->query(
      "SELECT name, host_id, fingerprint, version, first_seen, last_seen, lost, (SELECT count(*) FROM incident i "
      "WHERE i.host = host.name AND " +
          calls_for_a_human() + ") FROM host ORDER BY name LIMIT ?",
      kMostHosts);
  while (rows.next()) {
    FleetHost host;
    host.sender = {std::string(rows.text(0)), std::string(rows.text(1)), std::string(rows.text(2)),
                   std::string(rows.text(3))};
    host.first_seen = rows.time(4);
    host.last_seen = rows.time(5);
    host.lost_records = static_cast<std::uint64_t>(rows.integer(6));
    host.open_incidents = rows.integer(7);
    hosts.push_back(std::move(host));
  }
  Status status = rows.status();
  if (!status) return std::move(status.error());
  for (FleetHost& host : hosts) {
    Statement metrics = database_->query(
        "SELECT name, attributes, unit, value, at FROM metric WHERE host = ? ORDER BY name, attributes",
        host.sender.host);
    while (metrics.next())
      host.metrics.push_back({std::string(metrics.text(0)), std::string(metrics.text(1)), std::string(metrics.text(2)),
                              metrics.number(3), metrics.time(4)});
    status = metrics.status();
    if (!status) return std::move(status.error());
  }
  return hosts;
}

Result<std::vector<FleetIncident>> FleetStore::incidents(const FleetQuery& query) {
  std::optional<std::string> state;
  if (query.state) state = to_string(*query.state);
  std::vector<FleetIncident> found;
  Statement rows = database_->query(
      "SELECT host, received_at, record FROM incident WHERE (?1 = '' OR host = ?1) AND (?2 IS NULL OR state = ?2) "
      "AND (?3 IS NULL OR opened_at < ?3) AND (?4 = 0 OR (" +
          std::string(kUnclosed) + ")) ORDER BY opened_at DESC, id, host LIMIT ?5",
      query.host, state, query.opened_before, query.unclosed_only, std::min(query.limit, kMostListed));
  while (rows.next()) found.push_back(incident_of(rows));
  Status status = rows.status();
  if (!status) return std::move(status.error());
  return found;
}

Result<FleetIncident> FleetStore::incident(std::string_view id, std::string_view host) {
  Statement row = database_->query(
      "SELECT host, received_at, record FROM incident WHERE id = ?1 AND (?2 = '' OR host = ?2) "
      "ORDER BY opened_at DESC LIMIT 1",
      id, host);
  if (row.next()) return incident_of(row);
  Status status = row.status();
  if (!status) return std::move(status.error());
  return make_error(ErrorCode::not_found, "no incident '" + printable(id, 64) + "'");
}

Result<FleetCounts> FleetStore::counts() {
  Statement row = database_->query(
      "SELECT (SELECT count(*) FROM host), (SELECT count(*) FROM incident), (SELECT count(*) FROM incident WHERE " +
      calls_for_a_human() + "), (SELECT count(*) FROM incident WHERE " + std::string(kUnclosed) + " AND " +
      std::string(kSuspicion) + "), (SELECT count(*) FROM log)");
  if (!row.next()) {
    Status status = row.status();
    return status ? make_error(ErrorCode::io, "no row") : std::move(status.error());
  }
  return FleetCounts{row.integer(0), row.integer(1), row.integer(2), row.integer(3), row.integer(4)};
}

Status FleetStore::expire(WallTime now, Duration most_age) {
  const WallTime oldest = now - most_age;
  Status status = database_->run("DELETE FROM log WHERE received_at < ?", oldest);
  if (status) status = database_->run("DELETE FROM incident WHERE received_at < ? AND closed_at IS NOT NULL", oldest);
  if (status) status = database_->run("DELETE FROM metric WHERE at < ?", oldest);
  if (!status) return status;
  return database_->run(
      "DELETE FROM host WHERE last_seen < ? AND NOT EXISTS (SELECT 1 FROM incident WHERE incident.host = host.name) "
      "AND NOT EXISTS (SELECT 1 FROM log WHERE log.host = host.name) "
      "AND NOT EXISTS (SELECT 1 FROM metric WHERE metric.host = host.name)",
      oldest);
}

Status FleetStore::shrink(Bytes most_size) {
  for (;;) {
    const Result<Bytes> used = database_->used();
    if (!used) return used.error();
    if (*used <= most_size) break;
    std::int64_t gone = 0;
    const auto forget = [&](std::string_view query, int most) {
      Status status = database_->run(query, most);
      if (status) gone += database_->changes();
      return status;
    };
    Status status =
        forget("DELETE FROM log WHERE rowid IN (SELECT rowid FROM log ORDER BY received_at LIMIT ?)", kRecordsAtOnce);
    if (status)
      status = forget(
          "DELETE FROM incident WHERE rowid IN (SELECT rowid FROM incident WHERE closed_at IS NOT NULL "
          "ORDER BY received_at LIMIT ?)",
          kIncidentsAtOnce);
    // Who sends open incidents without end must not fill the disk either.
    if (status && gone == 0)
      status = forget(
          "DELETE FROM incident WHERE rowid IN (SELECT rowid FROM incident WHERE host = "
          "(SELECT host FROM incident GROUP BY host ORDER BY count(*) DESC LIMIT 1) ORDER BY received_at LIMIT ?)",
          kIncidentsAtOnce);
    if (!status) return status;
    if (gone == 0) break;
  }
  return database_->vacuum(mib(16));
}

}  // namespace hostmedic
