// SPDX-License-Identifier: Apache-2.0
// From OTLP as it came to rows of the fleet store: identity checked, texts made printable and bounded. Pure; any
// thread.
#pragma once

#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/net/certificate.h"
#include "agent/net/otlp.h"
#include "agent/store/fleet_store.h"

namespace hostmedic {

// Rows, and what could not be taken of an otherwise good request.
template <class Row>
struct Translated {
  FleetSender sender;
  std::vector<Row> rows;
  OtlpAnswer answer;
};

// denied when the certificate has no name or a resource's host.name is not that name.
Result<Translated<FleetLog>> translate(const OtlpLogsRequest& request, const CertificateInfo& peer);
Result<Translated<FleetMetric>> translate(const OtlpMetricsRequest& request, const CertificateInfo& peer);

}  // namespace hostmedic
