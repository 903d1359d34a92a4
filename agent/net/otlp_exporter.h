// SPDX-License-Identifier: Apache-2.0
// Sends a spool to one OTLP/HTTP destination: one request in flight, acknowledged records leave the spool. Repeats only
// what the protocol says may be repeated (429, 502, 503, 504, no answer); any other refusal is final, so that one bad
// batch cannot stop the rest. Delivery is at least once: records carry ids by which a receiver recognises repeats.
// One thread: that of the executor. The spool must outlive the exporter's coroutine: call stop() and run the executor
// until running() is false, or destroy the executor first.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/net/http_client.h"
#include "agent/net/spool_source.h"

namespace hostmedic {

struct OtlpExporterOptions {
  HttpClientOptions destination;
  std::string path_prefix;  // put before /v1/logs and /v1/metrics; empty or "/something"
  std::string user_agent = "hostmedic";
  Bytes batch_bytes = kib(512);
  std::size_t batch_records = 500;
  Bytes gzip_above = kib(1);
  std::uint64_t seed = 0;
  Duration first_backoff = std::chrono::seconds(1);
  Duration most_backoff = std::chrono::minutes(5);
  Duration most_retry_after = std::chrono::hours(1);  // a longer Retry-After is cut to this
  Duration idle_check = std::chrono::minutes(1);      // asks the spool that often even without notify()
};

struct OtlpExporterState {
  bool connected = false;  // the last request got an answer of any kind
  std::string last_error;  // empty after a success; printable
  std::optional<WallTime> last_success;
  std::size_t pending = 0;             // records waiting in the spool
  std::uint64_t sent_records = 0;      // accepted
  std::uint64_t rejected_records = 0;  // said to be rejected in a partial success
  std::uint64_t dead_records = 0;      // in batches refused for good
  std::uint64_t retries = 0;
  std::optional<Duration> retry_in;  // while backing off: the whole of the present wait
};

class OtlpExporter {
 public:
  // note: one printable line whenever the kind of trouble changes, and when it ends.
  using Note = std::function<void(std::string_view)>;
  OtlpExporter(boost::asio::any_io_executor executor, OtlpExporterOptions options, SpoolSource& spool, Note note);
  ~OtlpExporter();
  OtlpExporter(const OtlpExporter&) = delete;
  OtlpExporter& operator=(const OtlpExporter&) = delete;

  void start();
  // Something was put into the spool. Does not shorten a back-off.
  void notify();
  // For the next connection.
  void replace_tls(std::shared_ptr<const TlsContext> tls);
  // Interrupts a wait and a request under way; unacknowledged records stay in the spool.
  void stop();
  bool running() const;
  OtlpExporterState state() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;  // shared with the coroutine
};

}  // namespace hostmedic
