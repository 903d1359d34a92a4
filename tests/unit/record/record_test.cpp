// SPDX-License-Identifier: Apache-2.0
#include "agent/record/record.h"

#include <doctest/doctest.h>

#include <limits>

#include "agent/record/record_json.h"
#include "tests/unit/record/random_records.h"

using namespace hostmedic;
using hostmedic::test::RandomRecords;

namespace {
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

Incident example() {
  Incident incident;
  incident.id = "00112233aabbccdd";
  incident.revision = 3;
  incident.root = {EntityKind::service, "nginx.service"};
  incident.kind = "service.failed";
  incident.fingerprint = "ffeeddccbbaa9988";
  incident.severity = Severity::error;
  incident.state = IncidentState::verifying;
  incident.confidence = 0.97;
  incident.opened_at = wall_from_ns(1'764'000'000'123'456'789);
  incident.summary = "nginx.service failed";
  Anomaly anomaly;
  anomaly.entity = incident.root;
  anomaly.value = 1;
  incident.anomalies.push_back(anomaly);
  add_timeline(incident, incident.opened_at, TimelineKind::opened, "it failed", {{"unit.result", "signal"}});
  return incident;
}
}  // namespace

TEST_CASE("what is written reads back to the same text, for many random records") {
  for (std::uint32_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    RandomRecords random(seed);
    const std::string incident = to_json(random.incident());
    const auto incident_back = incident_from_json(incident);
    REQUIRE_MESSAGE(incident_back, (incident_back ? "" : incident_back.error().message()));
    CHECK(to_json(*incident_back) == incident);
    const std::string order = to_json(random.order());
    const auto order_back = order_from_json(order);
    REQUIRE(order_back);
    CHECK(to_json(*order_back) == order);
    const std::string outcome = to_json(random.outcome());
    const auto outcome_back = outcome_from_json(outcome);
    REQUIRE(outcome_back);
    CHECK(to_json(*outcome_back) == outcome);
  }
}

TEST_CASE("values survive exactly") {
  RandomRecords random(7);
  for (int i = 0; i < 200; ++i) {
    const Order order = random.order();
    const auto back = order_from_json(to_json(order));
    REQUIRE(back);
    CHECK(back->key == order.key);
    CHECK(back->plan.target == order.plan.target);
    CHECK(back->plan.parameters == order.plan.parameters);
    CHECK(back->plan.timeout == order.plan.timeout);
    CHECK(back->confidence == order.confidence);
    CHECK(back->issued_at == order.issued_at);
    CHECK(back->plan.command == order.plan.command);
  }
}

TEST_CASE("field names and words are stable") {
  const auto document = parse_json(to_json(example()));
  REQUIRE(document);
  const auto& object = document->as_object();
  CHECK(object.at("root").as_string() == "service:nginx.service");
  CHECK(object.at("severity").as_string() == "error");
  CHECK(object.at("state").as_string() == "verifying");
  CHECK(object.at("opened_at_unix_nano").as_int64() == 1'764'000'000'123'456'789);
  CHECK(object.at("closed_at_unix_nano").is_null());
  const auto& anomaly = object.at("anomalies").as_array().at(0).as_object();
  CHECK(anomaly.at("value").as_double() == 1.0);
  CHECK(anomaly.at("expected").is_null());
  const auto& entry = object.at("timeline").as_array().at(0).as_object();
  CHECK(entry.at("kind").as_string() == "opened");
  CHECK(entry.at("attributes").as_object().at("unit.result").as_string() == "signal");
}

TEST_CASE("errors name the field") {
  const std::string good = to_json(example());
  const auto message = [](const std::string& text) {
    const auto result = incident_from_json(text);
    REQUIRE_FALSE(result);
    return result.error().message();
  };
  CHECK(message(replaced(good, "\"severity\":\"error\"", "\"severity\":\"bad\"")) == "severity: unknown word 'bad'");
  CHECK(message(replaced(good, "\"kind\":\"opened\"", "\"kind\":\"x\"")) == "timeline[0].kind: unknown word 'x'");
  CHECK(message(replaced(good, "\"rule\":", "\"rulf\":")) == "anomalies[0].rule: missing");
  CHECK(message(replaced(good, "\"revision\":3", "\"revision\":-1")) == "revision: out of range");
  CHECK(message(replaced(good, "\"revision\":3", "\"revision\":3.5")) == "revision: not an integer");
  CHECK(message(replaced(good, "\"unit.result\":\"signal\"", "\"unit.result\":1")) ==
        "timeline[0].attributes: a value is not a string");
  CHECK(message("[1]") == "not an object");
  const auto order =
      order_from_json(replaced(to_json(RandomRecords(3).order()), "\"plan\":{\"action\"", "\"plan\":{\"auction\""));
  REQUIRE_FALSE(order);
  CHECK(order.error().message() == "plan.action: missing");
}

