// SPDX-License-Identifier: Apache-2.0
// What the tests of the command line share: a temporary directory, servers that answer as told, one run of the program.
#pragma once

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "agent/actuator/wire.h"
#include "agent/base/fd.h"
#include "agent/ctl/cli.h"
#include "agent/record/record_json.h"

namespace hostmedic {

struct TempDir {
  TempDir() {
    char name[] = "/tmp/hm_ctl_XXXXXX";
    path = ::mkdtemp(name);
  }
  ~TempDir() { std::filesystem::remove_all(path); }
  std::string path;
};

// Answers one message per connection with what `answer` makes of it. SOCK_STREAM: lines; SOCK_SEQPACKET: messages.
class FakeServer {
 public:
  using Handler = std::function<std::string(const std::string&)>;
  FakeServer(std::string path, int type, Handler answer)
      : path_(std::move(path)), type_(type), answer_(std::move(answer)) {
    listener_ = Fd(::socket(AF_UNIX, type_ | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path_.c_str(), sizeof address.sun_path - 1);
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) std::abort();
    if (::listen(listener_.get(), 8) != 0) std::abort();
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeServer() {
    (void)::shutdown(listener_.get(), SHUT_RDWR);  // ends accept()
    thread_.join();
  }

 private:
  void serve() {
    for (;;) {
      const Fd client(::accept(listener_.get(), nullptr, nullptr));
      if (!client) return;
      std::string text;
      char chunk[65536];
      do {
        const ssize_t n = ::recv(client.get(), chunk, sizeof chunk, 0);
        if (n <= 0) break;
        text.append(chunk, static_cast<std::size_t>(n));
      } while (type_ == SOCK_STREAM && text.back() != '\n');
      if (text.empty()) continue;
      if (type_ == SOCK_STREAM) text.pop_back();
      std::string reply = answer_(text);
      if (type_ == SOCK_STREAM) reply += '\n';
      (void)!::send(client.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
    }
  }
  std::string path_;
  int type_;
  Handler answer_;
  Fd listener_;
  std::thread thread_;
};

inline WallTime test_now() { return wall_from_ns(1'795'227'600'000'000'000); }  // 2026-11-21T02:20:00Z

// One host: its directory, its daemon and its actuator, each present if it was given something to say.
struct Host {
  // verb -> answer; a verb that is not there is refused.
  std::map<std::string, std::string> daemon;
  std::function<ActuatorAnswer(const ActuatorRequest&)> actuator;
  std::vector<std::string> asked;  // requests, as they came: "daemon {...}", "actuator approve KEY"
  std::function<char(const std::string&)> one_key;
  Look look{.colour = false, .width = 100, .now = test_now()};
  TempDir dir;
  std::ostringstream out, err;

  int run(std::vector<std::string> args) {
    std::mutex mutex;
    std::optional<FakeServer> control, acting;
    if (!daemon.empty())
      control.emplace(dir.path + "/control.sock", SOCK_STREAM, [&](const std::string& line) {
        const std::lock_guard lock(mutex);
        asked.push_back("daemon " + line);
        const auto request = parse_json(line);
        const auto found = daemon.find(request ? text_at(request->get_object(), "verb") : "");
        if (found != daemon.end()) return found->second;
        return std::string(R"({"ok":false,"code":"not_found","message":"unknown verb"})");
      });
    if (actuator)
      acting.emplace(dir.path + "/actuator.sock", SOCK_SEQPACKET, [&](const std::string& text) {
        const std::lock_guard lock(mutex);
        const auto request = decode_request(text);
        if (!request) return encode(refusal(request.error()));
        asked.push_back("actuator " + std::string(to_string(request->kind)) +
                        (request->key.empty() ? "" : " " + request->key));
        return encode(actuator(*request));
      });
    out.str("");
    err.str("");
    Paths paths;
    paths.control_socket = dir.path + "/control.sock";
    paths.actuator_socket = dir.path + "/actuator.sock";
    paths.system_bus = dir.path + "/bus";
    paths.etc = dir.path + "/etc";
    paths.share = dir.path + "/share";
    paths.proc = dir.path + "/proc";
    paths.sys = dir.path + "/sys";
    paths.group = "no-such-group";
    paths.policy_of_root = false;
    const Surroundings surroundings{out, err, look, "1.2.3", "uid 7 (tester)", paths, one_key, "4f1c"};
    const int exit = static_cast<int>(run_cli(surroundings, std::move(args)));
    control.reset();
    acting.reset();
    std::filesystem::remove(paths.control_socket);
    std::filesystem::remove(paths.actuator_socket);
    return exit;
  }
};

inline boost::json::object object_of(std::string_view text) { return boost::json::parse(text).get_object(); }

inline ActuatorAnswer accepted_by_actuator() {
  ActuatorAnswer answer;
  answer.ok = true;
  return answer;
}

// A filesystem that a log filled: noticed, treated, proved.
inline constexpr std::string_view kIncidentJson = R"({
  "id": "00112233aabbccdd", "revision": 9, "root": "filesystem:/srv", "kind": "filesystem.filling",
  "fingerprint": "ffeeddccbbaa9988", "severity": "error", "state": "resolved", "confidence": 0.97, "signals": 2,
  "proof": false, "active": false, "suspicion": false, "flaps": 0, "flapping": false, "part_of": "",
  "acknowledged_by": "", "candidates": [], "changes": [], "context": [],
  "fault_at_unix_nano": 1795227540000000000, "opened_at_unix_nano": 1795227541200000000,
  "opened_mono_nano": 900000000000, "closed_at_unix_nano": 1795227552000000000,
  "summary": "filesystem:/srv is filling up, since 2026-11-21T02:19:00.000Z",
  "diagnosis": "/srv/app.log grows 20.0MiB/s; written by app.service",
  "anomalies": [
    {"entity": "filesystem:/srv", "rule": "filesystem-forecast", "signal": "system.filesystem.utilization",
     "probability": 0.95, "direction": "above", "value": 0.71, "expected": 1, "unit": "1",
     "evidence": "filesystem:/srv is 71% full and grows 2.0%/s: full in 14.5s",
     "since_mono_nano": 899000000000, "since_unix_nano": 1795227540000000000,
     "normal_low": null, "normal_high": null, "firing": false, "proof": false}],
  "affected": [], "causes": ["service:app.service"],
  "timeline": [
    {"at_unix_nano": 1795227541200000000, "kind": "opened", "text": "opened", "attributes": {}},
    {"at_unix_nano": 1795227541200000000, "kind": "planned", "text": "rotate /srv/app.log",
     "attributes": {"action": "log.rotate", "command": "logrotate --force /etc/logrotate.d/app", "undo": "",
                    "runbook": "filesystem-logs", "step": "2"}},
    {"at_unix_nano": 1795227541300000000, "kind": "verdict", "text": "allowed by 2 rules",
     "attributes": {"kill-switch": "allow: not halted", "tier": "allow: tier is auto"}},
    {"at_unix_nano": 1795227541400000000, "kind": "ordered", "text": "rotate /srv/app.log",
     "attributes": {"order": "0123456789abcdef01234567"}},
    {"at_unix_nano": 1795227543000000000, "kind": "acted", "text": "done: rotated", "attributes": {}},
    {"at_unix_nano": 1795227550000000000, "kind": "verified",
     "text": "system.filesystem.utilization fell from 0.710 to 0.310", "attributes": {}},
    {"at_unix_nano": 1795227552000000000, "kind": "resolved", "text": "all quiet", "attributes": {}}]})";

inline constexpr std::string_view kOrderJson = R"({
  "key": "0123456789abcdef01234567", "incident_id": "00112233aabbccdd", "incident_kind": "filesystem.filling",
  "runbook": "filesystem-logs", "step": 1,
  "plan": {"action": "log.rotate", "target": "filesystem:/srv", "parameters": {"path": "/srv/app.log"},
           "what": "rotate /srv/app.log", "command": "logrotate --force /etc/logrotate.d/app", "undo": "",
           "touched": 1, "timeout_nano": 120000000000, "lasts_nano": 0},
  "confidence": 0.97, "signals": 2, "proof": false, "issued_at_unix_nano": 1795227541400000000,
  "expires_at_unix_nano": 1795227571400000000, "approved_by": "", "undoes": "",
  "not_while": "", "cooldown_nano": 0, "touched_most": 0})";

