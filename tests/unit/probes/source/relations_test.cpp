// SPDX-License-Identifier: Apache-2.0
#include "probes/source/relations.h"

#include <doctest/doctest.h>

#include "../recording_sink.h"

using namespace hostmedic;
using hostmedic::test::RecordingSink;

namespace {

const Entity kWeb{EntityKind::service, "web.service"}, kApp{EntityKind::service, "app.service"};
const Entity kDatabase{EntityKind::service, "db.service"};

struct Turns {
  explicit Turns(std::size_t most) : book(most) {}
  // What one turn tells, in words.
  std::vector<std::string> tell(Duration later = std::chrono::seconds(1)) {
    sink.told.clear();
    book.tell(now += later, sink, [](const Entity& one) { return one == kWeb; });
    std::vector<std::string> words;
    for (const auto& told : sink.told)
      words.push_back(told.about.name + " " + told.get(attr::kRelationType) + " " + told.get(attr::kRelationTarget) +
                      " " + told.get(attr::kRelationState));
    return words;
  }
  RelationBook book;
  RecordingSink sink;
  MonoTime now = mono_from_ns(1'000'000'000);
};

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("relations are told once, told as gone when they end, and told again after six hours") {
  Turns turns(100);
  turns.book.replace(kWeb, {{"requires", kApp}, {"after", kDatabase}});
  CHECK(turns.tell() ==
        Words{"web.service requires service:app.service present", "web.service after service:db.service present"});
  CHECK(turns.sink.retired.empty());  // the probe has it for itself
  CHECK(turns.tell().empty());
  turns.book.replace(kWeb, {{"requires", kDatabase}, {"after", kDatabase}});
  CHECK(turns.tell() ==
        Words{"web.service requires service:db.service present", "web.service requires service:app.service gone"});
  CHECK(turns.tell(std::chrono::hours(5)).empty());
  CHECK(turns.tell(std::chrono::hours(1)).size() == 2);
  CHECK(turns.tell().empty());
}

TEST_CASE("what was never told is not told as gone, and what is forgotten is not told at all") {
  Turns turns(100);
  turns.book.replace(kApp, {{"requires", kDatabase}});
  turns.book.replace(kApp, {});
  CHECK(turns.tell().empty());
  turns.book.replace(kApp, {{"requires", kDatabase}});
  CHECK(turns.tell().size() == 1);
  CHECK(turns.sink.retired == Words{"service:app.service"});  // only visited
  turns.book.forget_if([](const Entity& one) { return one == kApp; });
  CHECK(turns.tell(std::chrono::hours(7)).empty());
  CHECK(turns.book.size() == 0);
}

TEST_CASE("a start is spread over turns, and the bounds count what they leave out") {
  Turns turns(70);
  for (int i = 0; i < 3; ++i) {
    std::vector<Related> many;
    for (int n = 0; n < 40; ++n) many.push_back({"wants", {EntityKind::service, std::to_string(n) + ".service"}});
    turns.book.replace({EntityKind::service, "all" + std::to_string(i) + ".service"}, std::move(many));
  }
  CHECK(turns.book.full());
  CHECK(turns.book.take_left_out() == 3 * 8 + 26);  // past 32 of one, past 70 of all
  CHECK(turns.book.take_left_out() == 0);
  std::size_t told = 0;
  for (int turn = 0; turn < 5; ++turn) {
    const std::size_t now = turns.tell().size();
    CHECK(now <= kMostRelationsPerTurn);
    told += now;
  }
  CHECK(told == 70);
}

TEST_CASE("what is seen now and then is told again only after six hours, and a full memory makes room by age") {
  ToldMemory<int> told(2);
  MonoTime now = mono_from_ns(1'000'000'000);
  CHECK(told.is_due(1, now));
  CHECK_FALSE(told.is_due(1, now + std::chrono::hours(5)));
  CHECK(told.is_due(2, now + std::chrono::hours(5)));
  CHECK_FALSE(told.is_due(3, now + std::chrono::hours(5)));
  CHECK(told.take_left_out() == 1);
  CHECK(told.is_due(3, now + std::chrono::hours(6)));
  CHECK_FALSE(told.is_due(2, now + std::chrono::hours(6)));
}

TEST_CASE("a turn tells no more than it may, the next sighting does") {
  ToldMemory<std::size_t> told(100);
  const MonoTime now = mono_from_ns(1'000'000'000);
  for (std::size_t i = 0; i < kMostRelationsPerTurn; ++i) CHECK(told.is_due(i, now));
  CHECK_FALSE(told.is_due(99, now));
  told.begin_turn();
  CHECK(told.is_due(99, now));
}
