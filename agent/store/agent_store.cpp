// SPDX-License-Identifier: Apache-2.0
#include "agent/store/agent_store.h"

#include <algorithm>
#include <functional>

#include "agent/base/text.h"
#include "agent/record/record.h"
#include "agent/store/database.h"

namespace hostmedic {

namespace {
constexpr std::string_view kMigrations[] = {
    R"sql(
CREATE TABLE incident (
  id TEXT PRIMARY KEY,
  revision INTEGER NOT NULL,
  state TEXT NOT NULL,
  kind TEXT NOT NULL,
  root TEXT NOT NULL,
  opened_at INTEGER NOT NULL,
  closed_at INTEGER,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX incident_opened ON incident (opened_at);
CREATE TABLE action (
  key TEXT PRIMARY KEY,
  incident_id TEXT NOT NULL,
  target TEXT NOT NULL,
  runbook TEXT NOT NULL,
  action TEXT NOT NULL,
  issued_at INTEGER NOT NULL,
  order_record TEXT NOT NULL,
  result TEXT,
  outcome_record TEXT
) STRICT;
CREATE INDEX action_issued ON action (issued_at);
CREATE INDEX action_incident ON action (incident_id);
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE spool (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  signal INTEGER NOT NULL,
  uid TEXT NOT NULL UNIQUE,
  made_at INTEGER NOT NULL,
  size INTEGER NOT NULL,
  payload BLOB NOT NULL
) STRICT;
CREATE INDEX spool_order ON spool (signal, id);
CREATE TABLE gap (
  signal INTEGER PRIMARY KEY,
  from_at INTEGER NOT NULL,
  to_at INTEGER NOT NULL,
  count INTEGER NOT NULL
) STRICT;
)sql",
    R"sql(
CREATE TABLE experience (
  subject TEXT NOT NULL,
  action TEXT NOT NULL,
  helped REAL NOT NULL,
  failed REAL NOT NULL,
  at INTEGER NOT NULL,
  supervised INTEGER NOT NULL,
  PRIMARY KEY (subject, action)
) STRICT;
)sql",
};
constexpr Schema kSchema{0x484d4131, kMigrations};  // "HMA1"

constexpr std::string_view kTakeOver[] = {
    "INSERT INTO incident SELECT * FROM other.incident WHERE true ON CONFLICT (id) DO UPDATE SET "
    "revision = excluded.revision, state = excluded.state, kind = excluded.kind, root = excluded.root, "
    "opened_at = excluded.opened_at, closed_at = excluded.closed_at, record = excluded.record "
    "WHERE excluded.revision >= revision",
    "INSERT OR IGNORE INTO spool (signal, uid, made_at, size, payload) "
    "SELECT signal, uid, made_at, size, payload FROM other.spool ORDER BY id",
    "DELETE FROM other.spool",
    "INSERT INTO gap SELECT * FROM other.gap WHERE true ON CONFLICT (signal) DO UPDATE SET "
    "from_at = min(from_at, excluded.from_at), to_at = max(to_at, excluded.to_at), count = count + excluded.count",
    "DELETE FROM other.gap",
};

// With WAL and synchronous=FULL SQLite syncs the log file before COMMIT returns, and with NORMAL it does not. The log
// is one file written in order, so this sync also puts everything committed before on disk: the incident that an
// order belongs to is never missing while the order is there.
template <class Write>
Status synced(Database& database, Write write) {
  Status status = database.set_sync(Sync::full);
  if (!status) return status;
  status = write();
  Status back = database.set_sync(Sync::normal);
  return status ? back : status;
}

template <class T>
Result<std::vector<T>> read_all(Statement rows, Result<T> (*read)(const Statement&)) {
  std::vector<T> all;
  while (rows.next()) {
    Result<T> one = read(rows);
    if (!one) return std::move(one.error()).in("store");
    all.push_back(std::move(*one));
  }
  Status status = rows.status();
  if (!status) return std::move(status.error());
  return all;
}

// An order goes with its incident, but not while the guard's windows may still ask for it.
Status forget_orders(Database& database, WallTime now) {
  constexpr Duration kKept = std::chrono::hours(25);
  return database.run(
      "DELETE FROM action WHERE outcome_record IS NOT NULL AND issued_at < ? "
      "AND incident_id NOT IN (SELECT id FROM incident)",
      now - kKept);
}

Result<Incident> incident_of(const Statement& row) { return incident_from_json(row.text(0)); }
Result<Order> order_of(const Statement& row) { return order_from_json(row.text(0)); }

Result<OrderRow> order_row_of(const Statement& row) {
  Result<Order> order = order_from_json(row.text(0));
  if (!order) return std::move(order.error());
  OrderRow out{std::move(*order), std::nullopt};
  if (!row.is_null(1)) {
    Result<Outcome> outcome = outcome_from_json(row.text(1));
    if (!outcome) return std::move(outcome.error());
    out.outcome = std::move(*outcome);
  }
  return out;
}
}  // namespace