inline constexpr std::string_view kOutcomeJson = R"({
  "key": "0123456789abcdef01234567", "result": "done", "started_at_unix_nano": 1795227541500000000,
  "ended_at_unix_nano": 1795227543000000000, "text": "rotated", "details": {"bytes_freed": "1258291200"},
  "verdict": {"decision": "allow", "answers": [{"rule": "tier", "decision": "allow", "reason": "tier is auto"}]}})";

inline std::string incident_answer() {
  return R"({"ok":true,"incident":)" + std::string(kIncidentJson) + R"(,"orders":[)" + std::string(kOrderJson) +
         R"(],"outcomes":[)" + std::string(kOutcomeJson) + "]}";
}
inline constexpr const char* kNoProposals = R"({"ok":true,"proposals":[]})";
inline std::string one_proposal() {
  return R"({"ok":true,"proposals":[{"incident_id":"00112233aabbccdd","order":)" + std::string(kOrderJson) +
         R"(,"others":[],"expires_at_unix_nano":1795228200000000000,"refused":""}]})";
}
// A database that failed and took two services with it: everything that an incident can say, with what was recorded and
// what happened before.
inline Incident cascade() {
  const WallTime fault = test_now() - std::chrono::seconds(60);
  const auto after = [&](int ms) { return fault + std::chrono::milliseconds(ms); };
  const Entity db{EntityKind::service, "db.service"}, app{EntityKind::service, "app.service"};
  const Entity web{EntityKind::service, "nginx.service"};
  Incident it;
  it.id = "aabbccdd00112233";
  it.revision = 5;
  it.root = db;
  it.kind = "service.failed";
  it.fingerprint = "0123456789abcdef";
  it.severity = Severity::error;
  it.confidence = 0.98;
  it.signals = 3;
  it.proof = true;
  it.flaps = 2;
  it.flapping = true;
  it.fault_at = fault;
  it.opened_at = after(800);
  it.summary = "db.service has failed, since 2026-11-21T02:19:00.000Z";
  it.diagnosis = "db.service is failed: result signal, status 9; app.service and nginx.service suffer of it";
  it.anomalies = {{.entity = db,
                   .rule = "unit-failed",
                   .signal = "unit_state",
                   .probability = 0.99,
                   .value = {},
                   .expected = {},
                   .evidence = "db.service is failed: result signal, status 9",
                   .since = {},
                   .since_wall = fault,
                   .proof = true},
                  {.entity = app,
                   .rule = "survey",
                   .signal = "http.server.errors",
                   .probability = 0.9,
                   .direction = Direction::above,
                   .value = 380,
                   .expected = 25,
                   .unit = Unit::per_second,
                   .evidence = "app.service answers with errors 412/s",
                   .since = {},
                   .since_wall = after(1200),
                   .normal_low = 12,
                   .normal_high = 38}};
  it.affected = {{app, "service:app.service > service:db.service", "it answers with errors"},
                 {web, "service:nginx.service > service:app.service > service:db.service", ""}};
  it.causes = {{EntityKind::package, "hm-db"}};
  it.candidates = {{db, 0.91, "failed first; two others depend on it"},
                   {app, 0.34, "failed 1.2s later; depends on db.service"}};
  it.changes = {{{EntityKind::package, "hm-db"}, after(-42000), "package hm-db was upgraded from 1 to 2", 0.86}};
  it.context = {{"package change", "package hm-db was upgraded from 1 to 2, 42.0s before"},
                {"deployment", ""},
                {"boot", ""},
                {"maintenance", ""}};
  it.acknowledged_by = "uid 0 (root)";
  add_timeline(it, after(800), TimelineKind::opened, "opened");
  add_timeline(
      it, after(900), TimelineKind::planned, "restart db.service through systemd",
      {{"command", "systemctl restart db.service"}, {"undo", ""}, {"runbook", "service-restart"}, {"step", "1"}});
  add_timeline(
      it, after(910), TimelineKind::verdict, "held by tier: the tier is observe",
      {{"kill-switch", "allow: not halted"}, {"two-signals", "allow: proof"}, {"tier", "hold: the tier is observe"}});
  return it;
}

