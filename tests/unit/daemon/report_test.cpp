// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/report.h"

#include <doctest/doctest.h>

#include "agent/net/otlp.h"
#include "agent/record/record.h"

using namespace hostmedic;

namespace {

const HostIdentity kHost{.id = "machine-1", .name = "web1", .boot_id = ""};

Incident incident() {
  Incident it;
  it.id = "aabbccdd00112233";
  it.revision = 3;
  it.root = {EntityKind::service, "nginx.service"};
  it.kind = "service.failed";
  it.severity = Severity::critical;
  it.summary = "nginx.service has failed";
  return it;
}

OtlpLogRecord told(const Incident& incident) {
  const Report report = incident_report(incident, kHost, wall_from_ns(1));
  const std::string_view one[] = {report.payload};
  const auto request = decode_logs(encode_export_request(one));
  REQUIRE(request);
  return request->resources.at(0).scopes.at(0).items.at(0);
}

}  // namespace

TEST_CASE("an incident is told upstream with its severity") {
  const OtlpLogRecord record = told(incident());
  CHECK(record.severity_number == kOtlpFatal);
  CHECK(record.event_name == "hostmedic.incident.updated");
}

TEST_CASE("who pages by severity is not paged for a suspicion, nor for what another incident explains") {
  Incident suspicion = incident(), part = incident();
  suspicion.suspicion = true;
  part.part_of = "9999888877776666";
  CHECK_FALSE(calls_for_a_human(suspicion));
  CHECK_FALSE(calls_for_a_human(part));
  const OtlpLogRecord suspected = told(suspicion);
  CHECK(suspected.severity_number == kOtlpInfo);
  CHECK(suspected.severity_text == "info");
  CHECK(suspected.event_name == "hostmedic.incident.suspected");
  CHECK(told(part).severity_number == kOtlpInfo);
  CHECK(attribute_text(told(part).attributes, "hostmedic.incident.part_of") == "9999888877776666");
  // The incident itself travels whole.
  const auto record = incident_from_json(attribute_text(suspected.attributes, "hostmedic.incident.record"));
  REQUIRE(record);
  CHECK(record->suspicion);
  CHECK(record->severity == Severity::critical);
}
