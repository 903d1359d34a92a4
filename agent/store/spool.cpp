// SPDX-License-Identifier: Apache-2.0
#include "agent/store/spool.h"

#include <algorithm>

#include "agent/base/text.h"
#include "agent/store/database.h"

namespace hostmedic {

namespace {
int number(SpoolSignal signal) { return static_cast<int>(signal); }  // metrics sort before logs: they are dropped first
}  // namespace

std::string_view to_string(SpoolSignal signal) { return signal == SpoolSignal::logs ? "logs" : "metrics"; }

Spool::Spool(Database& database, SpoolLimits limits) : database_(database), limits_(limits) {}

Status Spool::load() {
  if (loaded_) return ok();
  Statement row = database_.query("SELECT count(*), coalesce(sum(size), 0) FROM spool");
  if (!row.next()) return row.status();
  stats_.waiting = static_cast<std::uint64_t>(row.integer(0));
  stats_.bytes = Bytes{static_cast<std::uint64_t>(row.integer(1))};
  loaded_ = true;
  return ok();
}

void Spool::lose(SpoolSignal signal, WallTime at) {
  std::optional<SpoolGap>& gap = lost_[static_cast<std::size_t>(number(signal))];
  if (!gap) gap = SpoolGap{signal, at, at, 0};
  gap->from = std::min(gap->from, at);
  gap->to = std::max(gap->to, at);
  ++gap->count;
  ++stats_.dropped;
}

Status Spool::widen_gap(const SpoolGap& gap) {
  return database_.run(
      "INSERT INTO gap (signal, from_at, to_at, count) VALUES (?, ?, ?, ?) ON CONFLICT (signal) DO UPDATE SET "
      "from_at = min(from_at, excluded.from_at), to_at = max(to_at, excluded.to_at), count = count + excluded.count",
      number(gap.signal), gap.from, gap.to, static_cast<std::int64_t>(gap.count));
}

// What was lost while the disk was full is written down once it can be; the caller forgets it after its commit.
Status Spool::save_lost() {
  Status status = ok();
  for (const std::optional<SpoolGap>& gap : lost_)
    if (gap && status) status = widen_gap(*gap);
  return status;
}

Status Spool::drop(std::int64_t id, std::uint64_t size, SpoolSignal signal, WallTime made) {
  Status status = database_.run("DELETE FROM spool WHERE id = ?", id);
  if (status) status = widen_gap({signal, made, made, 1});
  if (!status) return status;
  stats_.bytes.count -= size;
  --stats_.waiting;
  ++stats_.dropped;
  return ok();
}

Status Spool::make_room(std::uint64_t wanted) {
  while (stats_.bytes.count + wanted > limits_.most.count && stats_.waiting > 0) {
    std::int64_t id = 0;
    std::uint64_t size = 0;
    SpoolSignal signal{};
    WallTime made;
    {
      Statement oldest = database_.query("SELECT id, size, signal, made_at FROM spool ORDER BY signal, id LIMIT 1");
      if (!oldest.next()) return oldest.status();
      id = oldest.integer(0);
      size = static_cast<std::uint64_t>(oldest.integer(1));
      signal = oldest.integer(2) == number(SpoolSignal::logs) ? SpoolSignal::logs : SpoolSignal::metrics;
      made = oldest.time(3);
    }
    Status status = drop(id, size, signal, made);
    if (!status) return status;
  }
  return ok();
}

Status Spool::insert(SpoolSignal signal, std::string_view uid, std::string_view payload, WallTime now) {
  const std::uint64_t size = payload.size() + kRecordOverhead;
  if (size > limits_.most.count) return make_error(ErrorCode::limit, "a record larger than the spool");
  Status status = make_room(size);
  if (status)
    status = database_.run("INSERT OR IGNORE INTO spool (signal, uid, made_at, size, payload) VALUES (?, ?, ?, ?, ?)",
                           number(signal), uid, now, static_cast<std::int64_t>(size), Database::blob(payload));
  if (!status || database_.changes() == 0) return status;
  stats_.bytes.count += size;
  ++stats_.waiting;
  ++stats_.appended;
  return ok();
}

Status Spool::append(SpoolSignal signal, std::string_view uid, std::string_view payload, WallTime now, Loss loss) {
  Status status = load();
  const SpoolStats before = stats_;
  if (status) {
    Transaction transaction(database_);
    status = transaction.begun();
    if (status) status = insert(signal, uid, payload, now);
    if (status) status = save_lost();
    if (status) status = transaction.commit();
  }
  if (!status) {
    stats_ = before;
    if (loss == Loss::counted) lose(signal, now);
    return std::move(status.error()).in("spool");
  }
  lost_ = {};
  return status;
}

Result<std::vector<SpoolItem>> Spool::next_batch(SpoolSignal signal, Bytes most_bytes, std::size_t most_records) {
  std::vector<SpoolItem> items;
  std::uint64_t bytes = 0;
  Statement rows = database_.query("SELECT id, uid, payload FROM spool WHERE signal = ? ORDER BY id LIMIT ?",
                                   number(signal), most_records);
  while (rows.next()) {
    const std::string_view payload = rows.blob(2);
    if (!items.empty() && bytes + payload.size() > most_bytes.count) break;
    bytes += payload.size();
    items.push_back({rows.integer(0), std::string(rows.text(1)), std::string(payload)});
  }
  Status status = rows.status();
  if (!status) return std::move(status.error()).in("spool");
  return items;
}

Status Spool::remove(std::span<const std::int64_t> ids, std::uint64_t& counter) {
  Status status = load();
  if (!status) return status;
  const SpoolStats before = stats_;
  Transaction transaction(database_);
  status = transaction.begun();
  for (std::size_t i = 0; i < ids.size() && status; ++i) {
    Statement removed = database_.query("DELETE FROM spool WHERE id = ? RETURNING size", ids[i]);
    while (removed.next()) {
      stats_.bytes.count -= static_cast<std::uint64_t>(removed.integer(0));
      --stats_.waiting;
      ++counter;
    }
    status = removed.status();
  }
  if (status) status = transaction.commit();
  if (!status) stats_ = before;
  return status;
}

Status Spool::ack(std::span<const std::int64_t> ids) { return remove(ids, stats_.delivered); }
Status Spool::reject(std::span<const std::int64_t> ids) { return remove(ids, stats_.rejected); }

Result<std::vector<SpoolGap>> Spool::gaps() {
  Status status = ok();
  {
    Transaction transaction(database_);
    status = transaction.begun();
    if (status) status = save_lost();
    if (status) status = transaction.commit();
  }
  if (!status) return std::move(status.error()).in("spool");
  lost_ = {};
  std::vector<SpoolGap> found;
  Statement rows = database_.query("SELECT signal, from_at, to_at, count FROM gap ORDER BY signal");
  while (rows.next())
    found.push_back({rows.integer(0) == number(SpoolSignal::logs) ? SpoolSignal::logs : SpoolSignal::metrics,
                     rows.time(1), rows.time(2), static_cast<std::uint64_t>(rows.integer(3))});
  status = rows.status();
  if (!status) return std::move(status.error()).in("spool");
  return found;
}

Status Spool::report_gap(const SpoolGap& gap, std::string_view uid, std::string_view payload, WallTime now) {
  Status status = load();
  if (!status) return status;
  const SpoolStats before = stats_;
  Transaction transaction(database_);
  status = transaction.begun();
  if (status) status = insert(SpoolSignal::logs, uid, payload, now);
  // The gap may have grown since it was read.
  if (status)
    status = database_.run("UPDATE gap SET count = count - ?, from_at = ? WHERE signal = ?",
                           static_cast<std::int64_t>(gap.count), gap.to, number(gap.signal));
  if (status) status = database_.run("DELETE FROM gap WHERE count <= 0");
  if (status) status = transaction.commit();
  if (!status) stats_ = before;
  return status;
}

Status Spool::expire(WallTime now) {
  Status status = load();
  if (!status) return status;
  const SpoolStats before = stats_;
  Transaction transaction(database_);
  status = transaction.begun();
  for (const SpoolSignal signal : {SpoolSignal::metrics, SpoolSignal::logs}) {
    if (!status) break;
    Statement old = database_.query(
        "SELECT count(*), coalesce(sum(size), 0), min(made_at), max(made_at) FROM spool "
        "WHERE signal = ? AND made_at < ?",
        number(signal), now - limits_.most_age);
    if (!old.next()) {
      status = old.status();
      break;
    }
    const auto count = static_cast<std::uint64_t>(old.integer(0));
    if (count == 0) continue;
    const auto size = static_cast<std::uint64_t>(old.integer(1));
    status = widen_gap({signal, old.time(2), old.time(3), count});
    if (status)
      status =
          database_.run("DELETE FROM spool WHERE signal = ? AND made_at < ?", number(signal), now - limits_.most_age);
    stats_.bytes.count -= size;
    stats_.waiting -= count;
    stats_.dropped += count;
  }
  if (status) status = transaction.commit();
  if (!status) stats_ = before;
  return status;
}

}  // namespace hostmedic