inline std::string cascade_answer(const Incident& incident = cascade()) {
  boost::json::array points;
  const std::int64_t fault = to_ns(incident.fault_at) / 1'000'000;
  for (int i = 0; i <= 90; ++i) points.push_back({fault + (i - 60) * 2000, i < 60 ? 14 + i % 3 * 9 : 300 + i});
  const boost::json::object answer{
      {"ok", true},
      {"incident", to_json_object(incident)},
      {"orders", boost::json::array{}},
      {"outcomes", boost::json::array{}},
      {"similar",
       {{"likeness", "fingerprint"},
        {"count", 3},
        {"read", 3},
        {"untreated_resolved", 1},
        {"incidents",
         {{{"id", "1111222233334444"},
           {"root", "service:db.service"},
           {"state", "resolved"},
           {"opened_at_unix_nano", to_ns(test_now() - std::chrono::hours(52))},
           {"lasted_nano", 12'000'000'000},
           {"summary", "db.service has failed"},
           {"treated", true}}}},
        {"treatments", {{{"what", "restart db.service through systemd"}, {"given", 2}, {"proved", 2}}}}}},
      {"traces",
       {{{"entity", "service:app.service"},
         {"signal", "http.server.errors"},
         {"unit", "{count}/s"},
         {"points", points}}}}};
  return boost::json::serialize(answer);
}
// One JSON document on one line, as the daemon writes it.
inline std::string one_line(std::string text) { return boost::json::serialize(boost::json::parse(text)); }

}  // namespace hostmedic
