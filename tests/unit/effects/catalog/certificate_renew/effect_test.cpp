// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "actions/catalog/effect_table.h"
#include "agent/base/clock.h"
#include "tests/unit/effects/effects_support.h"

using namespace hostmedic;
using namespace hostmedic::test;
using guard::TargetState;

namespace {

std::string element(char tag, const std::string& value) {
  std::string bytes(1, tag);
  if (value.size() >= 128) bytes += '\x81';
  return bytes + static_cast<char>(value.size()) + value;
}

std::string base64(const std::string& bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  unsigned bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) text += kDigits[bits >> (held - 6) & 63];
  }
  if (held > 0) text += kDigits[bits << (6 - held) & 63];
  return text + "=";
}

// As much of a certificate as is read, valid for so long from now.
std::string pem(Duration left) {
  std::string end = format_utc(wall_now() + left);  // 2026-11-21T02:18:53.120Z
  std::erase_if(end, [](char c) { return c == '-' || c == ':' || c == 'T'; });
  end = end.substr(2, 12) + "Z";
  const std::string times = element('\x17', "200101000000Z") + element('\x17', end);
  return "-----BEGIN CERTIFICATE-----\n" +
         base64(element('\x30', element('\x30', element('\x02', "\x01") + element('\x30', "") + element('\x30', "") +
                                                    element('\x30', times) + element('\x30', "")))) +
         "\n-----END CERTIFICATE-----\n";
}

// The renewal unit, as systemd would run it.
struct Renewing : FakeManager {
  Status job(const std::string& unit, UnitJob job, Duration deadline) override {
    if (job == UnitJob::start && !writes.empty()) write(path, writes);
    return FakeManager::job(unit, job, deadline);
  }
  std::string path, writes;
};

struct Fixture {
  TempDir dir;
  Renewing manager;
  guard::Policy policy;
  EffectContext context{manager, policy, "", ""};
  Order order;
  Fixture() {
    manager.path = dir / "a.crt";
    manager.next_status->active_state = "inactive";
    order.plan.parameters = {
        {"unit", "renew.service"}, {"reload", "nginx.service"}, {"near", "30d"}, {"path", manager.path}};
    order.plan.timeout = std::chrono::seconds(10);
    write(manager.path, pem(std::chrono::hours(48)));
  }
  TargetState inspect() {
    std::string text;
    return kCertificateRenewEffect.inspect(order.plan, context, text);
  }
  Outcome execute() { return kCertificateRenewEffect.execute(order, context); }
};

}  // namespace

TEST_CASE("a certificate is renewed only near its end") {
  Fixture f;
  CHECK(f.inspect() == TargetState::faulty);
  f.manager.next_status->active_state = "activating";
  CHECK(f.inspect() == TargetState::changing);
  f.manager.next_status->load_state = "not-found";
  CHECK(f.inspect() == TargetState::unknown);
  write(f.manager.path, pem(std::chrono::hours(24 * 60)));
  CHECK(f.inspect() == TargetState::recovered);
  write(f.manager.path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  CHECK(f.inspect() == TargetState::unknown);
  std::filesystem::remove(f.manager.path);
  CHECK(f.inspect() == TargetState::gone);
  REQUIRE(::mkfifo(f.manager.path.c_str(), 0600) == 0);  // nobody waits for its other end
  CHECK(f.inspect() == TargetState::unknown);
}

TEST_CASE("its users are reloaded when it is new, and not when it is not") {
  Fixture f;
  f.manager.writes = pem(std::chrono::hours(24 * 90));
  CHECK(f.execute().result == OutcomeResult::done);
  CHECK(f.manager.jobs == std::vector<std::string>{"start renew.service", "reload nginx.service"});
  f.manager.jobs.clear();
  const Outcome same = f.execute();
  CHECK(same.result == OutcomeResult::failed);
  CHECK(same.text.find("still valid until") != std::string::npos);
  CHECK(f.manager.jobs == std::vector<std::string>{"start renew.service"});
}

TEST_CASE("neither the unit that renews nor a user may be one that is never touched") {
  Fixture f;
  for (const auto& [key, unit] : {std::pair{0, "ssh.service"}, std::pair{1, "dbus.service"}}) {
    Fixture g;
    g.order.plan.parameters[static_cast<std::size_t>(key)].value = unit;
    CHECK(g.execute().result == OutcomeResult::refused);
    CHECK(g.manager.jobs.empty());
  }
  f.policy.protected_entities = {"service:nginx*"};
  CHECK(f.execute().result == OutcomeResult::refused);
}

TEST_CASE("what keeps a certificate from being new is told: a start that fails, a user that is not reloaded") {
  for (const auto& [error, expected] : {std::pair{make_error(ErrorCode::timeout, "too late"), OutcomeResult::timed_out},
                                        std::pair{make_error(ErrorCode::io, "no"), OutcomeResult::failed}}) {
    Fixture f;
    f.manager.next_job = error;
    const Outcome outcome = f.execute();
    CHECK(outcome.result == expected);
    CHECK(outcome.text.find("start of renew.service: ") == 0);
  }
  struct Deaf : Renewing {
    Status job(const std::string& unit, UnitJob job, Duration deadline) override {
      if (job == UnitJob::reload) return make_error(ErrorCode::io, "it does not reload");
      return Renewing::job(unit, job, deadline);
    }
  } deaf;
  Fixture f;
  deaf.path = f.manager.path;
  deaf.writes = pem(std::chrono::hours(24 * 90));
  const Outcome outcome = kCertificateRenewEffect.execute(f.order, {deaf, f.policy, "", ""});
  CHECK(outcome.result == OutcomeResult::failed);
  CHECK(outcome.text.find("renewed, but reload of nginx.service") == 0);
}

TEST_CASE("a unit that goes on after its start is given time to renew") {
  Fixture f;
  f.manager.next_status->active_state = "active";
  std::thread renewal([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    write(f.manager.path + ".new", pem(std::chrono::hours(24 * 90)));
    std::filesystem::rename(f.manager.path + ".new", f.manager.path);
  });
  const Outcome outcome = f.execute();
  renewal.join();
  CHECK(outcome.result == OutcomeResult::done);
}
