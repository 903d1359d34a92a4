// SPDX-License-Identifier: Apache-2.0
#include "agent/store/ledger_chain.h"

#include <algorithm>
#include <vector>

#include "agent/base/text.h"
#include "agent/net/digest.h"

namespace hostmedic {

namespace {

// Everything of an entry that the guard or a reader goes by.
constexpr std::string_view kOrderText =
    "entry.order_record || char(10) || entry.verdict_record || char(10) || entry.target || char(10) || entry.runbook "
    "|| "
    "char(10) || entry.action || char(10) || entry.begun_at || char(10) || entry.undoes || char(10) || entry.boot || "
    "char(10) || entry.uptime";
constexpr std::string_view kOutcomeText =
    "entry.result || char(10) || entry.outcome_record || char(10) || coalesce(entry.ends_at, '')";

struct End {
  std::int64_t seq = 0;
  std::string hash;
};

Result<std::string> hash_of(const std::string& before, std::int64_t seq, std::int64_t at, std::string_view kind,
                            std::string_view about, std::string_view record) {
  std::string text = before + strf("\n%lld\n%lld\n", static_cast<long long>(seq), static_cast<long long>(at));
  text.append(kind).append("\n").append(about).append("\n").append(record);
  return sha256_hex(text);
}

Result<End> last_of(Database& database) {
  // The anchor stands for all links before the first that is kept.
  Statement last = database.query("SELECT seq, hash FROM chain UNION ALL SELECT seq, hash FROM anchor ORDER BY 1 DESC");
  if (last.next()) return End{last.integer(0), std::string(last.text(1))};
  if (Status status = last.status(); !status) return status.error();
  return make_error(ErrorCode::malformed, "the ledger's chain has no anchor");
}

Result<std::string> digest_of(Database& database, std::string_view text, const std::string& key) {
  Statement row = database.query("SELECT " + std::string(text) + " FROM entry WHERE key = ?", key);
  if (row.next()) return sha256_hex(row.text(0));
  if (Status status = row.status(); !status) return status.error();
  return make_error(ErrorCode::not_found, "no entry " + printable(key, 64));
}

Status add(Database& database, const End& last, const Link& link) {
  const std::int64_t seq = last.seq + 1;
  const auto hash = hash_of(last.hash, seq, to_ns(link.at), link.kind, link.about, link.record);
  if (!hash) return hash.error();
  return database.run("INSERT INTO chain (seq, at, kind, about, record, hash) VALUES (?, ?, ?, ?, ?, ?)", seq, link.at,
                      link.kind, link.about, link.record, *hash);
}

}  // namespace

Status append_link(Database& database, const Link& link) {
  const auto last = last_of(database);
  if (!last) return last.error();
  return add(database, *last, link);
}

Status append_link(Database& database, Link link, const Result<std::string>& record) {
  if (!record) return record.error();
  link.record = *record;
  return append_link(database, link);
}

Result<std::string> order_record(Database& database, const std::string& key) {
  return digest_of(database, kOrderText, key);
}
Result<std::string> outcome_record(Database& database, const std::string& key) {
  return digest_of(database, kOutcomeText, key);
}

Status adopt_entries(Database& database) {
  struct Entry {
    std::string key;
    WallTime at;
    bool ended;
  };
  std::vector<Entry> entries;
  Statement rows =
      database.query("SELECT key, begun_at, outcome_record IS NOT NULL FROM entry ORDER BY begun_at, rowid");
  while (rows.next()) entries.push_back({std::string(rows.text(0)), rows.time(1), rows.integer(2) != 0});
  Status status = rows.status();
  for (const Entry& entry : entries) {
    if (status) status = append_link(database, {entry.at, "order", entry.key, {}}, order_record(database, entry.key));
    if (status && entry.ended)
      status = append_link(database, {entry.at, "outcome", entry.key, {}}, outcome_record(database, entry.key));
  }
  return status;
}

Status cut_chain(Database& database, WallTime before, std::size_t most) {
  const auto last = last_of(database);
  if (!last) return last.error();
  const auto needed = database.one_integer(
      "SELECT coalesce(min(seq), ?) FROM chain WHERE kind = 'order' AND about IN (SELECT key FROM "
      "entry)",
      last->seq + 1);
  if (!needed) return needed.error();
  const auto young =
      database.one_integer("SELECT coalesce(min(seq), ?) FROM chain WHERE at >= ?", last->seq + 1, before);
  if (!young) return young.error();
  const std::int64_t cut = std::max(std::min(*needed, *young), last->seq + 1 - static_cast<std::int64_t>(most));
  Status status = database.run(
      "INSERT OR REPLACE INTO anchor (only, seq, at, hash) SELECT 1, seq, at, hash FROM chain WHERE seq = ?", cut - 1);
  if (status) status = database.run("DELETE FROM chain WHERE seq < ?", cut);
  return status;
}

namespace {

// One walk along the chain.
class Auditor {
 public:
  explicit Auditor(Database& database) : database_(database) {}
  Result<LedgerAudit> run() {
    Status status = database_.run("BEGIN");  // one state of the file, whoever writes meanwhile
    if (status) status = counts();
    if (status) status = walk();
    if (status && audit_.broken.empty()) status = strangers();
    (void)database_.run("ROLLBACK");  // nothing was written
    if (!status) return status.error();
    return std::move(audit_);
  }

