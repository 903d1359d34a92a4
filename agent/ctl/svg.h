// SPDX-License-Identifier: Apache-2.0
// Writes SVG elements, one per line. Text is escaped and made printable; numbers have one decimal, so that the same
// drawing gives the same bytes anywhere. Coordinates are pixels. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace hostmedic {

struct Spot {
  double x = 0, y = 0;
};

class Svg {
 public:
  // css: the classes of the element; colours are the style sheet's.
  void line(Spot from, Spot to, std::string_view css);
  void box(Spot corner, double width, double height, std::string_view css);
  void disc(Spot centre, double radius, std::string_view css);
  void text(Spot at, std::string_view css, std::string_view words);
  // A polyline; nothing of fewer than two points.
  void curve(std::span<const Spot> points, std::string_view css);
  // What a pointer shows over the elements until end().
  void begin_group(std::string_view title);
  void end_group() { body_ += "</g>\n"; }

  // The document. style: a style sheet of our own, written as it is.
  std::string document(double width, double height, std::string_view title, std::string_view style) const;

 private:
  std::string body_;
};

// Free of what would end a text or an attribute, and printable.
std::string xml_text(std::string_view text);

}  // namespace hostmedic
