// SPDX-License-Identifier: Apache-2.0
// What waits to be delivered, on disk: it survives a restart, is delivered in order and removed when the receiver
// confirmed it. Delivery is at least once; the uid makes it idempotent. Bounded by bytes and age: when it is full the
// oldest metrics go first, then the oldest logs. What went is counted in a gap, which is reported as a record of its
// own. Part of the daemon's store (same file); worker thread only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

class Database;

enum class SpoolSignal : std::uint8_t { metrics, logs };
std::string_view to_string(SpoolSignal signal);

struct SpoolLimits {
  Bytes most = mib(32);  // of payloads, with a fixed share for each record
  Duration most_age = std::chrono::hours(24 * 7);
};

struct SpoolItem {
  std::int64_t id = 0;  // grows, never used again
  std::string uid;
  std::string payload;
};

// Records that were dropped before they could be delivered.
struct SpoolGap {
  SpoolSignal signal{};
  WallTime from, to;  // when the first and the last of them were made
  std::uint64_t count = 0;
};

struct SpoolStats {
  std::uint64_t waiting = 0;  // records
  Bytes bytes;
  std::uint64_t appended = 0, delivered = 0, dropped = 0, rejected = 0;  // since start
};

class Spool {
 public:
  Spool(Database& database, SpoolLimits limits);

  // A uid that waits already is ignored. A record that cannot be written (disk full, larger than the spool) is counted
  // as a gap unless the caller comes again with it, and the error says why.
  enum class Loss : bool { no, counted };
  Status append(SpoolSignal signal, std::string_view uid, std::string_view payload, WallTime now,
                Loss loss = Loss::counted);
  // The oldest records within both bounds, at least one if any waits; they stay until they are confirmed.
  Result<std::vector<SpoolItem>> next_batch(SpoolSignal signal, Bytes most_bytes, std::size_t most_records);
  Status ack(std::span<const std::int64_t> ids);
  // The receiver said that it will never take them: removed and counted, not a gap.
  Status reject(std::span<const std::int64_t> ids);

  // At most one per signal; they grow until they are reported, so report them when the receiver can be reached.
  Result<std::vector<SpoolGap>> gaps();
  // Puts the record that tells of this gap into the spool and forgets the gap, both or neither.
  Status report_gap(const SpoolGap& gap, std::string_view uid, std::string_view payload, WallTime now);

  // Drops what is too old.
  Status expire(WallTime now);
  SpoolStats stats() const { return stats_; }

  static constexpr std::uint64_t kRecordOverhead = 128;  // bytes that a record costs besides its payload

 private:
  Status load();
  Status insert(SpoolSignal signal, std::string_view uid, std::string_view payload, WallTime now);
  Status make_room(std::uint64_t wanted);
  Status drop(std::int64_t id, std::uint64_t size, SpoolSignal signal, WallTime made);
  Status remove(std::span<const std::int64_t> ids, std::uint64_t& counter);
  Status widen_gap(const SpoolGap& gap);
  Status save_lost();
  void lose(SpoolSignal signal, WallTime at);

  Database& database_;
  const SpoolLimits limits_;
  bool loaded_ = false;
  SpoolStats stats_;
  std::array<std::optional<SpoolGap>, 2> lost_;  // not yet on disk, by signal
};

}  // namespace hostmedic
