// SPDX-License-Identifier: Apache-2.0
// What the agent says upstream, as OTLP resources ready for the spool: an incident at one of its revisions, a
// heartbeat, a gap. Pure; any thread.
//
// An incident is a log record: event_name hostmedic.incident.{suspected,opened,updated,resolved,escalated}, the summary
// as body, and the attributes
//   log.record.uid               "<incident id>.<revision>": equal uids are the same record
//   hostmedic.incident.id, .revision, .kind, .state, .root, .severity, .confidence, .suspicion, .part_of
//   hostmedic.incident.record    the whole incident as JSON (agent/record/record.h)
// The record's own severity is the incident's where a human is called for, else info.
#pragma once

#include <string>

#include "agent/base/host_identity.h"
#include "agent/self/usage.h"
#include "agent/store/spool.h"
#include "detect/model/incident.h"

namespace hostmedic {

struct Report {
  std::string uid;
  std::string payload;  // one encoded ResourceLogs or ResourceMetrics
};

// Neither a suspicion nor explained by another incident.
bool calls_for_a_human(const Incident& incident);

Report incident_report(const Incident& incident, const HostIdentity& host, WallTime now);

struct Heartbeat {
  WallTime started;
  Usage usage;
  std::size_t series = 0, open_incidents = 0;
  bool probe_connected = false, halted = false;
  std::uint64_t spool_waiting = 0, spool_dropped = 0;
};
Report heartbeat_report(const Heartbeat& heartbeat, const HostIdentity& host, WallTime now);

// Records that were dropped before they could be delivered.
Report gap_report(const SpoolGap& gap, const HostIdentity& host, WallTime now);

}  // namespace hostmedic
