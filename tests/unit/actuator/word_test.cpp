// SPDX-License-Identifier: Apache-2.0
// Words from afar: what a person signed counts on the host it is for, and nothing that those who carry it could make.
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/net/authority.h"
#include "agent/net/signature.h"
#include "tests/unit/actuator/rig.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

const ActuatorPeer kAgentPeer{Role::agent, "uid 990 (hostmedic)"};

struct Person {
  std::string key, certificate, fingerprint;
};

Person person(const TempDir& dir, const std::string& name) {
  const auto pair = make_person(name, valid_days(kNow, 10));
  REQUIRE(pair);
  REQUIRE(write_file_atomic(dir / "one.crt", pair->certificate_pem, 0600));
  const auto info = describe_certificate(dir / "one.crt");
  REQUIRE(info);
  return {pair->key_pem, pair->certificate_pem, info->fingerprint};
}

struct Afar : Rig {
  Person ada = person(dir, "ada"), eve = person(dir, "eve");
  Order asked;
  Afar() {
    policy.tier = Tier::approve;
    approvers = ada.certificate;
    open();
    asked = order("nginx.service");
  }
  SignedWord word() const {
    const auto subject = approved_subject(asked.key, asked.plan);
    REQUIRE(subject);
    SignedWord word;
    word.host_id = "machine-1";
    word.host_name = "web1";
    word.incident_id = asked.incident_id;
    word.key = asked.key;
    word.plan = subject->substr(asked.key.size() + 1);
    word.approves = true;
    word.until = wall + kWordLife;
    return word;
  }
  ActuatorRequest signed_by(const Person& who, SignedWord word) const {
    word.signer = who.fingerprint;
    auto signature = sign_text(word_text(word), who.key);
    REQUIRE(signature);
    word.signature = *signature;
    ActuatorRequest request;
    request.kind = RequestKind::word;
    request.word = std::move(word);
    return request;
  }
  std::string refused(const ActuatorRequest& request) {
    const ActuatorAnswer answer = actuator->answer(request, kAgentPeer, "");
    CHECK_FALSE(answer.ok);
    CHECK(answer.by.empty());
    CHECK(actuator->carry_out(asked).result == OutcomeResult::refused);
    CHECK(how().executed == 0);
    return answer.error;
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a plan that was approved from afar is carried out, by the name in the certificate") {
  Afar host;
  CHECK(host.actuator->carry_out(host.asked).result == OutcomeResult::refused);
  const ActuatorAnswer answer = host.actuator->answer(host.signed_by(host.ada, host.word()), kAgentPeer, "");
  REQUIRE_MESSAGE(answer.ok, answer.error);
  CHECK(answer.by == "ada (certificate " + host.ada.fingerprint.substr(0, 12) + ")");
  SUBCASE("this one") {
    CHECK(host.actuator->carry_out(host.asked).result == OutcomeResult::done);
    CHECK(Afar::how().approved_by == answer.by);
  }
  SUBCASE("and no other plan under the same key") {
    host.asked.plan.target.name = "postgresql.service";
    CHECK(host.actuator->carry_out(host.asked).result == OutcomeResult::refused);
  }
  SUBCASE("unless it was taken back") {
    SignedWord no = host.word();
    no.approves = false;
    CHECK(host.actuator->answer(host.signed_by(host.ada, no), kAgentPeer, "").ok);
    CHECK(host.actuator->carry_out(host.asked).result == OutcomeResult::refused);
  }
  SUBCASE("until the word ends") {
    host.pass(kWordLife + std::chrono::seconds(1));
    host.asked.expires_at = host.wall + std::chrono::seconds(30);
    CHECK(host.actuator->carry_out(host.asked).result == OutcomeResult::refused);
  }
}

TEST_CASE("who carries a word can neither make one nor change it") {
  Afar host;
  CHECK(has(host.refused(host.signed_by(host.eve, host.word())), "not among them"));
  ActuatorRequest request = host.signed_by(host.ada, host.word());
  SUBCASE("another order") { request.word.key[0] = request.word.key[0] == '1' ? '2' : '1'; }
  SUBCASE("another plan") { request.word.plan[0] = request.word.plan[0] == '1' ? '2' : '1'; }
  SUBCASE("another time") { request.word.until -= std::chrono::seconds(1); }
  SUBCASE("another incident") { request.word.incident_id += "0"; }
  SUBCASE("another answer") { request.word.approves = false; }
  SUBCASE("another name") { request.word.signer = host.eve.fingerprint; }
  SUBCASE("no signature") { request.word.signature.clear(); }
  CHECK(has(host.refused(request), "not of one of the approvers"));
}

TEST_CASE("a word is for one host and for a quarter of an hour") {
  Afar host;
  SignedWord word = host.word();
  std::string why;
  SUBCASE("of another machine") { word.host_id = "machine-2", why = "not this host"; }
  SUBCASE("of another name") { word.host_name = "db1", why = "not this host"; }
  SUBCASE("over") { word.until = host.wall, why = "held until"; }
  SUBCASE("for ever") {
    word.until = host.wall + kWordLife + kMostSkew + std::chrono::seconds(1), why = "clocks differ";
  }
  CHECK(has(host.refused(host.signed_by(host.ada, word)), why));
}

TEST_CASE("where nobody is listed nobody approves from afar") {
  Afar host;
  host.approvers.clear();
  CHECK(has(host.refused(host.signed_by(host.ada, host.word())), "no list"));
  host.approvers = "not a certificate";
  CHECK(has(host.refused(host.signed_by(host.ada, host.word())), "not a certificate"));
}

TEST_CASE("strangers and approvers on the host do not bring words") {
  Afar host;
  const ActuatorRequest request = host.signed_by(host.ada, host.word());
  CHECK_FALSE(host.actuator->answer(request, {Role::stranger, ""}, "").ok);
  CHECK_FALSE(host.actuator->answer(request, {Role::approver, "uid 1000"}, "").ok);
}