AgentStore::AgentStore(std::unique_ptr<Database> database, SpoolLimits spool_limits)
    : database_(std::move(database)), spool_(std::make_unique<Spool>(*database_, spool_limits)) {}
AgentStore::AgentStore(AgentStore&&) noexcept = default;
AgentStore& AgentStore::operator=(AgentStore&&) noexcept = default;
AgentStore::~AgentStore() = default;

Result<AgentStore> AgentStore::open(const std::string& path, SpoolLimits spool_limits) {
  Result<Database> database = Database::open(path, kSchema, Sync::normal);
  if (!database) return std::move(database.error());
  return AgentStore(std::make_unique<Database>(std::move(*database)), spool_limits);
}

const std::string& AgentStore::quarantined() const { return database_->quarantined(); }

Status AgentStore::put_incident(const Incident& incident) {
  return database_->run(
      "INSERT INTO incident (id, revision, state, kind, root, opened_at, closed_at, record) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, "
      "state = excluded.state, kind = excluded.kind, root = excluded.root, opened_at = excluded.opened_at, "
      "closed_at = excluded.closed_at, record = excluded.record WHERE excluded.revision >= revision",
      incident.id, incident.revision, to_string(incident.state), incident.kind, to_string(incident.root),
      incident.opened_at, incident.closed_at, to_json(incident));
}

Result<std::vector<Incident>> AgentStore::unresolved() {
  return read_all(database_->query("SELECT record FROM incident WHERE closed_at IS NULL AND state <> 'resolved' "
                                   "ORDER BY opened_at, id LIMIT ?",
                                   kMostListed),
                  incident_of);
}

Result<std::vector<Incident>> AgentStore::incidents(const IncidentQuery& query) {
  std::optional<std::string> state;
  if (query.state) state = to_string(*query.state);
  return read_all(database_->query(
                      "SELECT record FROM incident WHERE (?1 IS NULL OR opened_at < ?1) AND (?2 IS NULL OR state = ?2) "
                      "ORDER BY opened_at DESC, id LIMIT ?3",
                      query.opened_before, state, std::min(query.limit, kMostListed)),
                  incident_of);
}

Result<Incident> AgentStore::find_incident(std::string_view prefix) {
  const std::string shown = "incident '" + printable(prefix, 64) + "'";
  Result<std::vector<Incident>> found =
      read_all(database_->query("SELECT record FROM incident WHERE substr(id, 1, length(?1)) = ?1 "
                                "ORDER BY id = ?1 DESC LIMIT 2",
                                prefix),
               incident_of);
  if (!found) return std::move(found.error());
  if (found->empty() || prefix.empty()) return make_error(ErrorCode::not_found, "no " + shown);
  if (found->size() > 1 && found->front().id != prefix)
    return make_error(ErrorCode::conflict, shown + " is not the only one that starts so");
  return std::move(found->front());
}

