// SPDX-License-Identifier: Apache-2.0
// The JSON that is stored and sent: incidents, plans, orders, verdicts, outcomes, and what people set (brakes, expected
// times, feedback) as the daemon reads it back. Input: byte 0 selects, the rest is the text. What must hold: no crash,
// and what was understood is written as a text that is understood as the same.
#include <string>
#include <vector>

#include "agent/pipeline/brakes_json.h"
#include "agent/record/record.h"
#include "support.h"

using namespace hostmedic;
using fuzz::check;

namespace {

template <class Read, class Write>
void round(std::string_view text, Read read, Write write) {
  const auto first = read(text);
  if (!first) return;
  const std::string written = write(*first);
  const auto again = read(written);
  check(again.has_value() && write(*again) == written);
}
template <class T>
std::string json_of(const T& value) {
  return to_json(value);
}

constexpr void (*kReaders[])(std::string_view) = {
    [](std::string_view text) { round(text, incident_from_json, json_of<Incident>); },
    [](std::string_view text) { round(text, plan_from_json, json_of<Plan>); },
    [](std::string_view text) { round(text, order_from_json, json_of<Order>); },
    [](std::string_view text) { round(text, verdict_from_json, json_of<Verdict>); },
    [](std::string_view text) { round(text, outcome_from_json, json_of<Outcome>); },
    [](std::string_view text) { round(text, brakes_from_json, brakes_to_json); },
    [](std::string_view text) { round(text, expected_from_json, expected_to_json); },
    [](std::string_view text) { round(text, feedback_from_json, feedback_to_json); },
};

Incident incident() {
  Incident made;
  made.id = "0123456789abcdef";
  made.revision = 3;
  made.root = {EntityKind::service, "nginx.service"};
  made.kind = "service.failed";
  made.summary = "nginx.service failed";
  made.anomalies.emplace_back();
  made.anomalies[0].entity = made.root;
  made.anomalies[0].value = 1.5;
  made.affected.emplace_back();
  made.causes = {made.root};
  made.candidates.emplace_back();
  made.changes.emplace_back();
  made.context.emplace_back();
  made.timeline.emplace_back();
  made.timeline[0].attributes = {{"a", "b"}};
  return made;
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds();
std::vector<std::string> hm_fuzz_seeds() {
  Order order;
  order.key = "0123456789abcdef01234567";
  order.plan.action = "service.restart";
  order.plan.target = {EntityKind::service, "nginx.service"};
  order.plan.parameters = {{"a", "b"}};
  Verdict verdict;
  verdict.answers = {{"tier", Decision::allow, "tier is auto"}};
  Outcome outcome;
  outcome.key = order.key;
  outcome.details = {{"was", "1"}};
  outcome.verdict = verdict;
  Brakes brakes;
  const std::string texts[] = {to_json(incident()),    to_json(order.plan),   to_json(order),
                               to_json(verdict),       to_json(outcome),      brakes_to_json(brakes),
                               expected_to_json({{}}), feedback_to_json({{}})};
  std::vector<std::string> seeds;
  for (const std::string& text : texts) seeds.push_back(static_cast<char>(seeds.size()) + text);
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  kReaders[input.byte() % std::size(kReaders)](input.rest());
  return 0;
}
