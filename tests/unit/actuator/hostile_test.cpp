// SPDX-License-Identifier: Apache-2.0
// A stolen agent at the actuator's socket: 100,000 messages, of which nothing but what the policy allows has an effect.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>

#include "agent/actuator/serve.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "tests/unit/actuator/actuator_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

constexpr int kMessages = 100'000;
constexpr int kAllowed = 40;  // actions on the one target
constexpr uid_t kNobody = 65534;
constexpr const char* kMayTarget = "service:allowed.service";

// Remembers everything that was asked of it that changes something.
struct Watched : FakeManager {
  void note(const std::string& what) {
    const std::lock_guard lock(mutex);
    changes.push_back(what);
  }
  Status job(const std::string& unit, UnitJob what, Duration) override {
    note(std::string(to_string(what)) + " " + unit);
    return ok();
  }
  Result<TransientResult> run(const TransientUnit& unit) override {
    std::string text = "run";
    for (const std::string& word : unit.argv) text += " " + word;
    note(text);
    return TransientResult{true, "success", 0, ""};
  }
  Status set_numbers(const std::string& unit, std::span<const UnitNumber>) override {
    return note("set " + unit), ok();
  }
  Status freeze(const std::string& unit, bool) override { return note("freeze " + unit), ok(); }
  Status kill(const std::string& unit, bool, int) override { return note("kill " + unit), ok(); }
  Status schedule(const TransientUnit& unit, Duration) override { return note("schedule " + unit.argv.back()), ok(); }
  void unschedule(const std::string&) override {}
  void release(const std::string&) override {}
  std::mutex mutex;
  std::vector<std::string> changes;  // guarded by mutex
};

// Makes messages: good ones, good ones at a bad time, bent ones, and rubbish.
class Attacker {
 public:
  explicit Attacker(unsigned seed) : random_(seed) {}

  std::string message() {
    std::string text = encode(request());
    switch (below(10)) {
      case 0: return rubbish();
      case 1:
      case 2:
      case 3: return bent(std::move(text));
      default: return text;
    }
  }

 private:
  unsigned below(unsigned most) { return static_cast<unsigned>(random_() % most); }
  template <class List>
  auto one_of(const List& list) {
    return std::string(std::begin(list)[below(static_cast<unsigned>(std::size(list)))]);
  }

  std::string key() {
    if (!keys_.empty() && below(3) == 0) return keys_[below(static_cast<unsigned>(keys_.size()))];
    std::string key = strf("%08x%08x%08x", below(~0U), below(~0U), below(~0U));
    if (keys_.size() < 1000) keys_.push_back(key);
    return key;
  }

  std::string text() {
    static constexpr const char* kTexts[] = {"",
                                             "../../etc/shadow",
                                             "/proc/1/root/etc",
                                             "$(reboot)",
                                             "; reboot",
                                             "a\nb",
                                             "--undo",
                                             "*",
                                             "service-restart",
                                             "allowed",
                                             "uid 0 (root)",
                                             "/var/log/../../etc/passwd",
                                             "\x7f\xff\xfe",
                                             "18446744073709551616",
                                             "-1",
                                             "1e309"};
    return below(20) == 0 ? std::string(below(3000), 'x') : one_of(kTexts);
  }

  Entity target() {
    static constexpr const char* kTargets[] = {kMayTarget,
                                               kMayTarget,
                                               kMayTarget,
                                               "service:asks.service",
                                               "service:other.service",
                                               "service:ssh.service",
                                               "service:dbus.service",
                                               "service:hostmedic.service",
                                               "service:systemd-journald.service",
                                               "host",
                                               "filesystem:/",
                                               "filesystem:/var",
                                               "service:allowed.service/../ssh.service",
                                               "service:init.scope",
                                               "service:-.mount",
                                               "service:a@.service",
                                               "service:allowed.service; reboot"};
    return entity_from(one_of(kTargets)).value_or(Entity{EntityKind::service, "ssh.service"});
  }

  Order order() {
    Order order = restart_order();
    order.key = key();
    order.issued_at = wall_now();
    order.expires_at = order.issued_at + std::chrono::minutes(1);
    order.plan.target = *entity_from(kMayTarget);
    if (below(8) == 0) return order;  // as it should be
    if (below(2) == 0) order.plan.action = all_actions()[below(static_cast<unsigned>(all_actions().size()))]->name;
    order.plan.target = target();
    for (unsigned n = below(4); n > 0; --n) order.plan.parameters.push_back({parameter(order.plan.action), text()});
    if (below(3) == 0) order.runbook = text();
    if (below(3) == 0) order.approved_by = "uid 0 (root)";
    if (below(4) == 0) order.undoes = key();
    switch (below(8)) {
      case 0: order.expires_at = order.issued_at - std::chrono::hours(1); break;
      case 1: order.expires_at = order.issued_at + std::chrono::hours(24 * 3650); break;
      case 2: order.issued_at += std::chrono::hours(24); break;
      case 3: order.plan.timeout = Duration(-1); break;
      case 4: order.plan.lasts = Duration(static_cast<std::int64_t>(random_())); break;
      case 5: order.plan.touched = static_cast<int>(below(3)) * 1'000'000 - 1; break;
      case 6: order.confidence = below(2) == 0 ? 1e300 : -1; break;
      default: order.signals = -1;
    }
    return order;
  }

