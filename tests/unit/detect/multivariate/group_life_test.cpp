// SPDX-License-Identifier: Apache-2.0
// What every group model must hold, whatever it is good at: odd input, memory, work, and a restart do it no harm.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

#include "tests/unit/detect/allocations.h"
#include "tests/unit/detect/multivariate/group_world.h"

using namespace hostmedic;
using test::GroupWorld;

namespace {
constexpr std::size_t kMembers = 6;
constexpr int kSettles = 1200;

template <class Run>
void for_each_model(Run run) {
  for (const detect::GroupModelInfo* info : detect::all_group_models()) {
    CAPTURE(info->name);
    run(info->name);
  }
}
bool are_shares(const std::vector<float>& shares) {
  const bool known = std::ranges::all_of(shares, [](float share) { return share >= 0 && share <= 1.0001F; });
  const float sum = std::accumulate(shares.begin(), shares.end(), 0.0F);
  return known && (sum == 0 || std::abs(sum - 1) < 1e-3F);
}
// Far out, to and fro, and against the others of the same cause.
float odd(int moment, std::size_t member) {
  return (static_cast<std::size_t>(moment) + member / 2) % 2 == 0 ? 9.0F : -9.0F;
}
bool same(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }
}  // namespace

TEST_CASE("every group model is found by its name and names its source") {
  for_each_model([](std::string_view name) {
    const detect::GroupModelInfo* info = detect::find_group_model(name);
    REQUIRE(info != nullptr);
    CHECK_FALSE(info->summary.empty());
    CHECK_FALSE(info->source.empty());
  });
  CHECK(detect::find_group_model("crystal_ball") == nullptr);
}

TEST_CASE("a group model learns first, then scores; the same seed gives the same scores") {
  for_each_model([](std::string_view name) {
    auto one = test::group_model(name, kMembers), other = test::group_model(name, kMembers);
    GroupWorld world(kMembers);
    world.next();
    CHECK(std::isnan(one->step(world.reading())));
    (void)other->step(world.reading());
    bool agree = true, settled = false;
    for (int i = 0; i < kSettles; ++i) {
      world.next();
      const float score = one->step(world.reading());
      agree = agree && same(score, other->step(world.reading()));
      settled = score >= 0;
      CHECK((std::isnan(score) || score >= 0));
    }
    CHECK(agree);
    CHECK(settled);
    CHECK(are_shares(test::shares_of(*one, kMembers)));
  });
}

TEST_CASE("a group model goes on after a restart as if there had been none") {
  for_each_model([](std::string_view name) {
    auto before = test::group_model(name, kMembers), after = test::group_model(name, kMembers);
    GroupWorld world(kMembers);
    (void)test::live(*before, world, kSettles);
    const std::string bytes = test::saved(*before);
    detect::StateReader reader(bytes);
    REQUIRE(after->load(reader));
    CHECK(reader.at_end());
    CHECK(test::saved(*after) == bytes);
    bool agree = true;
    for (int i = 0; i < 700; ++i) {
      world.next();
      agree = agree && same(before->step(world.reading()), after->step(world.reading()));
    }
    CHECK(agree);
    CHECK(test::shares_of(*before, kMembers) == test::shares_of(*after, kMembers));
    CHECK(test::saved(*before) == test::saved(*after));
  });
}

TEST_CASE("bytes that are not of this model are refused, and it is as if new") {
  for_each_model([](std::string_view name) {
    auto model = test::group_model(name, kMembers), wider = test::group_model(name, kMembers + 1);
    GroupWorld world(kMembers);
    (void)test::live(*model, world, 400);
    const std::string bytes = test::saved(*model);
    detect::StateReader of_another(bytes);
    CHECK_FALSE(wider->load(of_another));

    auto loaded = test::group_model(name, kMembers);
    detect::Random random(3);
    for (int i = 0; i < 60; ++i) {
      std::string broken = bytes;
      const std::size_t at = random.below(static_cast<std::uint32_t>(broken.size()));
      if (i % 3 == 0) {
        broken.resize(at);
      } else {
        for (std::size_t j = at; j < std::min(broken.size(), at + 4); ++j) broken[j] = static_cast<char>(random.next());
      }
      detect::StateReader reader(broken);
      const bool taken = loaded->load(reader);
      if (i % 3 == 0) CHECK_FALSE(taken);
      // Whatever it took, it lives: numbers or an honest NaN, and shares.
      for (int j = 0; j < 20; ++j) {
        world.next();
        const float score = loaded->step(world.reading());
        CHECK((std::isnan(score) || (std::isfinite(score) && score >= 0)));
        CHECK((loaded->healthy() || std::isnan(score)));
      }
      CHECK(are_shares(test::shares_of(*loaded, kMembers)));
    }
    detect::StateReader nothing("");
    CHECK_FALSE(loaded->load(nothing));
    world.next();
    CHECK(std::isnan(loaded->step(world.reading())));
  });
}

