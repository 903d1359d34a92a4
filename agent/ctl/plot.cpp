// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/plot.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "agent/base/text.h"
#include "agent/ctl/explain_parts.h"
#include "agent/ctl/plot_marks.h"
#include "agent/ctl/svg.h"
#include "detect/correlate/explain.h"

namespace hostmedic {

namespace {

constexpr double kWidth = 1000, kLeft = 84, kRight = 976, kMargin = 24;
constexpr double kLaneHeight = 76, kLaneTitle = 22, kLaneGap = 16, kMarkStep = 20, kLegendStep = 20;
constexpr double kLanePitch = kLaneTitle + kLaneHeight + kLaneGap;

constexpr std::string_view kStyle = R"(svg { background: #ffffff; font: 13px system-ui, sans-serif; }
text { fill: #1f2328; } .h { font-size: 18px; font-weight: 600; } .dim { fill: #59636e; }
.end { text-anchor: end; } .mid { text-anchor: middle; } .b { font-weight: 600; }
.halo { paint-order: stroke; stroke: #ffffff; stroke-width: 5px; stroke-linejoin: round; }
.grid { stroke: #d1d9e0; } .axis { stroke: #818b98; } .lane { fill: #afb8c1; fill-opacity: 0.12; } .usual { fill: #2da44e; fill-opacity: 0.25; }
.limit { stroke: #9a6700; stroke-dasharray: 6 4; }
.curve { fill: none; stroke: #0969da; stroke-width: 2; stroke-linejoin: round; } .point { fill: #0969da; }
.fault { stroke: #cf222e; stroke-width: 1.5; } .mark { stroke-dasharray: 2 4; stroke: #818b98; }
.m-fault { fill: #cf222e; } .m-seen { fill: #bc4c00; } .m-change { fill: #9a6700; } .m-act { fill: #8250df; }
.m-good { fill: #1a7f37; } .m-bad { fill: #cf222e; } .m-human { fill: #0969da; }
.number { fill: #ffffff; font-size: 11px; font-weight: 600; text-anchor: middle; }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117; } text { fill: #e6edf3; } .dim { fill: #9198a1; }
.halo { stroke: #0d1117; }
.grid { stroke: #2a313c; } .axis { stroke: #656c76; } .usual { fill: #2ea043; fill-opacity: 0.35; }
.limit { stroke: #d29922; } .curve { stroke: #58a6ff; } .point { fill: #58a6ff; } .fault { stroke: #f85149; }
.mark { stroke: #656c76; } .number { fill: #0d1117; }
.m-fault { fill: #f85149; } .m-seen { fill: #f0883e; } .m-change { fill: #d29922; } .m-act { fill: #bc8cff; }
.m-good { fill: #3fb950; } .m-bad { fill: #f85149; } .m-human { fill: #58a6ff; }
}
)";

struct Axis {
  WallTime from, to;
  double x(WallTime at) const {
    const double share = to_seconds(at - from) / to_seconds(to - from);
    return kLeft + std::clamp(share, 0.0, 1.0) * (kRight - kLeft);
  }
};

struct Lane {
  const Anomaly* anomaly = nullptr;
  const CaseTrace* trace = nullptr;
};

struct Scale {
  double low = 0, high = 1, bottom = 0;
  double y(double value) const { return bottom - (value - low) / (high - low) * kLaneHeight; }
};

std::vector<Lane> lanes_of(const CaseFile& file) {
  std::vector<Lane> lanes;
  for (const Anomaly& anomaly : file.incident.anomalies) {
    const CaseTrace* trace = trace_of(file, anomaly);
    const bool drawn = std::ranges::find(lanes, trace, &Lane::trace) != lanes.end();
    if (trace != nullptr && !drawn && lanes.size() < kMostLanes) lanes.push_back({&anomaly, trace});
  }
  return lanes;
}

// From where the curves begin, or from a change shortly before the fault, to the last thing that is known.
Axis axis_of(const CaseFile& file, const std::vector<Lane>& lanes, const std::vector<Mark>& marks) {
  const WallTime fault = file.incident.fault_at;
  Axis axis{fault - std::chrono::seconds(lanes.empty() ? 5 : 120), fault + std::chrono::seconds(10)};
  for (const Mark& mark : marks) {
    if (fault - mark.at < std::chrono::minutes(15)) axis.from = std::min(axis.from, mark.at);
    axis.to = std::max(axis.to, mark.at);
  }
  for (const Lane& lane : lanes) {
    axis.from = std::min(axis.from, lane.trace->points.front().at);
    axis.to = std::max(axis.to, lane.trace->points.back().at);
  }
  axis.to += (axis.to - axis.from) / 50;
  return axis;
}

// The whole steps of time between two labels that leave at most ten of them.
Duration step_of(const Axis& axis) {
  constexpr std::array kSeconds{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400};
  for (const int seconds : kSeconds)
    if ((axis.to - axis.from) / std::chrono::seconds(seconds) <= 10) return std::chrono::seconds(seconds);
  return (axis.to - axis.from) / 8;
}

// "+30s", "-2m", "+1h30m": a whole number of seconds, without what is zero.
std::string tick_text(Duration after) {
  const auto total = std::chrono::duration_cast<std::chrono::seconds>(after < Duration{} ? -after : after).count();
  if (total == 0) return "fault";
  std::string out = after < Duration{} ? "-" : "+";
  if (total >= 3600) out += strf("%lldh", static_cast<long long>(total / 3600));
  if (total / 60 % 60 != 0) out += strf("%lldm", static_cast<long long>(total / 60 % 60));
  if (total % 60 != 0) out += strf("%llds", static_cast<long long>(total % 60));
  return out;
}

template <class Draw>
void each_tick(const Axis& axis, WallTime fault, Draw draw) {
  const Duration step = step_of(axis);
  WallTime at = fault - (fault - axis.from) / step * step;
  for (; at <= axis.to; at += step) draw(at);
}

Scale scale_of(const Lane& lane, double bottom) {
  const auto [least, most] = std::ranges::minmax(lane.trace->points, {}, &Point::value);
  Scale scale{least.value, most.value, bottom};
  for (const auto& also : {lane.anomaly->normal_low, lane.anomaly->normal_high, lane.anomaly->expected}) {
    if (!also) continue;
    scale.low = std::min(scale.low, *also);
    scale.high = std::max(scale.high, *also);
  }
  const bool negative = scale.low < 0, share = lane.trace->unit == Unit::ratio && scale.high <= 1;
  const double room = scale.high > scale.low ? 0.08 * (scale.high - scale.low) : std::max(std::abs(scale.high), 1.0);
  scale.high = share ? std::min(1.0, scale.high + room) : scale.high + room;
  scale.low = negative ? scale.low - room : std::max(0.0, scale.low - room);
  return scale;
}

// Broken where readings are missing: longer than five times the usual distance between two.
void draw_curve(Svg& svg, const Axis& axis, const Scale& scale, const std::vector<Point>& points) {
  std::vector<Duration> distances;
  for (std::size_t i = 1; i < points.size(); ++i) distances.push_back(points[i].at - points[i - 1].at);
  std::ranges::sort(distances);
  const Duration longest = distances.empty() ? Duration{} : 5 * distances[distances.size() / 2];
  std::vector<Spot> run;
  const auto end_run = [&] {
    if (run.size() == 1) svg.disc(run[0], 1.5, "point");
    svg.curve(run, "curve");
    run.clear();
  };
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i > 0 && points[i].at - points[i - 1].at > longest) end_run();
    run.push_back({axis.x(points[i].at), scale.y(points[i].value)});
  }
  if (!run.empty()) svg.disc(run.back(), 3, "point");
  end_run();
}

std::string lane_facts(const Lane& lane, bool over) {
  const Anomaly& anomaly = *lane.anomaly;
  const auto value = [&](double number) { return detect::format_value(number, lane.trace->unit); };
  std::string out;
  if (anomaly.normal_low && anomaly.normal_high)
    out = "usual " + range_text(*anomaly.normal_low, *anomaly.normal_high, lane.trace->unit) + ", ";
  else if (anomaly.expected)
    out = "limit " + value(*anomaly.expected) + ", ";
  return out + (over ? "at the end " : "now ") + value(lane.trace->points.back().value);
}

void draw_lane(Svg& svg, const Axis& axis, const Lane& lane, double top, const Incident& incident) {
  const Anomaly& anomaly = *lane.anomaly;
  const std::string name = fitted(safe(anomaly.signal), 64) + " of " + fitted(safe(anomaly.entity), 40);
  svg.text({kLeft, top + 14}, "b halo", name);
  svg.text({kRight, top + 14}, "dim end halo", lane_facts(lane, incident.closed_at.has_value()));
  top += kLaneTitle;
  const Scale scale = scale_of(lane, top + kLaneHeight);
  svg.box({kLeft, top}, kRight - kLeft, kLaneHeight, "lane");
  if (anomaly.normal_low && anomaly.normal_high) {
    const double upper = scale.y(*anomaly.normal_high), lower = scale.y(*anomaly.normal_low);
    svg.box({kLeft, upper}, kRight - kLeft, std::max(lower - upper, 2.0), "usual");
  } else if (anomaly.expected) {
    svg.line({kLeft, scale.y(*anomaly.expected)}, {kRight, scale.y(*anomaly.expected)}, "limit");
  }
  each_tick(axis, incident.fault_at,
            [&](WallTime at) { svg.line({axis.x(at), top}, {axis.x(at), top + kLaneHeight}, "grid"); });
  svg.text({kLeft - 8, top + 10}, "dim end", detect::format_value(scale.high, lane.trace->unit));
  svg.text({kLeft - 8, top + kLaneHeight}, "dim end", detect::format_value(scale.low, lane.trace->unit));
  draw_curve(svg, axis, scale, lane.trace->points);
}

// Marks that would cover one another are put into further rows. The row of each mark.
std::vector<int> rows_of(const std::vector<Mark>& marks, const Axis& axis) {
  std::vector<double> ends;
  std::vector<int> rows;
  for (const Mark& mark : marks) {
    const double x = axis.x(mark.at);
    std::size_t row = 0;
    while (row < ends.size() && x - ends[row] < kMarkStep) ++row;
    if (row == ends.size()) ends.push_back(0);
    ends[row] = x;
    rows.push_back(static_cast<int>(row));
  }
  return rows;
}

void draw_numbered(Svg& svg, Spot at, std::size_t number, const Mark& mark) {
  svg.disc(at, 8.5, mark.css);
  svg.text({at.x, at.y + 4}, "number", strf("%zu", number));
}

double draw_heading(Svg& svg, const Incident& incident) {
  svg.text({kMargin, 36}, "h", fitted(safe(incident.summary), 100));
  svg.text({kMargin, 58}, "dim",
           safe(incident.id, 32) + ", " + safe(incident.kind, 64) + ", root " + fitted(safe(incident.root), 60) + ", " +
               std::string(incident.suspicion ? "suspicion" : to_string(incident.state)) + "; fault at " +
               format_utc(incident.fault_at));
  return 74;
}

double draw_axis(Svg& svg, const Axis& axis, WallTime fault, double y) {
  svg.line({kLeft, y}, {kRight, y}, "axis");
  each_tick(axis, fault, [&](WallTime at) {
    svg.line({axis.x(at), y}, {axis.x(at), y + 5}, "axis");
    svg.text({axis.x(at), y + 19}, at == fault ? "mid b" : "dim mid", tick_text(at - fault));
  });
  return y + 34;
}

double draw_legend(Svg& svg, const std::vector<Mark>& marks, WallTime fault, double y) {
  for (std::size_t i = 0; i < marks.size(); ++i) {
    draw_numbered(svg, {kMargin + 9, y + 6}, i + 1, marks[i]);
    svg.text({kLeft + 24, y + 10}, "dim end", marks[i].at == fault ? "" : offset(marks[i].at, fault));
    svg.text({kLeft + 36, y + 10}, "b", marks[i].word);
    svg.text({kLeft + 116, y + 10}, "", fitted(safe(marks[i].text), 112));
    y += kLegendStep;
  }
  svg.box({kMargin, y + 4}, 18, 10, "usual");
  svg.text({kMargin + 26, y + 13}, "dim", "usual");
  svg.line({kMargin + 80, y + 9}, {kMargin + 104, y + 9}, "limit");
  svg.text({kMargin + 112, y + 13}, "dim", "limit");
  svg.line({kMargin + 160, y + 9}, {kMargin + 184, y + 9}, "fault");
  svg.text({kMargin + 192, y + 13}, "dim", "the fault");
  return y + 32;
}

}  // namespace

std::string plot_svg(const CaseFile& file) {
  const Incident& incident = file.incident;
  const std::vector<Lane> lanes = lanes_of(file);
  const std::vector<Mark> marks = marks_of(incident, kMostMarks);
  const Axis axis = axis_of(file, lanes, marks);
  const std::vector<int> rows = rows_of(marks, axis);
  Svg svg;
  const double strip = draw_heading(svg, incident) + kMarkStep / 2;
  const double first = strip + kMarkStep * (rows.empty() ? 1 : *std::ranges::max_element(rows) + 1);
  double bottom = first + kLanePitch * static_cast<double>(lanes.size());
  if (lanes.empty()) {
    const std::string why = file.no_traces.empty() ? "no recording of that time" : safe(file.no_traces, 160);
    svg.text({(kLeft + kRight) / 2, first + 20}, "dim mid", "no curves: " + why);
    bottom += 36;
  }
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const Spot at{axis.x(marks[i].at), strip + kMarkStep * rows[i]};
    svg.begin_group(std::string(marks[i].word) + ": " + safe(marks[i].text));
    svg.line({at.x, at.y}, {at.x, bottom}, marks[i].at == incident.fault_at ? "fault" : "mark");
    draw_numbered(svg, at, i + 1, marks[i]);
    svg.end_group();
  }
  for (std::size_t i = 0; i < lanes.size(); ++i)
    draw_lane(svg, axis, lanes[i], first + kLanePitch * static_cast<double>(i), incident);
  const double strip_end = draw_axis(svg, axis, incident.fault_at, bottom);
  const double height = draw_legend(svg, marks, incident.fault_at, strip_end);
  return svg.document(kWidth, height, safe(incident.summary), kStyle);
}

}  // namespace hostmedic