Result<SimilarCases> AgentStore::similar(const Incident& incident) {
  SimilarCases cases;
  const auto query = [&](std::string_view columns, Likeness likeness, std::size_t limit) {
    return database_->query(
        "SELECT " + std::string(columns) +
            " FROM incident WHERE kind = ?1 AND id <> ?2 AND opened_at < ?3 "
            "AND (?4 < 2 OR root = ?5) AND (?4 < 3 OR json_extract(record, '$.fingerprint') = ?6) "
            "AND NOT json_extract(record, '$.suspicion') AND json_extract(record, '$.part_of') = '' "
            "ORDER BY opened_at DESC, id LIMIT ?7",
        incident.kind, incident.id, incident.opened_at, static_cast<std::int64_t>(likeness), to_string(incident.root),
        incident.fingerprint, limit);
  };
  for (const Likeness likeness : {Likeness::fingerprint, Likeness::root, Likeness::kind}) {
    Statement counted = query("count(*)", likeness, 1);
    if (counted.next()) cases.count = counted.integer(0);
    if (Status status = counted.status(); !status) return std::move(status.error());
    if (cases.count == 0) continue;
    cases.likeness = likeness;
    break;
  }
  if (cases.count == 0) return cases;
  Statement rows = query("record", cases.likeness, SimilarCases::kMostRead);
  while (rows.next()) {
    const Result<Incident> past = incident_of(rows);
    if (!past) continue;
    const Result<std::vector<OrderRow>> orders = orders_of(past->id);
    if (!orders) return orders.error();
    add_past(cases, *past, *orders);
  }
  if (Status status = rows.status(); !status) return std::move(status.error());
  std::ranges::stable_sort(cases.treatments, std::greater{}, &PastTreatment::proved);
  return cases;
}

Status AgentStore::put_order(const Order& order) {
  if (order.key.empty()) return make_error(ErrorCode::malformed, "an order without a key");
  Status status = synced(*database_, [&] {
    return database_->run(
        "INSERT INTO action (key, incident_id, target, runbook, action, issued_at, order_record) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        order.key, order.incident_id, to_string(order.plan.target), order.runbook, order.plan.action, order.issued_at,
        to_json(order));
  });
  if (!status && status.error().code == ErrorCode::conflict)
    return make_error(ErrorCode::conflict, "order " + printable(order.key, 64) + " is known already");
  return status;
}

Status AgentStore::put_outcome(const Outcome& outcome) {
  const Result<std::int64_t> known = database_->one_integer("SELECT count(*) FROM action WHERE key = ?", outcome.key);
  if (!known) return known.error();
  if (*known == 0) return make_error(ErrorCode::not_found, "no order " + printable(outcome.key, 64));
  return synced(*database_, [&] {
    return database_->run("UPDATE action SET result = ?, outcome_record = ? WHERE key = ? AND outcome_record IS NULL",
                          to_string(outcome.result), to_json(outcome), outcome.key);
  });
}

Result<std::vector<Order>> AgentStore::open_orders() {
  return read_all(database_->query("SELECT order_record FROM action WHERE outcome_record IS NULL "
                                   "ORDER BY issued_at, rowid"),
                  order_of);
}

Result<std::vector<OrderRow>> AgentStore::orders_of(std::string_view incident_id) {
  auto newest = read_all(database_->query("SELECT order_record, outcome_record FROM action WHERE incident_id = ? "
                                          "ORDER BY issued_at DESC, rowid DESC LIMIT ?",
                                          incident_id, kMostListed),
                         order_row_of);
  if (newest) std::ranges::reverse(*newest);
  return newest;
}

Result<std::vector<guard::PastAction>> AgentStore::history(WallTime since) {
  std::vector<guard::PastAction> past;
  Statement rows = database_->query(
      "SELECT key, target, runbook, action, issued_at, result, incident_id, "
      "coalesce(json_extract(order_record, '$.undoes'), '') FROM action WHERE issued_at >= ? "
      "ORDER BY issued_at DESC, rowid DESC LIMIT ?",
      since, kMostHistory);
  while (rows.next()) {
    guard::PastAction one;
    one.key = rows.text(0);
    one.target = entity_from(rows.text(1)).value_or(Entity{});
    one.runbook = rows.text(2);
    one.action = rows.text(3);
    one.at = rows.time(4);
    one.finished = !rows.is_null(5);
    if (one.finished) one.result = outcome_result_from(rows.text(5)).value_or(OutcomeResult::interrupted);
    one.incident_id = rows.text(6);
    one.undoes = rows.text(7);
    past.push_back(std::move(one));
  }
  Status status = rows.status();
  if (!status) return std::move(status.error());
  std::reverse(past.begin(), past.end());
  return past;
}

