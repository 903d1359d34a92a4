// SPDX-License-Identifier: Apache-2.0
// What the exporter needs of a spool: a durable queue of encoded records for one destination. Implemented in
// agent/store. Called from the event loop only, one call at a time; an implementation that blocks moves the work to its
// worker and resumes the awaitable on the loop.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/result.h"

namespace hostmedic {

enum class OtlpSignal : std::uint8_t { logs, metrics };

struct SpoolRecord {
  std::int64_t id = 0;  // unique within the spool; larger is newer
  std::string payload;  // one serialized ResourceLogs or ResourceMetrics message, encoded once before it was spooled
};

struct SpoolBatch {
  OtlpSignal signal = OtlpSignal::logs;
  std::vector<SpoolRecord> records;  // oldest first; empty: nothing waits
};

class SpoolSource {
 public:
  virtual ~SpoolSource() = default;
  // The oldest records of one signal, at most so many and at most so many bytes of payload; a single record larger than
  // that comes alone. Does not remove them: until ack or reject the same records come again.
  virtual boost::asio::awaitable<Result<SpoolBatch>> next_batch(Bytes most, std::size_t most_records) = 0;
  // Delivered: may be removed.
  virtual boost::asio::awaitable<Status> ack(std::vector<std::int64_t> ids) = 0;
  // Refused for good: removed and kept or counted as a dead letter with its reason.
  virtual boost::asio::awaitable<Status> reject(std::vector<std::int64_t> ids, std::string reason) = 0;
  // Records that wait, for `status`; may be a little old.
  virtual std::size_t pending() const = 0;
};

}  // namespace hostmedic
