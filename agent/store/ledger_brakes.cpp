// SPDX-License-Identifier: Apache-2.0
// The part of the ledger that people write: halt, maintenance, approvals, undos, runbooks that are not trusted.
#include "agent/base/text.h"
#include "agent/store/database.h"
#include "agent/store/ledger.h"
#include "agent/store/ledger_chain.h"

namespace hostmedic {

namespace {
constexpr std::size_t kMostText = 512;
std::string clean(const std::string& text) { return printable(text, kMostText); }
}  // namespace

Result<LedgerBrakes> Ledger::brakes() {
  LedgerBrakes brakes;
  Statement halt = database_->query("SELECT by, reason, at FROM halt");
  if (halt.next()) {
    brakes.halted = true;
    brakes.halted_by = halt.text(0);
    brakes.halt_reason = halt.text(1);
    brakes.halted_at = halt.time(2);
  }
  Status status = halt.status();
  if (!status) return std::move(status.error());
  Statement rows = database_->query("SELECT until, by, reason, entity FROM maintenance ORDER BY until");
  while (rows.next())
    brakes.maintenance.push_back(
        {rows.time(0), std::string(rows.text(1)), std::string(rows.text(2)), std::string(rows.text(3))});
  status = rows.status();
  if (!status) return std::move(status.error());
  return brakes;
}

Status Ledger::halt(const std::string& by, const std::string& reason, WallTime now) {
  return chained(*database_, {now, "halt", clean(by), clean(reason)}, [&] {
    return database_->run("INSERT OR REPLACE INTO halt (only, by, reason, at) VALUES (1, ?, ?, ?)", clean(by),
                          clean(reason), now);
  });
}

Status Ledger::resume(const std::string& by, WallTime now) {
  return chained(*database_, {now, "resume", clean(by), {}}, [&] { return database_->run("DELETE FROM halt"); });
}

// Error limit: the table holds so many already.
Status Ledger::room_in(const std::string& table, std::size_t most, const std::string& what) {
  const Result<std::int64_t> rows = database_->one_integer("SELECT count(*) FROM " + table);
  if (!rows) return rows.error();
  if (*rows < static_cast<std::int64_t>(most)) return ok();
  return make_error(ErrorCode::limit, strf("%zu %s already", most, what.c_str()));
}

Status Ledger::add_maintenance(const guard::Maintenance& maintenance, WallTime now) {
  if (maintenance.entity.empty() || maintenance.entity.size() > kMostText)
    return make_error(ErrorCode::malformed, "the entity pattern is empty or too long");
  const Result<std::int64_t> others =
      database_->one_integer("SELECT count(*) FROM maintenance WHERE entity <> ?", maintenance.entity);
  if (!others) return others.error();
  if (*others >= static_cast<std::int64_t>(kMostMaintenance))
    return make_error(ErrorCode::limit, strf("%zu maintenance windows are set already", kMostMaintenance));
  const std::string record =
      format_utc(maintenance.until) + " " + clean(maintenance.by) + ": " + clean(maintenance.reason);
  return chained(*database_, {now, "maintenance", maintenance.entity, record}, [&] {
    return database_->run("INSERT OR REPLACE INTO maintenance (entity, until, by, reason) VALUES (?, ?, ?, ?)",
                          maintenance.entity, maintenance.until, clean(maintenance.by), clean(maintenance.reason));
  });
}

Status Ledger::end_maintenance(const std::string& entity, const std::string& by, WallTime now) {
  return chained(*database_, {now, "maintenance_off", entity, clean(by)},
                 [&] { return database_->run("DELETE FROM maintenance WHERE entity = ?1 OR ?1 = ''", entity); });
}

Status Ledger::approve(const Approval& approval) {
  Status room = database_->run("DELETE FROM approval WHERE expires_at <= ?", approval.at);
  if (room) room = room_in("approval", kMostApprovals, "approvals are in force");
  if (!room) return room;
  const std::string record = clean(approval.by) + " until " + format_utc(approval.expires_at);
  return chained(*database_, {approval.at, "approval", approval.key, record}, [&] {
    return database_->run("INSERT OR REPLACE INTO approval (key, by, at, expires_at) VALUES (?, ?, ?, ?)", approval.key,
                          clean(approval.by), approval.at, approval.expires_at);
  });
}

Result<std::optional<Approval>> Ledger::approval(const std::string& key, WallTime now) {
  std::optional<Approval> found;
  Statement row =
      database_->query("SELECT by, at, expires_at FROM approval WHERE key = ? AND expires_at > ?", key, now);
  if (row.next()) found = Approval{key, std::string(row.text(0)), row.time(1), row.time(2)};
  Status status = row.status();
  if (!status) return std::move(status.error());
  return found;
}

Status Ledger::mark_undone(const HumanUndo& undo) {
  if (Status room = room_in("human_undo", kMostUndone, "undos of humans are kept"); !room) return room;
  const std::string target = to_string(undo.target);
  return chained(*database_, {undo.at, "undone", target, undo.action + " " + clean(undo.by)}, [&] {
    return database_->run("INSERT OR REPLACE INTO human_undo (target, action, by, at) VALUES (?, ?, ?, ?)", target,
                          undo.action, clean(undo.by), undo.at);
  });
}

Status Ledger::clear_undone(const Entity& target, const std::string& action, const std::string& by, WallTime now) {
  const std::string name = to_string(target);
  return chained(*database_, {now, "reenable", name, action + " " + clean(by)}, [&] {
    return database_->run("DELETE FROM human_undo WHERE target = ? AND action = ?", name, action);
  });
}

Result<std::vector<HumanUndo>> Ledger::undone() {
  std::vector<HumanUndo> undos;
  Statement rows = database_->query("SELECT target, action, by, at FROM human_undo ORDER BY at");
  while (rows.next())
    undos.push_back({entity_from(rows.text(0)).value_or(Entity{}), std::string(rows.text(1)), std::string(rows.text(2)),
                     rows.time(3)});
  Status status = rows.status();
  if (!status) return std::move(status.error());
  return undos;
}

Status Ledger::disarm(const guard::Disarmed& runbook) {
  const std::string name = clean(runbook.runbook);
  if (name.empty()) return make_error(ErrorCode::malformed, "no runbook is named");
  const auto present = database_->one_integer("SELECT count(*) FROM disarmed WHERE runbook = ?", name);
  if (!present) return present.error();
  if (*present > 0) return ok();
  if (Status room = room_in("disarmed", kMostDisarmed, "runbooks are disarmed"); !room) return room;
  return chained(*database_, {runbook.at, "disarm", name, clean(runbook.by) + ": " + clean(runbook.reason)}, [&] {
    return database_->run("INSERT INTO disarmed (runbook, by, reason, at) VALUES (?, ?, ?, ?)", name, clean(runbook.by),
                          clean(runbook.reason), runbook.at);
  });
}

Status Ledger::rearm(const std::string& runbook, const std::string& by, WallTime now) {
  const std::string name = clean(runbook);
  if (name.empty()) return make_error(ErrorCode::malformed, "no runbook is named");
  // What was armed longest ago is forgotten first: the guard looks at its own window only.
  Status status = database_->run(
      "DELETE FROM armed WHERE runbook NOT IN (SELECT runbook FROM armed ORDER BY at DESC LIMIT ?)", kMostDisarmed - 1);
  if (!status) return status;
  return chained(*database_, {now, "rearm", name, clean(by)}, [&] {
    Status changed = database_->run("DELETE FROM disarmed WHERE runbook = ?", name);
    if (changed) changed = database_->run("INSERT OR REPLACE INTO armed (runbook, at) VALUES (?, ?)", name, now);
    return changed;
  });
}

Result<std::vector<guard::Disarmed>> Ledger::disarmed() {
  std::vector<guard::Disarmed> all;
  Statement rows = database_->query("SELECT runbook, by, reason, at FROM disarmed ORDER BY at, runbook");
  while (rows.next())
    all.push_back({std::string(rows.text(0)), std::string(rows.text(1)), std::string(rows.text(2)), rows.time(3)});
  if (Status status = rows.status(); !status) return std::move(status.error());
  return all;
}

Result<std::vector<guard::Armed>> Ledger::armed() {
  std::vector<guard::Armed> all;
  Statement rows = database_->query("SELECT runbook, at FROM armed ORDER BY at, runbook");
  while (rows.next()) all.push_back({std::string(rows.text(0)), rows.time(1)});
  if (Status status = rows.status(); !status) return std::move(status.error());
  return all;
}

Result<std::int64_t> Ledger::words_since(WallTime since) {
  return database_->one_integer(
      "SELECT count(*) FROM chain WHERE at >= ? AND kind IN ('maintenance', 'undone', 'disarm')", since);
}

}  // namespace hostmedic
