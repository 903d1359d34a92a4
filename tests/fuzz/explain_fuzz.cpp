// SPDX-License-Identifier: Apache-2.0
// Drives what `hostmedic explain` and `show --plot` make of the agent's answer. Input: the answer. What must hold: no
// crash, nothing in the text that a terminal would obey, nothing in the drawing that is not text or one of our
// elements.
#include <algorithm>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "agent/ctl/explain.h"
#include "agent/ctl/plot.h"
#include "agent/record/record_json.h"

using namespace hostmedic;

namespace {

void check(bool holds) {
  if (!holds) __builtin_trap();
}

bool harmless(std::string_view text) {
  return std::ranges::none_of(text,
                              [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7F; });
}

// Each '<' begins an element that the writer knows.
void check_elements(std::string_view svg) {
  constexpr std::string_view kElements[] = {"svg ",  "/svg>",   "title>", "/title>", "style>",    "/style>", "line ",
                                            "rect ", "circle ", "text ",  "/text>",  "polyline ", "g>",      "/g>"};
  for (auto at = svg.find('<'); at != std::string_view::npos; at = svg.find('<', at + 1))
    check(std::ranges::any_of(kElements, [&](std::string_view one) { return svg.substr(at + 1).starts_with(one); }));
}

Incident incident() {
  Incident it;
  it.id = "aabbccdd00112233";
  it.root = {EntityKind::service, "db.service"};
  it.fault_at = it.opened_at = wall_from_ns(1'795'227'600'000'000'000);
  it.summary = "db.service has failed";
  Anomaly anomaly;
  anomaly.entity = it.root;
  anomaly.signal = "errors";
  anomaly.value = anomaly.normal_high = 5;
  anomaly.normal_low = 1;
  anomaly.since_wall = it.fault_at;
  it.anomalies.push_back(anomaly);
  it.affected = {{it.root, "a > b", "slow"}};
  it.candidates = {{it.root, 0.9, "first"}};
  it.changes = {{it.root, it.fault_at, "upgraded", 0.5}};
  it.context = {{"boot", ""}, {"deployment", "v2"}};
  add_timeline(it, it.fault_at, TimelineKind::verdict, "held", {{"tier", "hold: observe"}});
  return it;
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  const boost::json::object similar{{"likeness", "kind"}, {"count", 2}, {"read", 2}};
  const boost::json::array points{boost::json::array{1795227599000, 2}, boost::json::array{1795227600000, 9.5}};
  const boost::json::object trace{
      {"entity", "service:db.service"}, {"signal", "errors"}, {"unit", "1"}, {"points", points}};
  return {"\x1b]0;x\x07 </text><script>&\"' ]]> \xe2\x80\xae",
          boost::json::serialize(boost::json::object{{"incident", to_json_object(incident())},
                                                     {"similar", similar},
                                                     {"traces", boost::json::array{boost::json::value(trace)}}})};
}

namespace {

void look_at(const CaseFile& file) {
  const Look look{.colour = false, .width = 80, .now = wall_from_ns(1'795'227'660'000'000'000)};
  check(harmless(render_case(file, look, Extent::brief)));
  check(harmless(render_case(file, look, Extent::full)));
  const std::string drawn = plot_svg(file);
  check(harmless(drawn) && drawn.size() < 4'000'000);
  check_elements(drawn);
}

// As if every text of the answer were the input, and the recording its bytes.
void everywhere(const std::string& text) {
  CaseFile file;
  Incident& it = file.incident = incident();
  it.summary = it.diagnosis = it.acknowledged_by = it.part_of = it.anomalies[0].evidence = text;
  it.anomalies[0].signal = it.anomalies[0].rule = it.affected[0].path = it.affected[0].symptom = text;
  it.candidates[0].why = it.changes[0].text = it.context[1].found = it.context[0].what = it.root.name = text;
  add_timeline(it, it.fault_at, TimelineKind::planned, text, {{"command", text}, {"undo", text}, {"runbook", text}});
  file.no_traces = text;
  file.similar = SimilarCases{.likeness = Likeness::root, .count = 1, .read = 1, .incidents = {}, .treatments = {}};
  file.similar->incidents.push_back(
      {.id = text, .root = it.root, .opened_at = it.fault_at, .lasted = {}, .summary = text});
  file.similar->treatments.push_back({.what = text, .given = 1, .proved = 1});
  CaseTrace trace{it.anomalies[0].entity, text, Unit::bytes, {}};
  for (std::size_t i = 0; i + sizeof(double) <= text.size(); i += sizeof(double)) {
    double value = 0;
    std::memcpy(&value, text.data() + i, sizeof value);
    if (std::isfinite(value)) trace.points.push_back({it.fault_at + std::chrono::seconds(i), value});
  }
  file.traces.push_back(std::move(trace));
  look_at(file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (!text.empty() && text.size() < 400 && data[0] % 4 == 3) everywhere(text);  // a quarter: it takes its time
  const auto answer = parse_json(text);
  if (!answer || !answer->is_object()) return 0;
  const auto file = case_file_from(answer->get_object(), {});
  if (file) look_at(*file);
  return 0;
}