 private:
  Status counts() {
    Statement rows = database_.query("SELECT count(*), count(*) - count(outcome_record) FROM entry");
    if (rows.next()) {
      audit_.orders = rows.integer(0);
      audit_.open = rows.integer(1);
    }
    if (Status status = rows.status(); !status) return status;
    Statement anchor = database_.query("SELECT seq, hash, at FROM anchor");
    if (anchor.next()) {
      last_ = {anchor.integer(0), std::string(anchor.text(1))};
      cut_at_ = anchor.integer(2);
    } else {
      audit_.broken = "the chain has no anchor";
    }
    audit_.first = last_.seq + 1;
    // Entries begun before the last of these were forgotten on purpose; that link itself is checked like the others.
    Statement pruned =
        database_.query("SELECT coalesce(max(CAST(about AS INTEGER)), 0) FROM chain WHERE kind = 'pruned'");
    if (pruned.next()) pruned_before_ = pruned.integer(0);
    return pruned.status();
  }

  Status walk() {
    Statement rows = database_.query("SELECT seq, at, chain.kind, about, record, hash, entry.begun_at, " +
                                     std::string(kOrderText) + ", " + std::string(kOutcomeText) +
                                     " FROM chain LEFT JOIN entry ON entry.key = chain.about ORDER BY seq");
    while (audit_.broken.empty() && rows.next()) {
      if (Status status = look_at(rows); !status) return status;
    }
    audit_.head = last_.hash;
    return rows.status();
  }

  Status look_at(const Statement& row) {
    const std::int64_t seq = row.integer(0);
    const std::string_view kind = row.text(2), about = row.text(3), record = row.text(4);
    const std::string named = strf("link %lld (", static_cast<long long>(seq)) + printable(kind, 32) +
                              (about.empty() ? "" : " " + printable(about, 64)) + ")";
    if (seq != last_.seq + 1) {
      audit_.broken = strf("link %lld is missing: ", static_cast<long long>(last_.seq + 1)) + named + " comes next";
      return ok();
    }
    const auto hash = hash_of(last_.hash, seq, row.integer(1), kind, about, record);
    if (!hash) return hash.error();
    if (*hash != row.text(5)) {
      audit_.broken = named + " was changed, or does not follow the one before";
      return ok();
    }
    last_ = {seq, *hash};
    ++audit_.links;
    audit_.at = wall_from_ns(row.integer(1));
    if (kind != "order" && kind != "outcome") return ok();
    if (row.is_null(6)) {  // there is no entry
      if (kind == "order" && row.integer(1) >= pruned_before_) audit_.broken = named + ": its entry was removed";
      return ok();
    }
    const auto digest = row.is_null(kind == "order" ? 7 : 8) ? Result<std::string>(std::string())
                                                             : sha256_hex(row.text(kind == "order" ? 7 : 8));
    if (!digest) return digest.error();
    if (*digest != record) audit_.broken = named + ": its entry was changed";
    return ok();
  }

  // Entries and outcomes that have no link. Those of before the cut have none any more.
  Status strangers() {
    Statement rows = database_.query(
        "SELECT key, EXISTS (SELECT 1 FROM chain WHERE about = key AND kind = 'order') FROM entry WHERE begun_at > ? "
        "AND "
        "(NOT EXISTS (SELECT 1 FROM chain WHERE about = key AND kind = 'order') OR (outcome_record IS NOT NULL AND NOT "
        "EXISTS (SELECT 1 FROM chain WHERE about = key AND kind = 'outcome'))) ORDER BY begun_at, rowid LIMIT 1",
        cut_at_);
    if (rows.next())
      audit_.broken =
          (rows.integer(1) != 0 ? "the outcome of order " : "order ") + printable(rows.text(0), 64) + " has no link";
    return rows.status();
  }

  Database& database_;
  LedgerAudit audit_;
  End last_;
  std::int64_t cut_at_ = 0, pruned_before_ = 0;
};

}  // namespace

Result<LedgerAudit> audit_chain(Database& database) { return Auditor(database).run(); }

Result<LedgerAudit> audit_ledger(const std::string& path) {
  auto database = Database::open_to_read(path, kLedgerSchema);
  if (!database) return database.error();
  return audit_chain(*database);
}

}  // namespace hostmedic
