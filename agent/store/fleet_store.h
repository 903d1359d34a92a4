// SPDX-License-Identifier: Apache-2.0
// The aggregator's store: hosts, their log records, incidents and last metrics. Owns one SQLite file; one thread at a
// time. What was stored is on disk when the call returns, so that the sender may forget it. A record is known by its
// host and uid: delivering it again changes nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "detect/model/incident.h"

namespace hostmedic {

class Database;

// Who sends, as its certificate and its resource attributes say. Texts are printable and bounded by the caller.
struct FleetSender {
  std::string host;         // common name of the certificate
  std::string host_id;      // machine id; may be empty
  std::string fingerprint;  // of the certificate, hex
  std::string version;      // of the agent; may be empty
};

struct FleetLog {
  std::string uid;  // log.record.uid
  WallTime at;
  std::string event_name, body;
  int severity = 0;        // OTLP severity number
  std::string attributes;  // JSON object
  std::uint64_t lost = 0;  // of a gap record: how many records the host had to drop
  // For incident events: the incident and its JSON text.
  std::optional<Incident> incident;
  std::string incident_record;
};

// The last value wins.
struct FleetMetric {
  std::string name, attributes;  // attributes: "k=v,k=v"
  std::string unit;
  double value = 0;
  WallTime at;
};

struct FleetHost {
  FleetSender sender;
  WallTime first_seen, last_seen;
  std::int64_t open_incidents = 0;  // confirmed, and not explained by another
  std::uint64_t lost_records = 0;   // that the host said it had to drop
  std::vector<FleetMetric> metrics;
};

struct FleetIncident {
  std::string host;
  WallTime received_at;
  std::string record;  // JSON text of the incident's latest revision
};

struct FleetQuery {
  std::string host = {};  // empty: all
  std::optional<IncidentState> state = {};
  bool unclosed_only = false;
  std::size_t limit = 100;  // at most kMostListed
  std::optional<WallTime> opened_before = {};
};

struct FleetReceipt {
  std::uint64_t stored = 0, duplicates = 0;
};

struct FleetCounts {
  std::int64_t hosts = 0, incidents = 0;
  std::int64_t open_incidents = 0;  // confirmed, and not explained by another
  std::int64_t suspicions = 0;      // open, and not confirmed
  std::int64_t logs = 0;
};

// A host's leave to do what could harm if the whole fleet did it at once.
struct FleetLease {
  std::string host, action, entity;
  WallTime granted_at, until;
};

// So many hosts may hold one at the same time: a share of those known, at least one and at most `most` (1 or more).
struct LeaseLimits {
  int most = 3;
  double share = 0.05;
  int most_of(std::int64_t hosts) const;
};

struct LeaseDecision {
  bool granted = false;
  std::string text;  // how many others hold one, and the first of them
};

class FleetStore {
 public:
  // A broken file is moved aside and a new one is made; see quarantined().
  static Result<FleetStore> open(const std::string& path);
  FleetStore(FleetStore&&) noexcept;
  FleetStore& operator=(FleetStore&&) noexcept;
  ~FleetStore();

  const std::string& quarantined() const;

  // All of it or nothing. An incident of an older revision than the stored one changes nothing.
  Result<FleetReceipt> add_logs(const FleetSender& sender, const std::vector<FleetLog>& logs, WallTime now);
  Status add_metrics(const FleetSender& sender, const std::vector<FleetMetric>& metrics, WallTime now);

  Result<std::vector<FleetHost>> hosts();  // by name, at most kMostHosts
  // Newest first.
  Result<std::vector<FleetIncident>> incidents(const FleetQuery& query);
  // host may be empty: the newest of that id. not_found.
  Result<FleetIncident> incident(std::string_view id, std::string_view host);
  Result<FleetCounts> counts();

  // Grants asked.host a lease from granted_at to until, at most kLongestLease, in place of one it has; or refuses.
  Result<LeaseDecision> ask_lease(const FleetLease& asked, const LeaseLimits& limits);
  Status end_lease(const std::string& host);
  // In force, the oldest first.
  Result<std::vector<FleetLease>> leases(WallTime now);

  // Forgets records and closed incidents older than most_age, and hosts that were not seen for so long and have nothing
  // left.
  Status expire(WallTime now, Duration most_age);
  // Forgets the oldest records and closed incidents until the content is under most_size; when only open ones are left,
  // those of the host that has most. Soon done when there is nothing to do. Gives space back to the filesystem.
  Status shrink(Bytes most_size);

  static constexpr Duration kLongestLease = std::chrono::minutes(5);
  static constexpr std::size_t kMostListed = 1000;
  static constexpr std::size_t kMostHosts = 10000;
  static constexpr std::size_t kMostMetrics = 256;  // per host; further names are ignored

 private:
  explicit FleetStore(std::unique_ptr<Database> database);
  Status see(const FleetSender& sender, WallTime now);
  Status add_log(const FleetSender& sender, const FleetLog& log, WallTime now, FleetReceipt& receipt);
  std::unique_ptr<Database> database_;
};

}  // namespace hostmedic