TEST_CASE("garbage, truncation and depth are refused, never more") {
  const std::string good = to_json(example());
  for (std::size_t length = 0; length < good.size(); ++length)
    CHECK_FALSE(incident_from_json(std::string_view(good).substr(0, length)));
  CHECK_FALSE(incident_from_json(good + "x"));
  CHECK_FALSE(incident_from_json(std::string(100, '[') + std::string(100, ']')));
  CHECK_FALSE(incident_from_json("\xff\xfe"));
  CHECK(incident_from_json(std::string(kMostRecordBytes + 1, ' ')).error().code == ErrorCode::limit);
  RandomRecords random(11);
  for (int i = 0; i < 3000; ++i) {  // flipped bytes: either an error or a record that can be written again
    std::string bad = good;
    bad[static_cast<std::size_t>(random.below(static_cast<int>(bad.size())))] = static_cast<char>(random.below(256));
    const auto result = incident_from_json(bad);
    if (result) CHECK(incident_from_json(to_json(*result)));
  }
}

TEST_CASE("hostile and oversized content is made readable when written") {
  Incident incident = example();
  incident.summary = "line\nbreak \x1b[31m \xff and \xe2\x80\xae override";
  incident.diagnosis = std::string(5000, 'd');
  incident.confidence = std::numeric_limits<double>::quiet_NaN();
  incident.anomalies[0].value = std::numeric_limits<double>::infinity();
  incident.anomalies.resize(40, incident.anomalies[0]);
  incident.affected.assign(500, {incident.root, {}, {}});
  for (int i = 0; i < 40; ++i)
    incident.timeline[0].attributes.push_back({"a" + std::to_string(i), std::string(900, 'v')});
  const auto back = incident_from_json(to_json(incident));
  REQUIRE(back);
  CHECK(back->summary == "line?break ?[31m ? and ??? override");
  CHECK(back->diagnosis.size() == kMostRecordText);
  CHECK(back->diagnosis.ends_with("..."));
  CHECK(back->confidence == 0);
  CHECK_FALSE(back->anomalies[0].value);
  CHECK(back->anomalies.size() == kMostAnomalies);
  CHECK(back->affected.size() == kMostAffected);
  CHECK(back->timeline[0].attributes.size() == 41);
}

TEST_CASE("the largest incident stays within the bound of a record") {
  Incident incident = example();
  const std::string worst(2000, '"');  // doubles when escaped
  incident.summary = incident.diagnosis = worst;
  incident.anomalies.assign(kMostAnomalies, incident.anomalies[0]);
  for (Anomaly& anomaly : incident.anomalies) anomaly.evidence = anomaly.rule = anomaly.signal = worst;
  TimelineEntry entry{wall_from_ns(1), TimelineKind::note, worst, {}};
  for (std::size_t i = 0; i < kMostAttributes; ++i)
    entry.attributes.push_back({std::string(60, '"') + std::to_string(i), worst});
  incident.timeline.assign(kMostTimeline, entry);
  const Entity longest{EntityKind::process, std::string(256, '"')};
  incident.causes.assign(kMostRecordEntities, longest);
  incident.affected.assign(kMostAffected, {longest, worst, worst});
  incident.candidates.assign(kMostCandidates, {longest, 0.5, worst});
  incident.changes.assign(kMostChanges, {longest, wall_from_ns(1), worst, 0.5});
  incident.context.assign(kMostRecordContext, {worst, worst});
  const std::string text = to_json(incident);
  CHECK(text.size() <= kMostRecordBytes);
  const auto back = incident_from_json(text);
  REQUIRE(back);
  CHECK(back->timeline.size() == kMostTimeline);
  CHECK(back->timeline[0].attributes.empty());
}

TEST_CASE("unknown fields are ignored and of equal attributes the first counts") {
  const std::string good = to_json(example());
  const auto newer = incident_from_json(replaced(good, "{\"id\"", "{\"new_field\":{\"x\":[1]},\"id\""));
  REQUIRE(newer);
  CHECK(newer->id == "00112233aabbccdd");
  Plan plan;
  plan.parameters = {{"unit", "a"}, {"unit", "b"}};
  const auto back = plan_from_json(to_json(plan));
  REQUIRE(back);
  REQUIRE(back->parameters.size() == 1);
  CHECK(back->parameters[0].value == "a");
}