  std::string parameter(const std::string& action) {
    const ActionInfo* info = find_action(action);
    if (info == nullptr || info->params.empty() || below(3) == 0) return below(2) == 0 ? "path" : "root";
    return std::string(info->params[below(static_cast<unsigned>(info->params.size()))].name);
  }

  ActuatorRequest request() {
    ActuatorRequest request;
    request.kind = static_cast<RequestKind>(below(static_cast<unsigned>(RequestKind::audit) + 1));
    if (below(2) == 0) request.kind = RequestKind::execute;
    request.order = order();
    request.key = key();
    request.by = text().substr(0, 400);
    request.reason = text().substr(0, 400);
    request.runbook = text().substr(0, 400);
    request.entity = one_of(std::initializer_list<const char*>{"nothing:*", "service:other*", ""});
    request.until = wall_now() + std::chrono::hours(below(1000));
    request.target = {EntityKind::service, strf("u%u.service", below(5000))};
    request.action = "service.restart";
    if (request.kind == RequestKind::disarm && request.runbook == "service-restart") request.runbook = "x";
    return request;
  }

  std::string bent(std::string text) {
    for (unsigned n = 1 + below(4); n > 0 && !text.empty(); --n) {
      const std::size_t at = below(static_cast<unsigned>(text.size()));
      switch (below(4)) {
        case 0: text[at] = static_cast<char>(below(256)); break;
        case 1: text.erase(at, 1 + below(20)); break;
        case 2: text.insert(at, text.substr(below(static_cast<unsigned>(text.size())), below(40))); break;
        default: text.insert(at, this->text());
      }
    }
    return text;
  }

  std::string rubbish() {
    switch (below(4)) {
      case 0: return std::string(1 + below(kMostMessage + 5000), '[');
      case 1: return "{\"request\":\"execute\",\"order\":" + std::string(below(200), '{');
      case 2: return std::string(1 + below(60), static_cast<char>(below(256)));
      default: return "{\"request\":\"status\"" + std::string(below(2 * kMostMessage), ' ') + "}";
    }
  }

  std::mt19937_64 random_;
  std::vector<std::string> keys_;
};

Fd connect_to(const std::string& path) {
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const struct timeval patience{10, 0};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) fd.reset();
  return fd;
}

struct Counted {
  std::int64_t sent = 0, answered = 0, flooded = 0, hung_up = 0;
};

// The life of the attacker, in a process and as a user of its own.
Counted attack(const std::string& path, unsigned seed) {
  Attacker attacker(seed);
  Counted counted;
  std::array<Fd, 3> fds;
  std::vector<char> answer(kMostMessage + 1);
  while (counted.sent < kMessages) {
    for (Fd& fd : fds) {
      if (!fd) fd = connect_to(path);
      if (!fd) return counted;
      const std::string text = attacker.message();
      ++counted.sent;
      // Longer than a socket takes, or hung up on: the next one is another connection.
      const bool sent = !text.empty() && ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) > 0;
      const bool again = counted.sent % 97 == 0;  // speaks again at once, and may not wait for the answer
      if (sent && again) (void)!::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (!sent || (again && counted.sent % 2 == 0)) fd.reset();
    }
    for (Fd& fd : fds) {
      if (!fd) continue;
      const ssize_t got = ::recv(fd.get(), answer.data(), answer.size(), 0);
      if (got > 0) ++counted.answered;
      if (got <= 0) fd.reset();
    }
  }
  fds = {};
  std::vector<Fd> flood;
  for (int i = 0; i < 300; ++i) {
    flood.push_back(connect_to(path));
    if (flood.back()) ++counted.flooded;
  }
  for (const Fd& one : flood) {
    char byte = 0;
    if (one && ::recv(one.get(), &byte, 1, MSG_DONTWAIT) == 0) ++counted.hung_up;
  }
  return counted;
}

std::int64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace

