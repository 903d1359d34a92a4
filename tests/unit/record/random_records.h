// SPDX-License-Identifier: Apache-2.0
// A seeded generator of incidents, orders and outcomes within the bounds of agent/record. Test-only; any thread.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "actions/action.h"
#include "detect/model/incident.h"

namespace hostmedic::test {

class RandomRecords {
 public:
  explicit RandomRecords(std::uint32_t seed) : random_(seed) {}

  int below(int limit) { return static_cast<int>(random_() % static_cast<std::uint32_t>(limit)); }
  bool coin() { return below(2) == 1; }

  std::string text() {
    static const std::vector<std::string> kParts = {
        "nginx", " ", "\"",  "\\", "{", "}", "/var/log/ü", "日本", "\xF0\x9F\x9A\x91",
        "<b>",   "'", ";--", "%s", "e", "0"};
    std::string out;
    for (int n = below(12); n > 0; --n) out += kParts[static_cast<std::size_t>(below(static_cast<int>(kParts.size())))];
    return out;
  }
  std::string hex(int digits) {
    std::string out;
    for (int i = 0; i < digits; ++i) out += "0123456789abcdef"[below(16)];
    return out;
  }
  double number() {
    static const double kSome[] = {0, 1, -1, 0.1, 0.97, 1e-9, 12345678.25, 3e15, 1.0 / 1024, 123456789012345.0};
    return kSome[below(10)];
  }
  template <class Enum>
  Enum word(int count) {
    return static_cast<Enum>(below(count));
  }
  WallTime wall() { return wall_from_ns(1'700'000'000'000'000'000 + static_cast<std::int64_t>(random_())); }
  Entity entity() {
    const auto kind = word<EntityKind>(kEntityKindCount);
    if (kind == EntityKind::host && coin()) return {kind, ""};
    return {kind, "n" + text()};
  }
  std::vector<Attribute> attributes() {
    std::vector<Attribute> out;
    for (int n = below(4); n > 0; --n) out.push_back({"key" + std::to_string(n), text()});
    return out;
  }

  Anomaly anomaly() {
    Anomaly out;
    out.entity = entity();
    out.rule = text();
    out.signal = text();
    out.probability = number();
    out.direction = word<Direction>(3);
    if (coin()) out.value = number();
    if (coin()) out.expected = number();
    out.unit = word<Unit>(kUnitCount);
    out.evidence = text();
    out.since = mono_from_ns(static_cast<std::int64_t>(random_()));
    out.since_wall = wall();
    out.firing = coin();
    out.proof = coin();
    return out;
  }

  Incident incident() {
    Incident out;
    out.id = hex(16);
    out.revision = static_cast<std::uint32_t>(random_());
    out.root = entity();
    out.kind = text();
    out.fingerprint = hex(16);
    out.severity = word<Severity>(4);
    out.state = word<IncidentState>(6);
    out.confidence = number();
    out.signals = below(10);
    out.proof = coin();
    out.active = coin();
    out.fault_at = wall();
    out.opened_at = wall();
    out.opened_mono = mono_from_ns(static_cast<std::int64_t>(random_()));
    if (coin()) out.closed_at = wall();
    out.summary = text();
    out.diagnosis = text();
    for (int n = below(4); n > 0; --n) out.anomalies.push_back(anomaly());
    out.suspicion = coin();
    out.flaps = below(9);
    out.flapping = coin();
    out.part_of = hex(16);
    out.acknowledged_by = text();
    for (int n = below(4); n > 0; --n) out.affected.push_back({entity(), text(), text()});
    for (int n = below(4); n > 0; --n) out.candidates.push_back({entity(), number(), text()});
    for (int n = below(4); n > 0; --n) out.changes.push_back({entity(), wall(), text(), number()});
    for (int n = below(4); n > 0; --n) out.context.push_back({text(), text()});
    for (int n = below(4); n > 0; --n) out.causes.push_back(entity());
    for (int n = below(8); n > 0; --n) add_timeline(out, wall(), word<TimelineKind>(15), text(), attributes());
    return out;
  }

  Order order() {
    Order out;
    out.key = hex(24);
    out.incident_id = hex(16);
    out.incident_kind = text();
    out.runbook = text();
    out.step = below(5);
    out.plan = {text(), entity(), attributes(), text(),
                text(), text(),   below(9),     Duration(static_cast<std::int64_t>(random_()))};
    out.confidence = number();
    out.signals = below(9);
    out.proof = coin();
    out.issued_at = wall();
    out.expires_at = wall();
    out.approved_by = text();
    out.undoes = text();
    out.not_while = text();
    out.cooldown = Duration(static_cast<std::int64_t>(random_()));
    out.touched_most = 3;
    return out;
  }

  Verdict verdict() {
    Verdict out;
    out.decision = word<Decision>(3);
    for (int n = below(6); n > 0; --n) out.answers.push_back({text(), word<Decision>(3), text()});
    return out;
  }

  Outcome outcome() {
    Outcome out;
    out.key = hex(24);
    out.result = word<OutcomeResult>(7);
    out.started_at = wall();
    out.ended_at = wall();
    out.text = text();
    out.details = attributes();
    out.verdict = verdict();
    return out;
  }

 private:
  std::mt19937 random_;
};

}  // namespace hostmedic::test
