// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/plot.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "agent/base/text.h"
#include "agent/ctl/plot_marks.h"
#include "agent/ctl/svg.h"
#include "tests/unit/ctl/ctl_support.h"

using namespace hostmedic;

namespace {

CaseFile case_of(const std::string& answer) {
  auto file = case_file_from(object_of(answer), object_of(kNoProposals));
  REQUIRE(file);
  return std::move(*file);
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// Opening and closing tags pair up, attributes are quoted: enough of XML to see that nothing got out of its text.
void check_well_formed(const std::string& svg) {
  std::vector<std::string> open;
  for (std::size_t i = svg.find('<'); i != std::string::npos; i = svg.find('<', i + 1)) {
    const std::size_t end = svg.find('>', i);
    REQUIRE(end != std::string::npos);
    const std::string tag = svg.substr(i + 1, end - i - 1);
    CHECK(std::ranges::count(tag, '"') % 2 == 0);
    CHECK_FALSE(contains(tag, "<"));
    if (tag[0] == '/') {
      REQUIRE_FALSE(open.empty());
      CHECK(open.back() == tag.substr(1));
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
  }
  CHECK(open.empty());
}

}  // namespace

// HM_WRITE_GOLDEN=1 writes the file anew: look at it in a browser before it is taken.
TEST_CASE("a cascade is drawn as it was looked at") {
  const std::string path = std::string(HM_FIXTURES) + "/plot/cascade.svg", drawn = plot_svg(case_of(cascade_answer()));
  if (std::getenv("HM_WRITE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << drawn;
  CHECK(drawn == slurp(path));
  check_well_formed(drawn);
}

TEST_CASE("without a recording the marks are drawn, and why there are no curves") {
  CaseFile file = case_of(cascade_answer());
  file.traces.clear();
  file.no_traces = "the recorder is off";
  const std::string drawn = plot_svg(file);
  CHECK(contains(drawn, "no curves: the recorder is off"));
  CHECK_FALSE(contains(drawn, "<polyline"));
  CHECK(contains(drawn, "package hm-db was upgraded from 1 to 2"));
  check_well_formed(drawn);
  check_well_formed(plot_svg(CaseFile{}));
}

TEST_CASE("hostile text stays text") {
  CaseFile file = case_of(cascade_answer());
  file.incident.summary = "</text><script>alert(1)</script>\x1b[2J\" onload='x' &amp;";
  file.incident.root.name = "<![CDATA[";
  file.incident.anomalies[0].evidence = "--><svg onload=x>";
  file.incident.anomalies[1].signal = file.traces[0].signal = "a\"b<c>";
  const std::string drawn = plot_svg(file);
  CHECK_FALSE(contains(drawn, "<script"));
  CHECK_FALSE(contains(drawn, "\x1b"));
  CHECK(contains(drawn, "&lt;script&gt;"));
  CHECK(contains(drawn, "&amp;amp;"));
  check_well_formed(drawn);
}

TEST_CASE("a gap in the recording is a gap in the curve; few points and equal values are drawn") {
  CaseFile file = case_of(cascade_answer());
  std::vector<Point>& points = file.traces[0].points;
  const auto curves = [&] {
    const std::string drawn = plot_svg(file);
    std::size_t count = 0;
    for (auto at = drawn.find("<polyline"); at != std::string::npos; at = drawn.find("<polyline", at + 1)) ++count;
    return count;
  };
  CHECK(curves() == 1);
  points.erase(points.begin() + 20, points.begin() + 40);
  CHECK(curves() == 2);
  for (Point& point : points) point.value = 5;
  CHECK(curves() == 2);
  points.resize(1);
  CHECK(curves() == 0);
  check_well_formed(plot_svg(file));
}

TEST_CASE("lanes and marks are bounded: of marks the first and the last stay") {
  CaseFile file = case_of(cascade_answer());
  for (int i = 0; i < 12; ++i) {
    Anomaly anomaly = file.incident.anomalies[1];
    anomaly.signal = strf("s%d", i);
    file.incident.anomalies.push_back(anomaly);
    CaseTrace trace = file.traces[0];
    trace.signal = anomaly.signal;
    file.traces.push_back(trace);
  }
  const WallTime fault = file.incident.fault_at;
  for (int i = 0; i < 60; ++i)
    add_timeline(file.incident, fault + std::chrono::seconds(i), TimelineKind::evidence, strf("e%d.", i));
  const std::string drawn = plot_svg(file);
  CHECK(contains(drawn, ">s6 of service:app.service<"));
  CHECK_FALSE(contains(drawn, ">s7 of service:app.service<"));
  const auto marks = marks_of(file.incident, kMostMarks);
  CHECK(marks.size() == kMostMarks);
  CHECK(marks.front().word == "change");
  CHECK(marks.back().text == "e59.");
  check_well_formed(drawn);
}

TEST_CASE("show --plot writes a file, or to the standard output, and says when it cannot") {
  Host host;
  host.daemon = {{"incident", cascade_answer()}, {"proposals", kNoProposals}};
  const std::string path = host.dir.path + "/out.svg";
  CHECK(host.run({"show", "aabb", "--plot", path}) == 0);
  CHECK(host.out.str() == "drawn: " + path + "\n");
  CHECK(slurp(path).starts_with("<svg "));
  CHECK(host.run({"show", "aabb", "--plot", "-"}) == 0);
  CHECK(host.out.str() == slurp(path));
  CHECK(host.run({"show", "aabb", "--plot", host.dir.path + "/no/out.svg"}) == 69);
  CHECK(contains(host.err.str(), "not drawn"));
}
