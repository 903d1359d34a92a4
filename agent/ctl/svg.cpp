// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/svg.h"

#include "agent/base/text.h"

namespace hostmedic {

namespace {

constexpr std::size_t kMostText = 1024;

std::string css_class(std::string_view css) { return " class=\"" + std::string(css) + "\""; }

}  // namespace

std::string xml_text(std::string_view text) {
  std::string out;
  for (const char c : printable(text, kMostText)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

void Svg::line(Spot from, Spot to, std::string_view css) {
  body_ += strf("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"", from.x, from.y, to.x, to.y) + css_class(css) +
           "/>\n";
}

void Svg::box(Spot corner, double width, double height, std::string_view css) {
  body_ += strf("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"", corner.x, corner.y, width, height) +
           css_class(css) + "/>\n";
}

void Svg::disc(Spot centre, double radius, std::string_view css) {
  body_ += strf("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", centre.x, centre.y, radius) + css_class(css) + "/>\n";
}

void Svg::text(Spot at, std::string_view css, std::string_view words) {
  body_ += strf("<text x=\"%.1f\" y=\"%.1f\"", at.x, at.y) + css_class(css) + ">" + xml_text(words) + "</text>\n";
}

void Svg::curve(std::span<const Spot> points, std::string_view css) {
  if (points.size() < 2) return;
  body_ += "<polyline" + css_class(css) + " points=\"";
  for (const Spot& point : points) body_ += strf("%.1f,%.1f ", point.x, point.y);
  body_.back() = '"';
  body_ += "/>\n";
}

void Svg::begin_group(std::string_view title) { body_ += "<g><title>" + xml_text(title) + "</title>\n"; }

std::string Svg::document(double width, double height, std::string_view title, std::string_view style) const {
  return strf(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" "
             "role=\"img\">\n",
             width, height, width, height) +
         "<title>" + xml_text(title) + "</title>\n<style>\n" + std::string(style) + "</style>\n" + body_ + "</svg>\n";
}

}  // namespace hostmedic
