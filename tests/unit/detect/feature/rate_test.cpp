// SPDX-License-Identifier: Apache-2.0
#include "detect/feature/rate.h"

#include <doctest/doctest.h>

#include "tests/unit/detect/stream.h"

using namespace hostmedic;
using detect::CounterRate;
using test::at_s;

TEST_CASE("a counter becomes its rate") {
  struct Row {
    double at;
    std::optional<double> value;
    bool passed;
    std::optional<double> rate;
    const char* why;
  };
  const Row rows[] = {
      {1, 100, true, std::nullopt, "the first says nothing"},
      {2, 110, true, 10, "ten in a second"},
      {2.01, 111, false, std::nullopt, "too soon"},
      {4, 130, true, 10, "the mean of two seconds"},
      {5, std::nullopt, true, std::nullopt, "a failed read"},
      {6, 150, true, 10, "over the gap"},
      {7, 3, true, std::nullopt, "a reset is not a rate"},
      {8, 5, true, 2, "from the reset on"},
      {8.5, 5, true, 0, "nothing happened"},
      {400, 900, true, std::nullopt, "too long ago"},
      {401, 901, true, 1, "again"},
  };
  CounterRate rate;
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto got = rate.step({at_s(row.at), row.value});
    CHECK(got.has_value() == row.passed);
    if (!got) continue;
    CHECK(got->value.has_value() == row.rate.has_value());
    if (got->value && row.rate) CHECK(*got->value == doctest::Approx(*row.rate));
  }
}