TEST_CASE("a hostile agent's 100,000 messages have no effect outside the policy") {
  const unsigned seed = seed_of_run();
  set_log_level(static_cast<LogLevel>(0));
  TempDir dir;
  const bool root = ::geteuid() == 0;
  // The attacker must be able to come as far as the socket.
  REQUIRE(::chmod(dir.path.c_str(), 0711) == 0);
  const std::string path = dir / "actuator.sock";
  auto listener = listen_actuator(path, root ? std::optional<gid_t>(kNobody) : std::nullopt);
  REQUIRE(listener);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  const pid_t attacker = ::fork();
  REQUIRE(attacker >= 0);
  if (attacker == 0) {
    if (root && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) ::_exit(1);
    const Counted counted = attack(path, seed);
    (void)!::write(writing.get(), &counted, sizeof counted);
    ::_exit(0);
  }
  writing.reset();

  ActuatorOptions options;
  options.agent_uid = root ? kNobody : ::geteuid();
  guard::Policy policy;
  policy.tiers = {{"*", kMayTarget, Tier::automatic}, {"*", "service:asks.service", Tier::approve}};
  policy.cooldown = {};
  policy.per_target = policy.per_runbook = policy.per_host = {kAllowed, std::chrono::hours(24)};
  policy.crash_loop_restarts = 1'000'000;
  policy.disarm_failures = 1'000'000;
  Watched manager;
  Actuator actuator({.ledger = Ledger::open(dir / "ledger.db"),
                     .manager = manager,
                     .policy = [&policy]() -> Result<guard::Policy> { return policy; },
                     .wall = wall_now,
                     .uptime = [] { return Duration(std::chrono::hours(1)); },
                     .stopping = [] { return false; },
                     .effect_program = "/usr/lib/hostmedic/hostmedic-effect",
                     .scratch = dir.path,
                     .effects = all_effects(),
                     .boot = "boot 1"});
  const Fd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  std::thread server([&] {
    (void)serve({.actuator = actuator,
                 .who = [&options](int connection) { return peer_of(connection, options); },
                 .listen_fd = listener->get(),
                 .stop_fd = stop.get()});
  });
  // A human who lets go again what the agent halts, so that there is something to refuse.
  std::int64_t before = 0;
  int status = 0;
  for (int round = 0; ::waitpid(attacker, &status, WNOHANG) == 0; ++round) {
    (void)actuator.answer(request_of(RequestKind::resume), kRoot, "");
    (void)actuator.answer(request_of(RequestKind::maintenance_off), kRoot, "");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (round == 50) before = resident_bytes();
  }
  const std::int64_t after = resident_bytes();
  Counted counted;
  CHECK(::read(reading.get(), &counted, sizeof counted) == sizeof counted);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  const std::uint64_t one = 1;
  // It still answers who comes after the flood.
  const auto audit = actuator.answer(request_of(RequestKind::audit), kRoot, "").audit;
  REQUIRE(audit);
  CHECK_MESSAGE(audit->broken.empty(), audit->broken);
  CHECK(audit->open == 0);
  (void)!::write(stop.get(), &one, sizeof one);
  server.join();
  set_log_level(LogLevel::info);

  CHECK(counted.sent >= kMessages);
  CHECK(counted.answered > kMessages / 2);
  CHECK(counted.flooded - counted.hung_up <= 64);
  const auto of_allowed = [](const std::string& change) {
    return change.ends_with(" allowed.service") ||
           change.find("--target=" + std::string(kMayTarget) + " ") != std::string::npos ||
           change.starts_with("schedule ");
  };
  int acted = 0;
  for (const std::string& change : manager.changes) {
    CHECK_MESSAGE(of_allowed(change), change);
    acted += change.starts_with("schedule ") ? 0 : 1;
  }
  CHECK(acted >= 1);
#if defined(__SANITIZE_ADDRESS__)
  constexpr std::int64_t kGrowth = 512 << 20;  // freed memory is kept for a while
#else
  constexpr std::int64_t kGrowth = 24 << 20;
#endif
  CHECK((before == 0 || after - before < kGrowth));
  auto ledger = Ledger::open(dir / "ledger.db");
  REQUIRE(ledger);
  int begun = 0;
  const auto history = ledger->history(WallTime{});
  REQUIRE(history);
  for (const guard::PastAction& past : *history) {
    if (past.key.empty()) continue;
    CHECK(to_string(past.target) == kMayTarget);
    begun += past.undoes.empty() && past.result != OutcomeResult::unnecessary ? 1 : 0;
  }
  CHECK(begun <= kAllowed);
  MESSAGE(counted.sent, " messages, ", counted.answered, " answered; ", begun, " orders of at most ", kAllowed,
          " carried out, ", manager.changes.size(), " changes, all on service:allowed.service; resident memory ",
          (after - before) / 1024, " KiB more");
}
