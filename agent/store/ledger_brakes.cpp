// SPDX-License-Identifier: Apache-2.0
// The part of the ledger that people write: halt, maintenance, approvals, undos.
#include "agent/base/text.h"
#include "agent/store/database.h"
#include "agent/store/ledger.h"

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
  return database_->run("INSERT OR REPLACE INTO halt (only, by, reason, at) VALUES (1, ?, ?, ?)", clean(by),
                        clean(reason), now);
}

Status Ledger::resume() { return database_->run("DELETE FROM halt"); }

Status Ledger::add_maintenance(const guard::Maintenance& maintenance) {
  if (maintenance.entity.empty() || maintenance.entity.size() > kMostText)
    return make_error(ErrorCode::malformed, "the entity pattern is empty or too long");
  const Result<std::int64_t> others =
      database_->one_integer("SELECT count(*) FROM maintenance WHERE entity <> ?", maintenance.entity);
  if (!others) return others.error();
  if (*others >= static_cast<std::int64_t>(kMostMaintenance))
    return make_error(ErrorCode::limit, strf("%zu maintenance windows are set already", kMostMaintenance));
  return database_->run("INSERT OR REPLACE INTO maintenance (entity, until, by, reason) VALUES (?, ?, ?, ?)",
                        maintenance.entity, maintenance.until, clean(maintenance.by), clean(maintenance.reason));
}

Status Ledger::end_maintenance(const std::string& entity) {
  return database_->run("DELETE FROM maintenance WHERE entity = ?1 OR ?1 = ''", entity);
}

Status Ledger::approve(const Approval& approval) {
  return database_->run("INSERT OR REPLACE INTO approval (key, by, at, expires_at) VALUES (?, ?, ?, ?)", approval.key,
                        clean(approval.by), approval.at, approval.expires_at);
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
  return database_->run("INSERT OR REPLACE INTO human_undo (target, action, by, at) VALUES (?, ?, ?, ?)",
                        to_string(undo.target), undo.action, clean(undo.by), undo.at);
}

Status Ledger::clear_undone(const Entity& target, const std::string& action) {
  return database_->run("DELETE FROM human_undo WHERE target = ? AND action = ?", to_string(target), action);
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

}  // namespace hostmedic
