// SPDX-License-Identifier: Apache-2.0
// The checks and the exporters with an asker that answers what the test says.
#include <doctest/doctest.h>

#include <deque>

#include "detect/model/names.h"
#include "probes/endpoint/asker.h"
#include "tests/unit/probes/recording_sink.h"

namespace hostmedic {
extern const ProbeInfo check_probe;
extern const ProbeInfo scrape_probe;
}  // namespace hostmedic

using namespace hostmedic;
using hostmedic::test::RecordingSink;

namespace {

struct Script : AskerSource {
  struct Told final : Asker {
    explicit Told(Script& owner) : script(owner) {}
    void ask(Question question) override { script.asked.push_back(std::move(question)); }
    std::optional<Answer> take() override {
      if (script.answers.empty()) return std::nullopt;
      Answer answer = std::move(script.answers.front());
      script.answers.pop_front();
      return answer;
    }
    int fd() const override { return 0; }
    Script& script;
  };
  Result<std::unique_ptr<Asker>> make() override { return std::unique_ptr<Asker>(std::make_unique<Told>(*this)); }
  std::vector<Question> asked;
  std::deque<Answer> answers;
};

struct Setting {
  explicit Setting(const ProbeInfo& info, ProbeSettings given) : settings(std::move(given)) {
    auto made = info.make({roots, settings, &script});
    REQUIRE(made);
    probe = std::move(*made);
  }
  // Runs seconds, answering every question so.
  void run(int seconds, const Answer& answer) {
    for (int i = 0; i < seconds; ++i) {
      now += std::chrono::seconds(1);
      last = probe->read(now, sink);
      for (const Question& question : script.asked) {
        script.answers.push_back(answer);
        script.answers.back().id = question.id;
        ++questions;
      }
      script.asked.clear();
      CHECK(probe->on_ready(now, sink));
    }
  }
  std::string events() {
    std::string text;
    for (const auto& told : sink.told)
      text += std::string(told.get(attr::kCheckState)) + "(" + std::string(told.get(attr::kCheckReason)) + ") ";
    sink.told.clear();
    return text;
  }
  Roots roots;
  ProbeSettings settings;
  Script script;
  std::unique_ptr<Probe> probe;
  RecordingSink sink;
  MonoTime now = mono_from_ns(100'000'000'000);
  int questions = 0;
  Status last = ok();
};

Answer http(int status, std::string body = "") {
  Answer answer;
  answer.reached = true;
  answer.status = status;
  answer.body = std::move(body);
  answer.took = std::chrono::milliseconds(20);
  return answer;
}
Answer refused() {
  Answer answer;
  answer.reason = "connection refused";
  return answer;
}

Answer silence() {
  Answer answer;
  answer.silent = true;
  answer.reason = "no answer in time";
  return answer;
}

ProbeSettings one_check(ActiveCheck check) {
  ProbeSettings settings;
  settings.checks.push_back(std::move(check));
  return settings;
}

constexpr const char* kUrl = "http://web/";
constexpr const char* kEndpoint = "endpoint:http://web/";

}  // namespace

TEST_CASE("checks: silences in a row are counted, and an answer ends them, also a wrong one") {
  Setting s(check_probe, one_check({.id = "web", .url = kUrl, .interval = std::chrono::seconds(1)}));
  const auto silences = [&] { return s.sink.value(kEndpoint, "hostmedic.check.silent", "check.id=web"); };
  s.run(12, http(200));
  CHECK(silences() == 0);
  s.run(3, silence());
  CHECK(silences() == 3);
  s.run(1, http(500));
  CHECK(silences() == 0);
  s.run(2, silence());
  s.run(1, refused());
  CHECK(silences() == 0);
}

TEST_CASE("checks: what this host could not ask is not known, and not down") {
  Setting s(check_probe, one_check({.id = "web", .url = kUrl, .interval = std::chrono::seconds(1)}));
  s.run(12, http(200));
  Answer unasked;
  unasked.asked = false;
  s.run(3, unasked);
  CHECK_FALSE(s.sink.value(kEndpoint, "hostmedic.check.up", "check.id=web"));
  CHECK_FALSE(s.sink.value(kEndpoint, "hostmedic.check.silent", "check.id=web"));
  s.run(1, http(200));
  CHECK(s.sink.value(kEndpoint, "hostmedic.check.up", "check.id=web") == 1);
  CHECK(s.events() == "");
}

TEST_CASE("checks: after the first failure it is asked again at once, and after the first success; then no more") {
  Setting s(check_probe, one_check({.id = "web", .url = kUrl, .interval = std::chrono::seconds(30)}));
  const auto failures = [&] { return s.sink.value(kEndpoint, "hostmedic.check.failures", "check.id=web"); };
  // Answers what was asked, and says what is asked then: in so many milliseconds, or nothing.
  const auto answer = [&](Answer given) -> std::optional<std::int64_t> {
    REQUIRE(s.script.asked.size() == 1);
    given.id = s.script.asked[0].id;
    s.script.asked.clear();
    s.script.answers.push_back(given);
    CHECK(s.probe->on_ready(s.now, s.sink));
    if (s.script.asked.empty()) return std::nullopt;
    return s.script.asked[0].after / std::chrono::milliseconds(1);
  };
  const auto wait = [&] {
    for (int i = 0; i < 40 && s.script.asked.empty(); ++i) {
      s.now += std::chrono::seconds(1);
      CHECK(s.probe->read(s.now, s.sink));
    }
    REQUIRE(s.script.asked.size() == 1);
    CHECK(s.script.asked[0].after == Duration::zero());
  };
  wait();
  CHECK(!answer(http(200)));
  wait();
  CHECK(answer(http(500)) == 180);  // 200 ms after it was asked: it took 20
  CHECK(failures() == 1);
  CHECK(!answer(http(503)));
  CHECK(failures() == 2);
  wait();
  CHECK(!answer(refused()));  // still failing: in its interval
  CHECK(failures() == 3);
  wait();
  CHECK(answer(http(200)) == 180);
  CHECK(failures() == 0);
  CHECK(!answer(http(200)));
  // What fails each second time is asked no more than twice as often as it is due.
  for (int i = 0; i < 5; ++i) {
    wait();
    Answer late = silence();
    late.took = std::chrono::seconds(5);
    CHECK(answer(late) == 0);
    CHECK(!answer(http(200)));
  }
}

TEST_CASE("checks: asked in their interval; a change of the result is told, and the first only if it is bad") {
  Setting s(check_probe, one_check({.id = "web", .url = kUrl, .interval = std::chrono::seconds(5)}));
  s.run(60, http(200));
  CHECK(s.questions >= 11);
  CHECK(s.questions <= 12);
  CHECK(s.events() == "");
  CHECK(s.sink.value(kEndpoint, "hostmedic.check.up", "check.id=web") == 1);
  CHECK(s.sink.value(kEndpoint, "hostmedic.check.duration", "check.id=web") == doctest::Approx(0.02));
  s.run(20, refused());
  CHECK(s.events() == "down(connection refused) ");
  CHECK(s.sink.value(kEndpoint, "hostmedic.check.up", "check.id=web") == 0);
  CHECK(!s.sink.value(kEndpoint, "hostmedic.check.duration", "check.id=web"));
  s.run(5, http(500));  // down for another reason: not news
  s.run(10, http(301));
  CHECK(s.events() == "up() ");

  Setting bad(check_probe, one_check({.id = "web", .url = kUrl}));
  bad.run(30, http(503));
  CHECK(bad.events() == "down(status 503) ");
}

TEST_CASE("checks: status and text that are expected, and the end of the certificate") {
  Setting s(
      check_probe,
      one_check({.id = "w", .url = kUrl, .interval = std::chrono::seconds(1), .status = 401, .contains = "go away"}));
  Answer answer = http(401, "please go away");
  answer.certificate_ends = wall_from_ns(2'000'000'000'000'000'000);
  s.run(15, answer);
  CHECK(s.events() == "");
  CHECK(s.sink.value(kEndpoint, "hostmedic.check.certificate.not_after", "check.id=w") == 2e9);
  s.run(2, http(200, "please go away"));
  CHECK(s.events() == "down(status 200) ");
  s.run(2, http(401, "welcome"));
  CHECK(s.sink.value(kEndpoint, "hostmedic.check.up", "check.id=w") == 0);
}

TEST_CASE("checks: about a unit when one is named; a question is not asked twice while its answer is awaited") {
  Setting s(check_probe,
            one_check({.id = "w", .url = kUrl, .interval = std::chrono::seconds(1), .service = "nginx.service"}));
  for (int i = 0; i < 20; ++i) {
    s.now += std::chrono::seconds(1);
    CHECK(s.probe->read(s.now, s.sink));
  }
  CHECK(s.script.asked.size() == 1);
  s.run(1, http(200));
  CHECK(s.sink.value("service:nginx.service", "hostmedic.check.up", "check.id=w") == 1);
}

TEST_CASE("checks: one that took longer than its interval is asked again as soon as it is answered") {
  Setting s(check_probe, one_check({.id = "w", .url = kUrl, .interval = std::chrono::seconds(1)}));
  while (s.script.asked.empty()) {
    s.now += std::chrono::seconds(1);
    CHECK(s.probe->read(s.now, s.sink));
  }
  const Question first = s.script.asked[0];
  const auto answer_after = [&](std::chrono::milliseconds passed) {
    s.now += passed;
    s.script.asked.clear();
    s.script.answers.push_back(refused());
    s.script.answers.back().id = first.id;
    CHECK(s.probe->on_ready(s.now, s.sink));
    return s.script.asked.size();
  };
  CHECK(answer_after(std::chrono::milliseconds(1050)) == 1);  // at once, for it fails
  CHECK(answer_after(std::chrono::milliseconds(10)) == 1);    // what was due meanwhile
  CHECK(answer_after(std::chrono::milliseconds(20)) == 0);    // not before it is due
}

TEST_CASE("checks: what a plug-in prints becomes series") {
  Setting s(check_probe, one_check({.id = "raid", .url = "exec:raid", .interval = std::chrono::seconds(1)}));
  s.run(15, http(0, "raid_degraded_disks 1\n"));
  CHECK(s.sink.value("endpoint:exec:raid", "raid_degraded_disks") == 1);
  s.run(2, refused());
  CHECK(!s.sink.value("endpoint:exec:raid", "raid_degraded_disks"));
}

TEST_CASE("checks and exporters: nothing configured is a state") {
  const Roots roots;
  const ProbeSettings none;
  Script script;
  for (const ProbeInfo* info : {&check_probe, &scrape_probe}) {
    const auto made = info->make({roots, none, &script});
    REQUIRE(!made);
    CHECK(made.error().code == ErrorCode::unsupported);
  }
}

TEST_CASE("exporters: allowed series are taken over; trouble is the probe's state") {
  ProbeSettings settings;
  settings.scrapes.push_back(
      {.id = "pg", .url = "http://pg/metrics", .interval = std::chrono::seconds(2), .allow = {"pg_*"}});
  Setting s(scrape_probe, settings);
  s.run(4, http(200, "pg_up 1\nother 2\n"));
  CHECK(s.last);
  CHECK(s.questions == 2);
  CHECK(s.sink.value("endpoint:http://pg/metrics", "pg_up") == 1);
  CHECK(s.sink.value("endpoint:http://pg/metrics", "hostmedic.scrape.up", "scrape.id=pg") == 1);
  s.run(3, http(404));
  REQUIRE(!s.last);
  CHECK(s.last.error().message() == "pg: status 404");
  CHECK(!s.sink.value("endpoint:http://pg/metrics", "pg_up"));
  CHECK(s.sink.value("endpoint:http://pg/metrics", "hostmedic.scrape.up", "scrape.id=pg") == 0);
  s.run(3, http(200, "nothing 1\n"));
  CHECK(s.last.error().message() == "pg: none of its series is allowed");
  s.run(3, http(200, "pg_up 1\n"));
  CHECK(s.last);
}
