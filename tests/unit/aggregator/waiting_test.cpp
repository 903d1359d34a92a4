// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/waiting.h"

#include <boost/json/serialize.hpp>

#include "tests/unit/aggregator/aggregator_support.h"

using namespace hostmedic;
using namespace std::chrono_literals;
using test::Running;
using test::Site;
using test::TempState;

namespace {

WaitingPlan plan_of(const std::string& incident, char key) {
  WaitingPlan plan;
  plan.incident_id = incident;
  plan.order.key = std::string(24, key);
  plan.order.incident_id = incident;
  plan.order.plan.action = "service.restart";
  plan.order.plan.target = {EntityKind::service, "nginx.service"};
  plan.order.plan.what = "restart nginx.service";
  plan.others = {plan.order};
  plan.others[0].key = std::string(24, static_cast<char>(key + 1));
  return plan;
}

std::string body_of(const std::vector<WaitingPlan>& plans) {
  boost::json::array list;
  for (const WaitingPlan& plan : plans) list.push_back(to_json_object(plan));
  return boost::json::serialize(
      boost::json::object{{"host_id", "machine-1"}, {"host_name", "web1"}, {"proposals", std::move(list)}});
}

SignedWord word_on(const std::string& incident, char key, const std::string& signer = "ada") {
  SignedWord word;
  word.host_id = "machine-1";
  word.host_name = "web1";
  word.incident_id = incident;
  word.key = std::string(24, key);
  word.signer = signer;
  return word;
}

}  // namespace

TEST_CASE("a word waits for the host whose plan it is about, until the plan waits no more") {
  WaitingPlans waiting;
  const MonoTime now = mono_now();
  CHECK(waiting.say("web1", word_on("1", 'a'), now).error().code == ErrorCode::not_found);
  auto words = waiting.told("web1", body_of({plan_of("1", 'a'), plan_of("2", 'c')}), now);
  REQUIRE_MESSAGE(words, (words ? "" : words.error().message()));
  CHECK(words->empty());
  CHECK(waiting.list_json(now, WallTime{}).find("\"host_name\":\"web1\"") != std::string::npos);

  SUBCASE("given again until it is heard") {
    CHECK(waiting.say("web1", word_on("1", 'b'), now));  // another step of the same plan
    for (int i = 0; i < 2; ++i) {
      words = waiting.told("web1", body_of({plan_of("1", 'a'), plan_of("2", 'c')}), now);
      REQUIRE(words);
      REQUIRE(words->size() == 1);
      CHECK(words->front().key == std::string(24, 'b'));
    }
    words = waiting.told("web1", body_of({plan_of("2", 'c')}), now);
    REQUIRE(words);
    CHECK(words->empty());
  }
  SUBCASE("of one person the last counts, of two both") {
    SignedWord word = word_on("1", 'a');
    CHECK(waiting.say("web1", word, now));
    word.approves = true;
    CHECK(waiting.say("web1", word, now));
    CHECK(waiting.say("web1", word_on("1", 'a', "bob"), now));
    words = waiting.told("web1", body_of({plan_of("1", 'a')}), now);
    REQUIRE(words);
    REQUIRE(words->size() == 2);
    CHECK(words->front().approves);
  }
  SUBCASE("not for another host, machine, incident or order") {
    SignedWord word = word_on("1", 'a');
    CHECK_FALSE(waiting.say("db1", word, now));
    word.host_id = "machine-2";
    CHECK_FALSE(waiting.say("web1", word, now));
    CHECK_FALSE(waiting.say("web1", word_on("2", 'a'), now));
    CHECK_FALSE(waiting.say("web1", word_on("1", 'e'), now));
  }
  SUBCASE("a host that says nothing any more is forgotten") {
    const MonoTime later = now + WaitingPlans::kForgotten + 1s;
    CHECK(waiting.list_json(later, WallTime{}) == R"({"now_unix_nano":0,"proposals":[]})");
    CHECK_FALSE(waiting.say("web1", word_on("1", 'a'), later));
  }
  SUBCASE("what is said has a bound") {
    for (std::size_t i = 0; i < WaitingPlans::kMostWords; ++i)
      CHECK(waiting.say("web1", word_on("1", 'a', std::to_string(i)), now));
    CHECK(waiting.say("web1", word_on("1", 'a', "one more"), now).error().code == ErrorCode::limit);
  }
}

TEST_CASE("what hosts say of their plans has a bound, and a form") {
  WaitingPlans waiting;
  const MonoTime now = mono_now();
  CHECK_FALSE(waiting.told("web1", "[]", now));
  CHECK_FALSE(waiting.told("web1", R"({"host_id":"a","host_name":"b","proposals":[{}]})", now));
  CHECK_FALSE(waiting.told("web1", body_of(std::vector(WaitingPlans::kMostPlans + 1, plan_of("1", 'a'))), now));
  WaitingPlan large = plan_of("1", 'a');
  large.order.plan.what = std::string(1000, 'x');
  const std::string body = body_of(std::vector(WaitingPlans::kMostPlans, large));
  std::size_t taken = 0;
  while (taken * body.size() < 2 * WaitingPlans::kMostBytes && waiting.told("host" + std::to_string(taken), body, now))
    ++taken;
  CHECK(taken == WaitingPlans::kMostBytes / body.size());
}

TEST_CASE("plans come by mutual TLS, words by the page") {
  const TempState state;
  Running running(state);
  const std::string body = body_of({plan_of("1", 'a')});
  auto answer = running.agent(Site::get().client("web1"), test::post("/v1/proposals", body, "application/json"));
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->body == R"({"words":[]})");
  CHECK(running.json("/api/proposals").at("proposals").as_array().size() == 1);

  const auto said = [](const std::string& host) {
    return boost::json::serialize(boost::json::object{{"host", host}, {"word", to_json_object(word_on("1", 'a'))}});
  };
  CHECK(running.say("/api/words", said("web1"), "text/plain").status == 415);
  CHECK(running.say("/api/words", "{}").status == 400);
  CHECK(running.say("/api/words", R"({"host":"web1","word":{}})").status == 400);
  CHECK(running.say("/api/words", std::string(8000, ' ')).status == 413);
  CHECK(running.say("/api/words", said("db1")).status == 404);
  CHECK(running.say("/api/proposals", said("web1")).status == 405);
  CHECK(running.say("/api/words", said("web1")).status == 200);

  answer = running.agent(Site::get().client("db1"), test::post("/v1/proposals", body, "application/json"));
  REQUIRE(answer);
  CHECK(answer->body == R"({"words":[]})");  // another host's certificate: none of its business
  answer = running.agent(Site::get().client("web1"), test::post("/v1/proposals", body, "application/json"));
  REQUIRE(answer);
  CHECK(answer->body.find("\"signer\":\"ada\"") != std::string::npos);
  answer = running.agent(Site::get().client("web1"), test::post("/v1/proposals", "{", "application/json"));
  REQUIRE(answer);
  CHECK(answer->status == 400);
}
