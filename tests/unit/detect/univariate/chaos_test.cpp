// SPDX-License-Identifier: Apache-2.0
// What every detector must stand: one table of hostile inputs for all that are registered.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "tests/unit/detect/univariate/synthetic.h"

using namespace hostmedic;
using detect::Detector;
using detect::Finding;
using detect::State;
using test::at_s;
using test::Dice;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kHuge = std::numeric_limits<double>::max();

std::unique_ptr<Detector> made(const detect::DetectorInfo& info) {
  std::vector<double> values;
  for (const detect::ParamSpec& spec : info.params) values.push_back(spec.fallback);
  return info.make(values);
}

// One hostile course: what reading number i is like. The usual values are around 50 with noise of 1.
struct Hostile {
  std::string_view name;
  std::optional<double> (*value)(int i, double usual);
  double (*at)(int i);
};
double steady(int i) { return 10.0 * i; }

const Hostile kHostile[] = {
    {"NaN now and then", [](int i, double x) { return std::optional(i % 7 == 3 ? kNan : x); }, steady},
    {"nothing but NaN", [](int, double) { return std::optional(kNan); }, steady},
    {"infinities", [](int i, double x) { return std::optional(i % 5 == 0 ? kInf : (i % 5 == 1 ? -kInf : x)); }, steady},
    {"the largest numbers", [](int i, double x) { return std::optional(i % 11 == 5 ? (i % 2 ? kHuge : -kHuge) : x); },
     steady},
    {"large numbers", [](int i, double x) { return std::optional(i % 11 == 5 ? (i % 2 ? 9e29 : -9e29) : x); }, steady},
    {"the smallest numbers", [](int i, double x) { return std::optional(i % 2 ? 5e-324 * i : 1e-300 * x); }, steady},
    {"missing blocks", [](int i, double x) { return i % 500 < 200 ? std::nullopt : std::optional(x); }, steady},
    {"nothing at all", [](int, double) { return std::optional<double>(); }, steady},
    {"constant", [](int, double) { return std::optional(50.0); }, steady},
    {"constant zero", [](int, double) { return std::optional(0.0); }, steady},
    {"a counter that is reset", [](int i, double) { return std::optional(100.0 * (i % 3000)); }, steady},
    {"the clock jumps ahead", [](int, double x) { return std::optional(x); },
     [](int i) { return 10.0 * i + (i > 9000 ? 1e6 : 0) + (i > 15000 ? 1e8 : 0); }},
    {"every reading twice", [](int, double x) { return std::optional(x); }, [](int i) { return 10.0 * (i / 2); }},
    {"late readings", [](int, double x) { return std::optional(x); },
     [](int i) { return 10.0 * (i % 9 == 4 ? i - 3 : i); }},
    {"the unit changes", [](int i, double x) { return std::optional(i > 12000 ? 1000 * x : x); }, steady},
    {"the sign changes", [](int i, double x) { return std::optional(i % 2 ? x : -x); }, steady},
};

bool finite(const Finding& finding) {
  return std::isfinite(finding.score) && std::isfinite(finding.probability) && finding.probability >= 0 &&
         finding.probability <= 1 && std::isfinite(finding.expected.value_or(0)) && !finding.reason.empty();
}

// Whether what it remembers is numbers: the reader refuses any other.
bool state_is_finite(const detect::DetectorInfo& info, const Detector& detector) {
  detect::StateWriter writer;
  detector.save(writer);
  if (writer.bytes().empty()) return true;  // keeps nothing
  detect::StateReader reader(writer.bytes());
  return made(info)->load(reader) && reader.at_end();
}

}  // namespace

TEST_CASE("no input makes a detector fall, fire on what it does not know, or remember what is no number") {
  for (const detect::DetectorInfo* info : detect::all_detectors())
    for (const Hostile& hostile : kHostile) {
      CAPTURE(info->name);
      CAPTURE(hostile.name);
      const auto detector = made(*info);
      Dice dice(17);
      std::optional<MonoTime> last;
      bool sound = true, honest = true;
      for (int i = 0; i < 20000; ++i) {
        const std::optional<double> value = hostile.value(i, 50 + dice.normal());
        const MonoTime at = at_s(1 + hostile.at(i));
        const bool news = !last || at > *last;
        if (news) last = at;
        const Finding finding = detector->step({at, value});
        sound = sound && finite(finding);
        if (news && !detect::is_known(value)) honest = honest && finding.state == State::unknown;
      }
      CHECK(sound);
      CHECK(honest);
      CHECK(state_is_finite(*info, *detector));
      // And it goes on working.
      for (int i = 0; i < 100; ++i) CHECK(finite(detector->step({*last + std::chrono::seconds(10 * (i + 1)), 50.0})));
    }
}

TEST_CASE("what is told late or twice changes nothing") {
  for (const detect::DetectorInfo* info : detect::all_detectors()) {
    CAPTURE(info->name);
    const auto clean = made(*info), disturbed = made(*info);
    Dice dice(3);
    bool same = true;
    for (int i = 0; i < 20000; ++i) {
      const double value = 50 + dice.normal() + (i > 15000 ? 30 : 0);
      const Finding finding = clean->step({at_s(10 + 10 * i), value});
      const Finding other = disturbed->step({at_s(10 + 10 * i), value});
      same = same && finding.state == other.state && finding.score == other.score;
      (void)disturbed->step({at_s(10 + 10 * i), -1e9});
      (void)disturbed->step({at_s(5 + 10 * i), 1e9});
    }
    CHECK(same);
  }
}
