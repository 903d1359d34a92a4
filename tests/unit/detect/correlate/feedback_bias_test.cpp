// SPDX-License-Identifier: Apache-2.0
#include "detect/correlate/feedback_bias.h"

#include <doctest/doctest.h>

namespace hostmedic::detect {
namespace {

const Entity kShop{EntityKind::service, "shop.service"}, kOther{EntityKind::service, "other.service"};

Feedback word(bool real, std::vector<std::string> rules = {"latency-high"}) {
  return {"0123456789abcdef", kShop, std::move(rules), real, "uid 0 (root)", "", {}};
}

TEST_CASE("one word that it was none takes 0.95 to 0.88, two to 0.72; a word that it was real adds little") {
  FeedbackBias bias;
  CHECK(bias.moved(0.95, "latency-high", kShop) == 0.95);
  bias.set({word(false)});
  CHECK(bias.moved(0.95, "latency-high", kShop) == doctest::Approx(0.875).epsilon(0.01));
  bias.set({word(false), word(false)});
  CHECK(bias.moved(0.95, "latency-high", kShop) == doctest::Approx(0.72).epsilon(0.01));
  bias.set({word(true)});
  CHECK(bias.moved(0.9, "latency-high", kShop) == doctest::Approx(0.937).epsilon(0.01));
  bias.set({});
  CHECK(bias.moved(0.95, "latency-high", kShop) == 0.95);
}

TEST_CASE("it is of this rule on this entity only, and bounded both ways") {
  FeedbackBias bias;
  bias.set(std::vector<Feedback>(100, word(false)));
  CHECK(bias.moved(0.95, "latency-high", kOther) == 0.95);
  CHECK(bias.moved(0.95, "errors-high", kShop) == 0.95);
  CHECK(bias.moved(0.95, "latency-high", kShop) == doctest::Approx(0.486).epsilon(0.01));
  bias.set(std::vector<Feedback>(100, word(true)));
  CHECK(bias.moved(0.5, "latency-high", kShop) == doctest::Approx(0.731).epsilon(0.01));
  CHECK(bias.moved(0, "latency-high", kShop) == 0);
  CHECK(bias.moved(1, "latency-high", kShop) == 1);
  CHECK(bias.text("latency-high", kShop) == "100 said to be real, 0 to be none");
  CHECK(bias.text("latency-high", kOther).empty());
}

}  // namespace
}  // namespace hostmedic::detect