TEST_CASE("what is not to be learned leaves no trace in what was") {
  for_each_model([](std::string_view name) {
    auto model = test::group_model(name, kMembers);
    GroupWorld world(kMembers);
    const float usual = test::live(*model, world, kSettles);
    for (int i = 0; i < 500; ++i) {
      world.next();
      for (std::size_t m = 0; m < kMembers; ++m) world.set(m, odd(i, m) + 0.1F * world.uneven());
      (void)model->step(world.reading(false));
    }
    // Were it learned, it would be usual by now.
    for (int i = 0; i < 20; ++i) world.next(), (void)model->step(world.reading(false));
    float highest = 0;
    for (int i = 0; i < 10; ++i) {
      world.next();
      for (std::size_t m = 0; m < kMembers; ++m) world.set(m, odd(i, m) + 0.1F * world.uneven());
      highest = std::max(highest, model->step(world.reading(false)));
    }
    CHECK(highest > usual);
  });
}

TEST_CASE("a member of which nothing is known is not blamed, and the model goes on") {
  for_each_model([](std::string_view name) {
    auto model = test::group_model(name, kMembers);
    GroupWorld world(kMembers);
    const float usual = test::live(*model, world, kSettles);
    for (int i = 0; i < 200; ++i) {
      world.next();
      world.values[2] = world.deviations[2] = NAN;
      const float score = model->step(world.reading());
      CHECK(score >= 0);
      CHECK(test::shares_of(*model, kMembers)[2] == 0);
    }
    for (int i = 0; i < 50; ++i) {
      world.next();
      std::ranges::fill(world.values, NAN);
      std::ranges::fill(world.deviations, NAN);
      (void)model->step(world.reading());
    }
    CHECK(test::shares_of(*model, kMembers) == std::vector<float>(kMembers, 0));
    (void)test::live(*model, world, 300);
    CHECK(test::live(*model, world, 300) < usual * 3 + 1);
    CHECK(model->healthy());
  });
}

TEST_CASE("no input breaks a group model: infinities, huge values, constants, gaps, clocks that go back") {
  constexpr float kOdd[] = {std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(),
                            3e38F,
                            -3e38F,
                            1e-40F,
                            0,
                            NAN,
                            1000,
                            -1e9F};
  for_each_model([&](std::string_view name) {
    auto model = test::group_model(name, kMembers);
    GroupWorld world(kMembers);
    (void)test::live(*model, world, kSettles);
    for (int i = 0; i < 600; ++i) {
      world.next();
      for (std::size_t m = 0; m < kMembers; ++m)
        if ((i + static_cast<int>(m)) % 5 == 0)
          world.values[m] = world.deviations[m] = kOdd[(i / 5 + m) % std::size(kOdd)];
      if (i % 100 == 50) world.jump(std::chrono::hours(i % 200 == 50 ? 30 : -29));
      const float score = model->step(world.reading(i % 7 != 0));
      CHECK((std::isfinite(score) && score >= 0));
    }
    CHECK(are_shares(test::shares_of(*model, kMembers)));
    CHECK(model->healthy());

    auto constant = test::group_model(name, kMembers);
    for (int i = 0; i < 1000; ++i) {
      std::ranges::fill(world.values, 5.0F);
      std::ranges::fill(world.deviations, 0.0F);
      world.jump(std::chrono::minutes(10));
      const float score = constant->step(world.reading());
      CHECK((std::isnan(score) || std::isfinite(score)));
    }
  });
}

TEST_CASE("a group model takes no memory as it goes, and says how much it has") {
  for_each_model([](std::string_view name) {
    auto model = test::group_model(name, kMembers);
    GroupWorld world(kMembers);
    std::vector<float> shares(kMembers);
    world.next();
    (void)model->step(world.reading());
    const std::size_t bytes = model->bytes_used();
    CHECK(bytes > 0);
    const std::size_t allocated = test::allocations_in([&] {
      for (int i = 0; i < kSettles; ++i) {
        world.next();
        if (i % 97 == 0) world.values[1] = world.deviations[1] = NAN;
        if (i % 211 == 0) model->forget(static_cast<std::size_t>(i) % kMembers);
        (void)model->step(world.reading(i % 5 != 0));
        model->shares(shares);
      }
    });
    CHECK(allocated == 0);
    CHECK(model->bytes_used() == bytes);

    auto largest = test::group_model(name, detect::kMostMembers);
    GroupWorld crowd(detect::kMostMembers);
    for (int i = 0; i < 80; ++i) crowd.next(), (void)largest->step(crowd.reading());
    CHECK(largest->bytes_used() < 48U * 1024 * 1024);
    auto empty = test::group_model(name, 0);
    GroupWorld nobody(0);
    for (int i = 0; i < 80; ++i) {
      nobody.next();
      CHECK_FALSE(empty->step(nobody.reading()) > 0);
    }
  });
}

TEST_CASE("members come and go") {
  for_each_model([](std::string_view name) {
    auto model = test::group_model(name, kMembers);
    GroupWorld world(kMembers);
    (void)test::live(*model, world, kSettles);
    model->resize(kMembers + 2);
    GroupWorld wider(kMembers + 2);
    for (int i = 0; i < 1500; ++i) {
      if (i == 500) model->forget(1);
      wider.next();
      const float score = model->step(wider.reading());
      CHECK((std::isnan(score) || std::isfinite(score)));
    }
    const float usual = test::live(*model, wider, 400);
    CHECK(std::isfinite(usual));
    CHECK(are_shares(test::shares_of(*model, kMembers + 2)));
    CHECK(model->healthy());
  });
}