Status AgentStore::set_setting(std::string_view name, std::string_view value) {
  if (name.empty() || name.size() > 64 || value.size() > kMostSetting)
    return make_error(ErrorCode::limit, "a setting's name or value is too long");
  return synced(*database_, [&] {
    return database_->run("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", name, value);
  });
}

Result<std::optional<std::string>> AgentStore::setting(std::string_view name) {
  std::optional<std::string> value;
  Statement row = database_->query("SELECT value FROM setting WHERE name = ?", name);
  if (row.next()) value = std::string(row.text(0));
  Status status = row.status();
  if (!status) return std::move(status.error());
  return value;
}

Status AgentStore::put_experience(const std::vector<ExperienceRow>& rows) {
  Transaction transaction(*database_);
  Status status = transaction.begun();
  for (const ExperienceRow& row : rows) {
    if (!status) break;
    status = database_->run(
        "INSERT OR REPLACE INTO experience (subject, action, helped, failed, at, supervised) VALUES (?, ?, ?, ?, ?, ?)",
        row.subject, row.action, row.record.helped, row.record.failed, row.record.at, row.record.supervised);
  }
  if (status)
    status = database_->run(
        "DELETE FROM experience WHERE rowid NOT IN (SELECT rowid FROM experience ORDER BY at DESC LIMIT ?)",
        Experience::kMostRows);
  return status ? transaction.commit() : status;
}

Result<std::vector<ExperienceRow>> AgentStore::experience() {
  std::vector<ExperienceRow> rows;
  Statement statement =
      database_->query("SELECT subject, action, helped, failed, at, supervised FROM experience ORDER BY at");
  while (statement.next()) {
    ExperienceRow& row = rows.emplace_back();
    row.subject = statement.text(0);
    row.action = statement.text(1);
    row.record = {.helped = statement.number(2),
                  .failed = statement.number(3),
                  .at = statement.time(4),
                  .supervised = static_cast<int>(statement.integer(5))};
  }
  Status status = statement.status();
  if (!status) return std::move(status.error());
  return rows;
}

Status AgentStore::take_over(const std::string& path) {
  {
    auto other = Database::open(path, kSchema, Sync::normal);  // as this version knows it
    if (!other) return std::move(other.error());
  }
  Status status = database_->run("ATTACH ? AS other", path);
  if (!status) return status;
  {
    Transaction transaction(*database_);
    status = transaction.begun();
    for (const std::string_view sql : kTakeOver)
      if (status) status = database_->run(sql);
    if (status) status = transaction.commit();
  }
  const Status detached = database_->run("DETACH other");
  return status ? detached : status;
}

Status AgentStore::prune(WallTime now, Bytes most_size, Duration most_age) {
  Status status = spool_->expire(now);
  if (status) status = database_->run("DELETE FROM incident WHERE closed_at < ?", now - most_age);
  constexpr int kAtOnce = 32;
  while (status) {
    const Result<Bytes> used = database_->used();
    if (!used) return used.error();
    if (*used <= most_size) break;
    status = database_->run(
        "DELETE FROM incident WHERE id IN (SELECT id FROM incident WHERE closed_at IS NOT NULL "
        "ORDER BY closed_at LIMIT ?)",
        kAtOnce);
    if (database_->changes() == 0) break;
    if (status) status = forget_orders(*database_, now);
  }
  if (status) status = forget_orders(*database_, now);
  if (status) status = database_->vacuum(mib(4));
  return status;
}

}  // namespace hostmedic
