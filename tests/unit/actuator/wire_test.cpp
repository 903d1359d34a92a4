// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/wire.h"

#include "tests/unit/actuator/actuator_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

ActuatorRequest filled(RequestKind kind) {
  ActuatorRequest request;
  request.kind = kind;
  switch (kind) {
    case RequestKind::execute: request.order = restart_order('a'); break;
    case RequestKind::approve:
    case RequestKind::reject: request.plan = restart_order('a').plan; [[fallthrough]];
    case RequestKind::query:
    case RequestKind::release: request.key = std::string(24, 'b'); break;
    case RequestKind::word:
      request.word.key = std::string(24, 'b');
      request.word.host_name = "web1";
      request.word.approves = true;
      request.word.until = kNow;
      break;
    case RequestKind::undo: request.key = std::string(24, 'b'); [[fallthrough]];
    case RequestKind::maintenance:
      if (kind == RequestKind::maintenance) request.until = kNow;
      [[fallthrough]];
    case RequestKind::halt:
      request.by = "uid 1000 (ada)";
      request.reason = "\"quoted\" \\ and ünïcode";
      if (kind == RequestKind::maintenance) request.entity = "service:*";
      break;
    case RequestKind::maintenance_off: request.entity = "service:*"; break;
    case RequestKind::undone: request.by = "uid 1000 (ada)"; [[fallthrough]];
    case RequestKind::reenable:
      request.target = {EntityKind::service, "nginx.service"};
      request.action = "service.restart";
      break;
    case RequestKind::disarm:
      request.by = "uid 1000 (ada)";
      request.reason = "misfires";
      [[fallthrough]];
    case RequestKind::rearm: request.runbook = "service-restart"; break;
    case RequestKind::status:
    case RequestKind::audit:
    case RequestKind::resume: break;
  }
  return request;
}

void refused(const std::string& text) {
  CAPTURE(text.substr(0, 200));
  const auto request = decode_request(text);
  REQUIRE_FALSE(request);
  CHECK((request.error().code == ErrorCode::malformed || request.error().code == ErrorCode::limit));
}

}  // namespace

TEST_CASE("every kind of request survives the wire") {
  for (int i = 0; i <= static_cast<int>(RequestKind::audit); ++i) {
    const ActuatorRequest request = filled(static_cast<RequestKind>(i));
    const std::string text = encode(request);
    CAPTURE(text);
    const auto again = decode_request(text);
    REQUIRE(again);
    CHECK(again->kind == request.kind);
    CHECK(encode(*again) == text);
  }
}

TEST_CASE("what is not a request is refused") {
  for (const char* text :
       {"", "{}", "[]", "null", "1", "\"status\"", "{\"request\":\"status\"", "{\"request\":1}",
        "{\"request\":\"reboot\"}", "{\"request\":\"status\"} x", "{\"request\":\"query\"}",
        "{\"request\":\"query\",\"key\":7}", "{\"request\":\"query\",\"key\":\"short\"}",
        "{\"request\":\"query\",\"key\":\"BBBBBBBBBBBBBBBBBBBBBBBB\"}", "{\"request\":\"halt\",\"by\":\"me\"}",
        "{\"request\":\"reenable\",\"target\":\"x\",\"action\":\"\"}", "{\"request\":\"maintenance_off\"}"})
    refused(text);
  refused(std::string(1000, '['));
  refused("{\"request\":\"status\"" + std::string(kMostMessage, ' ') + "}");
  refused("{\"request\":\"halt\",\"by\":\"\",\"reason\":\"" + std::string(1000, 'x') + "\"}");
}

TEST_CASE("an unknown field is refused at every depth") {
  refused("{\"request\":\"status\",\"more\":1}");
  refused("{\"request\":\"resume\",\"by\":\"me\"}");
  const std::string good = encode(filled(RequestKind::execute));
  REQUIRE(decode_request(good));
  const auto with = [&](const std::string& before, const std::string& added) {
    std::string text = good;
    const auto at = text.find(before);
    REQUIRE(at != std::string::npos);
    return text.insert(at + before.size(), added);
  };
  refused(with("\"order\":{", "\"script\":\"rm\","));
  refused(with("\"plan\":{", "\"script\":\"rm\","));
  refused(with("{", "\"script\":\"rm\","));
}

TEST_CASE("an order's key has its own form") {
  ActuatorRequest request = filled(RequestKind::execute);
  for (const std::string& key : {std::string(), std::string(23, 'a'), std::string(25, 'a'), std::string(24, 'g'),
                                 std::string("../../../../etc/passwd/x")}) {
    request.order.key = key;
    refused(encode(request));
  }
}

TEST_CASE("answers survive the wire") {
  ActuatorAnswer answer;
  answer.ok = true;
  answer.known = true;
  answer.outcome.emplace();
  answer.outcome->key = std::string(24, 'a');
  answer.outcome->result = OutcomeResult::timed_out;
  answer.outcome->details = {{"took_ms", "12"}};
  answer.outcome->verdict.decision = Decision::allow;
  answer.outcome->verdict.answers = {{"tier", Decision::allow, "tier is auto"}};
  answer.status.emplace();
  answer.status->measures = {
      {std::string(24, 'c'), "service.limit", "limit it", {EntityKind::service, "a.service"}, kNow, kNow}};
  answer.status->disarmed = {{"logs", "ada", "misfires", kNow}};
  answer.audit = LedgerAudit{3, 1, 11, 2, std::string(64, 'd'), kNow, "link 4 (halt) was changed"};
  answer.status->brakes.halted = true;
  answer.status->brakes.halted_by = "uid 0 (root)";
  answer.status->brakes.maintenance = {{kNow, "ada", "upgrade", "service:*"}};
  answer.status->recent = {
      {"k", {EntityKind::service, "a.service"}, "r", "service.restart", kNow, true, OutcomeResult::done, true}};
  answer.status->running = std::string(24, 'c');
  const auto again = decode_answer(encode(answer));
  REQUIRE(again);
  CHECK(encode(*again) == encode(answer));
  CHECK(again->outcome->result == OutcomeResult::timed_out);
  CHECK(again->status->recent.at(0).by_hand_undone);

  const auto error = decode_answer(encode(refusal(make_error(ErrorCode::denied, "not for you"))));
  REQUIRE(error);
  CHECK_FALSE(error->ok);
  CHECK(error->code == ErrorCode::denied);
  CHECK(error->error == "not for you");
  CHECK_FALSE(decode_answer("{}"));
  CHECK_FALSE(decode_answer("[]"));
}

TEST_CASE("an answer that would not fit is shortened, not dropped") {
  ActuatorAnswer answer;
  answer.ok = true;
  answer.outcome.emplace();
  answer.outcome->key = std::string(24, 'a');
  answer.outcome->text = "done";
  answer.outcome->verdict.answers.assign(64, {std::string(1000, 'r'), Decision::allow, std::string(1000, 'x')});
  const std::string text = encode(answer);
  CHECK(text.size() <= kMostMessage);
  CHECK(decode_answer(text)->outcome->text == "done");
}
