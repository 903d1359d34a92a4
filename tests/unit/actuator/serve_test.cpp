// SPDX-License-Identifier: Apache-2.0
#include "agent/actuator/serve.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <ctime>
#include <future>
#include <thread>

#include "agent/actuator/client.h"
#include "agent/base/clock.h"
#include "tests/unit/actuator/actuator_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {

// A served socket; everyone who connects has the role given.
class Served {
 public:
  explicit Served(Role role = Role::root, Duration idle = {}, std::function<bool()> replaced = {},
                  const std::string& ledger = "ledger.db")
      : bench(dir / ledger), actuator(bench.make()) {
    auto socket = listen_actuator(path(), std::nullopt);
    REQUIRE(socket);
    listener_ = std::move(*socket);
    bench.now = wall_now();
    thread_ = std::thread([this, role, idle, replaced] {
      result = serve({.actuator = actuator,
                      .who = [role](int) { return ActuatorPeer{role, "uid 0 (root)"}; },
                      .listen_fd = listener_.get(),
                      .stop_fd = stop_.get(),
                      .idle = idle,
                      .replaced = replaced,
                      .ledgerless = std::chrono::seconds(1)});
    });
  }
  ~Served() { stop(); }
  void stop() {
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof one);
    if (thread_.joinable()) thread_.join();
  }
  void join() { thread_.join(); }
  std::string path() const { return dir / "actuator.sock"; }
  Order order(char digit) const {
    Order order = restart_order(digit);
    order.issued_at = bench.now;
    order.expires_at = bench.now + std::chrono::minutes(1);
    return order;
  }

  TempDir dir;
  Bench bench;
  Actuator actuator;
  Status result = ok();

 private:
  Fd listener_;
  Fd stop_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::thread thread_;
};

Result<ActuatorAnswer> ask(const Served& served, RequestKind kind, const std::string& key = "") {
  ActuatorRequest request = request_of(kind);
  request.key = key;
  return ask_actuator(served.path(), request, std::chrono::seconds(10));
}

// What the socket answers to raw bytes; empty when it hangs up.
std::string raw(const std::string& path, const std::string& message) {
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path.c_str());
  const Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::send(fd.get(), message.data(), message.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(message.size()));
  std::string answer(kMostMessage, '\0');
  const ssize_t got = ::recv(fd.get(), answer.data(), answer.size(), 0);
  answer.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return answer;
}

}  // namespace

TEST_CASE("an order goes through the socket and back, and is known afterwards") {
  Served served;
  // It is the first order that starts it, so it waits for the recovery.
  const Result<Outcome> outcome = execute_order(served.path(), served.order('a'));
  REQUIRE(outcome);
  CHECK(outcome->result == OutcomeResult::done);
  CHECK(served.bench.manager.restarts == 1);
  const auto again = query_outcome(served.path(), std::string(24, 'a'));
  REQUIRE(again);
  REQUIRE(again->has_value());
  CHECK((*again)->result == OutcomeResult::done);
  const auto unknown = query_outcome(served.path(), std::string(24, 'f'));
  REQUIRE(unknown);
  CHECK_FALSE(unknown->has_value());
}

TEST_CASE("after an upgrade it leaves as soon as no order is under way") {
  std::atomic<bool> replaced = false;
  Served served(Role::root, std::chrono::hours(1), [&] { return replaced.load(); });
  std::promise<void> begun, go_on;
  served.bench.manager.on_restart = [&] {
    begun.set_value();
    go_on.get_future().wait();
  };
  auto order = std::async(std::launch::async, [&] { return execute_order(served.path(), served.order('a')); });
  begun.get_future().wait();
  replaced = true;
  CHECK(ask(served, RequestKind::status));  // it is still here
  go_on.set_value();
  const Result<Outcome> outcome = order.get();
  REQUIRE(outcome);
  CHECK(outcome->result == OutcomeResult::done);
  served.join();  // long before its hour
  CHECK(served.result);
}

TEST_CASE("while an order runs the socket answers, a second order is refused, and a query waits for the end") {
  Served served;
  std::promise<void> begun, go_on;
  served.bench.manager.on_restart = [&] {
    begun.set_value();
    go_on.get_future().wait();
  };
  auto first = std::async(std::launch::async, [&] { return execute_order(served.path(), served.order('a')); });
  begun.get_future().wait();
  const auto status = ask(served, RequestKind::status);
  REQUIRE(status);
  CHECK(status->status->running == std::string(24, 'a'));
  const auto second = execute_order(served.path(), served.order('b'));
  REQUIRE(second);
  CHECK(second->result == OutcomeResult::refused);
  CHECK(second->text.find("busy") != std::string::npos);
  auto same = std::async(std::launch::async, [&] { return execute_order(served.path(), served.order('a')); });
  auto waiting = std::async(std::launch::async, [&] { return query_outcome(served.path(), std::string(24, 'a')); });
  CHECK(ask(served, RequestKind::halt));
  CHECK(ask(served, RequestKind::status)->status->brakes.halted);
  go_on.set_value();
  CHECK(first.get()->result == OutcomeResult::done);
  CHECK(same.get()->result == OutcomeResult::done);
  CHECK((*waiting.get())->result == OutcomeResult::done);
  CHECK(served.bench.manager.restarts == 1);
}

