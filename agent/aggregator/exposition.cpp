// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/exposition.h"

#include "agent/base/text.h"

namespace hostmedic {

std::string exposition(const FleetCounts& counts, const ReceiverStats& stats) {
  std::string out;
  const auto metric = [&](const char* name, const char* type, const char* help) {
    out += strf("# HELP hostmedic_aggregator_%s %s\n# TYPE hostmedic_aggregator_%s %s\n", name, help, name, type);
  };
  const auto value = [&](const char* name, const char* labels, auto number) {
    out += strf("hostmedic_aggregator_%s%s %llu\n", name, labels, static_cast<unsigned long long>(number));
  };
  metric("hosts", "gauge", "Hosts that have reported.");
  value("hosts", "", counts.hosts);
  metric("incidents", "gauge", "Incidents stored.");
  value("incidents", "", counts.incidents);
  metric("open_incidents", "gauge", "Incidents stored that are not over, confirmed, and not explained by another.");
  value("open_incidents", "", counts.open_incidents);
  metric("suspicions", "gauge", "Incidents stored that are not over and that nothing confirms yet: nobody is called.");
  value("suspicions", "", counts.suspicions);
  metric("log_records", "gauge", "Log records stored.");
  value("log_records", "", counts.logs);
  metric("requests_total", "counter", "OTLP requests by signal and result.");
  value("requests_total", "{signal=\"logs\",result=\"accepted\"}", stats.log_requests);
  value("requests_total", "{signal=\"metrics\",result=\"accepted\"}", stats.metric_requests);
  value("requests_total", "{signal=\"any\",result=\"refused\"}", stats.refused);
  value("requests_total", "{signal=\"any\",result=\"store_failed\"}", stats.failed);
  metric("received_log_records_total", "counter", "Log records received by what became of them.");
  value("received_log_records_total", "{result=\"stored\"}", stats.stored);
  value("received_log_records_total", "{result=\"duplicate\"}", stats.duplicates);
  value("received_log_records_total", "{result=\"rejected\"}", stats.rejected);
  metric("leases_total", "counter", "Requests for leave to act by result.");
  value("leases_total", "{result=\"granted\"}", stats.leases_granted);
  value("leases_total", "{result=\"refused\"}", stats.leases_refused);
  return out;
}

}  // namespace hostmedic
