// SPDX-License-Identifier: Apache-2.0
#include "agent/store/ledger.h"

#include <algorithm>

#include "agent/base/clock.h"
#include "agent/base/text.h"
#include "agent/record/record.h"
#include "agent/store/database.h"
#include "agent/store/ledger_chain.h"
#include "agent/store/quarantine.h"

namespace hostmedic {

namespace {
constexpr std::string_view kMigrations[] = {
    R"sql(
CREATE TABLE entry (
  key TEXT PRIMARY KEY,
  target TEXT NOT NULL,
  runbook TEXT NOT NULL,
  action TEXT NOT NULL,
  begun_at INTEGER NOT NULL,
  order_record TEXT NOT NULL,
  verdict_record TEXT NOT NULL,
  result TEXT,
  outcome_record TEXT
) STRICT;
CREATE INDEX entry_begun ON entry (begun_at);
CREATE TABLE halt (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  by TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE TABLE maintenance (
  entity TEXT PRIMARY KEY,
  until INTEGER NOT NULL,
  by TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE TABLE approval (
  key TEXT PRIMARY KEY,
  by TEXT NOT NULL,
  at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE TABLE human_undo (
  target TEXT NOT NULL,
  action TEXT NOT NULL,
  by TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (target, action)
) STRICT;
)sql",
    R"sql(
ALTER TABLE entry ADD COLUMN undoes TEXT NOT NULL DEFAULT '';
ALTER TABLE entry ADD COLUMN boot TEXT NOT NULL DEFAULT '';
ALTER TABLE entry ADD COLUMN uptime INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN ends_at INTEGER;
CREATE INDEX entry_undoes ON entry (undoes) WHERE undoes <> '';
CREATE INDEX entry_boot ON entry (boot, uptime);
CREATE INDEX entry_ends ON entry (ends_at) WHERE ends_at IS NOT NULL;
CREATE TABLE disarmed (
  runbook TEXT PRIMARY KEY,
  by TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE TABLE armed (
  runbook TEXT PRIMARY KEY,
  at INTEGER NOT NULL
) STRICT;
CREATE TABLE chain (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  about TEXT NOT NULL,
  record TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE INDEX chain_about ON chain (about, kind);
CREATE INDEX chain_at ON chain (at);
CREATE TABLE anchor (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  hash TEXT NOT NULL
) STRICT;
)sql",
};
Result<LedgerRow> row_from(const Statement& statement) {
  LedgerRow row;
  Result<Order> order = order_from_json(statement.text(0));
  if (!order) return std::move(order.error()).in("ledger: order");
  Result<Verdict> verdict = verdict_from_json(statement.text(1));
  if (!verdict) return std::move(verdict.error()).in("ledger: verdict");
  row.order = std::move(*order);
  row.verdict = std::move(*verdict);
  row.begun_at = statement.time(2);
  row.boot = statement.text(4);
  if (!statement.is_null(5)) row.ends_at = statement.time(5);
  row.uptime = Duration(statement.integer(6));
  if (!statement.is_null(3)) {
    Result<Outcome> outcome = outcome_from_json(statement.text(3));
    if (!outcome) return std::move(outcome.error()).in("ledger: outcome");
    row.outcome = std::move(*outcome);
  }
  return row;
}
constexpr std::string_view kRowColumns =
    "SELECT order_record, verdict_record, begun_at, outcome_record, boot, ends_at, uptime FROM entry ";
constexpr std::string_view kNotTakenBack =
    "NOT EXISTS (SELECT 1 FROM entry AS later WHERE later.undoes = entry.key AND "
    "later.result IN ('done', 'unnecessary'))";
// A measure that nothing has taken back.
const std::string kInForce = "ends_at IS NOT NULL AND " + std::string(kNotTakenBack);
constexpr std::string_view kPastColumns =
    "SELECT key, target, runbook, action, begun_at, result, undoes, ends_at, boot, uptime FROM entry ";

guard::PastAction past_from(const Statement& statement) {
  guard::PastAction one;
  one.key = statement.text(0);
  one.target = entity_from(statement.text(1)).value_or(Entity{});
  one.runbook = statement.text(2);
  one.action = statement.text(3);
  one.at = statement.time(4);
  one.finished = !statement.is_null(5);
  if (one.finished) one.result = outcome_result_from(statement.text(5)).value_or(OutcomeResult::interrupted);
  one.undoes = statement.text(6);
  if (!statement.is_null(7)) one.ends_at = statement.time(7);
  one.boot = statement.text(8);
  one.uptime = Duration(statement.integer(9));
  return one;
}

// Once in the life of a file: where its chain starts from.
Status begin_chain(Database& database) {
  const auto anchors = database.one_integer("SELECT count(*) FROM anchor");
  const auto links = database.one_integer("SELECT count(*) FROM chain");
  if (!anchors) return anchors.error();
  if (!links) return links.error();
  if (*anchors > 0 || *links > 0) return ok();
  Transaction transaction(database);
  if (!transaction.begun()) return transaction.begun();
  Status status = database.run("INSERT INTO anchor (only, seq, at, hash) VALUES (1, 0, 0, 'hostmedic')");
  if (status) status = adopt_entries(database);
  if (status) status = transaction.commit();
  return status;
}

Result<std::vector<LedgerRow>> rows_of(Statement statement) {
  std::vector<LedgerRow> rows;
  while (statement.next()) {
    Result<LedgerRow> row = row_from(statement);
    if (!row) return std::move(row.error());
    rows.push_back(std::move(*row));
  }
  Status status = statement.status();
  if (!status) return std::move(status.error());
  return rows;
}
}  // namespace

const Schema kLedgerSchema{0x484d4c31, kMigrations};  // "HML1"

Ledger::Ledger(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;
Ledger::~Ledger() = default;

Result<Ledger> Ledger::open(const std::string& path) {
  Result<Database> database = Database::open(path, kLedgerSchema, Sync::full);
  if (!database) return std::move(database.error());
  if (Status begun = begin_chain(*database); !begun) return std::move(begun.error()).in(path);
  const auto links = database->one_integer("SELECT count(*) FROM chain");
  if (!links) return links.error();
  Ledger ledger(std::make_unique<Database>(std::move(*database)));
  std::string why = ledger.quarantined();
  // Whoever moved it aside may have died before the halt was written.
  if (why.empty() && *links == 0 && has_quarantined(path)) why = "it was moved aside, and a new one begun";
  if (!why.empty()) {
    Status halted = ledger.halt("hostmedic-actuator", "the ledger was unreadable: " + why, wall_now());
    if (!halted) return std::move(halted.error());
  }
  return ledger;
}

const std::string& Ledger::quarantined() const { return database_->quarantined(); }

Result<std::optional<LedgerRow>> Ledger::find(const std::string& key) {
  Statement statement = database_->query(std::string(kRowColumns) + "WHERE key = ?", key);
  if (!statement.next()) {
    Status status = statement.status();
    if (!status) return std::move(status.error());
    return std::optional<LedgerRow>();
  }
  Result<LedgerRow> row = row_from(statement);
  if (!row) return std::move(row.error());
  return std::optional<LedgerRow>(std::move(*row));
}

Status Ledger::begin(const Order& order, const Verdict& verdict, WallTime now, const BootTime& boot) {
  if (order.key.empty()) return make_error(ErrorCode::malformed, "an order without a key");
  Transaction transaction(*database_);
  if (!transaction.begun()) return transaction.begun();
  Status status = database_->run(
      "INSERT INTO entry (key, target, runbook, action, begun_at, order_record, verdict_record, undoes, boot, uptime) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      order.key, to_string(order.plan.target), order.runbook, order.plan.action, now, to_json(order), to_json(verdict),
      order.undoes, boot.id, boot.uptime.count());
  if (!status && status.error().code == ErrorCode::conflict)
    return make_error(ErrorCode::conflict, "order " + printable(order.key, 64) + " was carried out or tried before");
  if (status) status = append_link(*database_, {now, "order", order.key, {}}, order_record(*database_, order.key));
  if (status) status = transaction.commit();
  return status;
}

Status Ledger::finish(const Outcome& outcome, std::optional<WallTime> ends_at) {
  Transaction transaction(*database_);
  if (!transaction.begun()) return transaction.begun();
  Status status = database_->run(
      "UPDATE entry SET result = ?, outcome_record = ?, ends_at = ? WHERE key = ? AND outcome_record IS NULL",
      to_string(outcome.result), to_json(outcome), ends_at, outcome.key);
  if (!status) return status;
  if (database_->changes() == 1) {
    status = append_link(*database_, {outcome.ended_at, "outcome", outcome.key, {}},
                         outcome_record(*database_, outcome.key));
    if (status) status = transaction.commit();
    return status;
  }
  const Result<std::int64_t> begun = database_->one_integer("SELECT count(*) FROM entry WHERE key = ?", outcome.key);
  if (!begun) return begun.error();
  if (*begun == 0) return make_error(ErrorCode::not_found, "order " + printable(outcome.key, 64) + " was never begun");
  return make_error(ErrorCode::conflict, "order " + printable(outcome.key, 64) + " has an outcome already");
}

Result<std::vector<LedgerRow>> Ledger::open_rows() {
  return rows_of(database_->query(std::string(kRowColumns) + "WHERE outcome_record IS NULL ORDER BY begun_at, rowid"));
}

Result<std::vector<LedgerRow>> Ledger::measures() {
  return rows_of(database_->query(std::string(kRowColumns) + "WHERE " + kInForce + " ORDER BY ends_at, rowid"));
}

Result<std::vector<LedgerRow>> Ledger::later_in_force(const LedgerRow& row) {
  return rows_of(database_->query(
      std::string(kRowColumns) +
          "WHERE action = ? AND target = ? AND undoes = '' AND result IN ('done', 'timed_out', 'interrupted') AND "
          "rowid > (SELECT rowid FROM entry WHERE key = ?) AND " +
          std::string(kNotTakenBack) + " ORDER BY rowid",
      row.order.plan.action, to_string(row.order.plan.target), row.order.key));
}

Result<std::vector<guard::PastAction>> Ledger::undos_of(const std::string& key) {
  std::vector<guard::PastAction> undos;
  Statement statement = database_->query(std::string(kPastColumns) + "WHERE undoes = ? ORDER BY begun_at, rowid", key);
  while (statement.next()) undos.push_back(past_from(statement));
  Status status = statement.status();
  if (!status) return std::move(status.error());
  return undos;
}

Result<std::vector<guard::PastAction>> Ledger::history(WallTime since, const BootTime& or_since) {
  std::vector<guard::PastAction> past;
  Statement statement = database_->query(std::string(kPastColumns) +
                                             "WHERE begun_at >= ? OR (boot = ? AND boot <> '' AND uptime >= ?) "
                                             "ORDER BY begun_at DESC, rowid DESC LIMIT ?",
                                         since, or_since.id, to_ns(or_since.uptime), kMostHistory);
  while (statement.next()) past.push_back(past_from(statement));
  Status status = statement.status();
  if (!status) return std::move(status.error());
  const Result<std::vector<HumanUndo>> undos = undone();
  if (!undos) return undos.error();
  for (const HumanUndo& undo : *undos) {
    bool found = false;
    for (guard::PastAction& one : past)
      if (one.target == undo.target && one.action == undo.action) one.by_hand_undone = found = true;
    if (found) continue;
    guard::PastAction mark;
    mark.target = undo.target;
    mark.action = undo.action;
    mark.at = undo.at;
    mark.finished = true;
    mark.result = OutcomeResult::done;
    mark.by_hand_undone = true;
    past.push_back(std::move(mark));
  }
  std::reverse(past.begin(), past.end());
  std::stable_sort(past.begin(), past.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
  return past;
}

Status Ledger::prune(WallTime now, std::size_t most_rows, Duration most_age, const BootTime& boot) {
  Transaction transaction(*database_);
  if (!transaction.begun()) return transaction.begun();
  const auto nth = database_->one_integer("SELECT begun_at FROM entry ORDER BY begun_at DESC LIMIT 1 OFFSET ?",
                                          std::max<std::size_t>(most_rows, 1) - 1);
  if (!nth && nth.error().code != ErrorCode::not_found) return nth.error();
  // A clock that was set far ahead makes nothing old that this boot did.
  const auto recent = database_->one_integer(
      "SELECT coalesce(min(begun_at), ?1) FROM entry WHERE boot = ?2 AND boot <> '' AND uptime >= ?3", now - most_age,
      boot.id, to_ns(boot.uptime - most_age));
  if (!recent) return recent.error();
  const WallTime oldest = std::min(now - most_age, wall_from_ns(*recent));
  const WallTime before = nth ? std::max(oldest, wall_from_ns(*nth)) : oldest;
  Status status = database_->run(
      "DELETE FROM entry WHERE outcome_record IS NOT NULL AND begun_at < ? AND NOT (" + kInForce + ")", before);
  const std::int64_t gone = database_->changes();
  if (status && gone > 0)
    status = append_link(*database_, {now, "pruned", strf("%lld", static_cast<long long>(to_ns(before))),
                                      strf("%lld entries", static_cast<long long>(gone))});
  if (status) status = cut_chain(*database_, before, kMostLinks);
  if (status) status = database_->run("DELETE FROM approval WHERE expires_at < ?", oldest);
  if (status) status = database_->run("DELETE FROM maintenance WHERE until < ?", oldest);
  if (status) status = transaction.commit();
  if (status) status = database_->vacuum(mib(1));
  return status;
}

Result<LedgerAudit> Ledger::audit() { return audit_chain(*database_); }

}  // namespace hostmedic