TEST_CASE("garbage is refused and the next one is served") {
  Served served;
  CHECK(raw(served.path(), "garbage").find("malformed") != std::string::npos);
  CHECK(raw(served.path(), std::string(kMostMessage + 1, ' ')).find("limit") != std::string::npos);
  CHECK(raw(served.path(), std::string(kMostMessage + 5000, '[')).find("limit") != std::string::npos);
  CHECK(raw(served.path(), "{\"request\":\"status\",\"x\":1}").find("unknown field") != std::string::npos);
  CHECK(ask(served, RequestKind::status));
}

TEST_CASE("strangers are hung up on; the agent is told what is not for it") {
  SUBCASE("stranger") {
    Served served(Role::stranger);
    CHECK_FALSE(ask(served, RequestKind::status));
    CHECK_FALSE(execute_order(served.path(), served.order('a')));
    CHECK(served.bench.manager.restarts == 0);
  }
  SUBCASE("agent") {
    Served served(Role::agent);
    const auto answer = ask(served, RequestKind::resume);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::denied);
  }
  SUBCASE("approver") {
    Served served(Role::approver);
    const auto answer = execute_order(served.path(), served.order('a'));
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::denied);
  }
}

TEST_CASE("without a free descriptor it waits, without spinning, and goes on when there is one") {
  Served served;
  REQUIRE(ask(served, RequestKind::status));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // the number of that connection is free again
  struct sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, served.path().c_str());
  const Fd client(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  struct rlimit whole{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &whole) == 0);
  const Fd next(::dup(client.get()));  // the number that a connection would get
  const struct rlimit none{static_cast<rlim_t>(next.get()), whole.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const int connected = ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const double spent = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &whole) == 0);
  CHECK(connected == 0);
  CHECK(::dup2(client.get(), next.get()) == next.get());
  CHECK(spent < 0.2);
  CHECK(ask(served, RequestKind::status));
}

TEST_CASE("a measure whose end waits here is ended by itself, although nobody asks") {
  Served served(Role::root, std::chrono::seconds(1));
  served.bench.manager.can_schedule = false;
  Order order = served.order('a');
  order.plan.action = "service.start";
  order.plan.parameters = {{"stopped", "start"}};
  order.plan.lasts = std::chrono::seconds(1);
  served.bench.manager.listed = {"multi-user.target"};
  const Result<Outcome> outcome = execute_order(served.path(), order);
  REQUIRE(outcome);
  REQUIRE(outcome->result == OutcomeResult::done);
  served.bench.up = Duration(std::chrono::hours(2));
  for (int i = 0; i < 500 && served.bench.manager.restarts < 2; ++i) ::usleep(20'000);
  CHECK(served.bench.manager.restarts == 2);  // the start, and the stop that takes it back
}

TEST_CASE("it ends when idle and when told") {
  SUBCASE("idle") {
    Served served(Role::root, std::chrono::milliseconds(20));
    served.join();
    CHECK(served.result);
  }
  SUBCASE("told") {
    Served served;
    served.stop();
    CHECK(served.result);
  }
}

TEST_CASE("without a ledger it refuses with the reason, and gives up when nobody waits for it") {
  Served served(Role::root, {}, {}, "no/such/ledger.db");
  const Result<Outcome> outcome = execute_order(served.path(), served.order('a'));
  REQUIRE(outcome);
  CHECK(outcome->result == OutcomeResult::refused);
  CHECK(outcome->text.find("the ledger cannot be used") != std::string::npos);
  served.join();
  REQUIRE_FALSE(served.result);
  CHECK(served.result.error().message().find("ledger") != std::string::npos);
}

TEST_CASE("a socket is made for its group only and a living one is not replaced") {
  TempDir dir;
  const std::string path = dir / "actuator.sock";
  {
    const auto first = listen_actuator(path, std::nullopt);
    REQUIRE(first);
    struct stat seen{};
    REQUIRE(::stat(path.c_str(), &seen) == 0);
    CHECK((seen.st_mode & 0777) == 0660);
    const auto second = listen_actuator(path, std::nullopt);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == ErrorCode::conflict);
  }
  CHECK(listen_actuator(path, std::nullopt));
  CHECK_FALSE(listen_actuator(dir / std::string(200, 'x'), std::nullopt));
  CHECK_FALSE(query_outcome(dir / "none.sock", std::string(24, 'a')));
}

TEST_CASE("a peer's role comes from the kernel") {
  int pair[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
  const Fd one(pair[0]), other(pair[1]);
  ActuatorOptions options;
  options.agent_uid = ::geteuid() == 0 ? 12345 : ::geteuid();
  CHECK(peer_of(one.get(), options).role == (::geteuid() == 0 ? Role::root : Role::agent));
  CHECK(peer_of(one.get(), options).text.starts_with("uid "));
  if (::geteuid() == 0) return;
  options.agent_uid = 12345;
  CHECK(peer_of(one.get(), options).role == Role::stranger);
  options.approver_gid = ::getegid();
  CHECK(peer_of(one.get(), options).role == Role::approver);
}
