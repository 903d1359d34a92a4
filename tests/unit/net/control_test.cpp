// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <thread>

#include "agent/base/file.h"
#include "agent/net/control_client.h"
#include "agent/net/control_server.h"
#include "tests/unit/net/net_support.h"

namespace asio = boost::asio;
using namespace hostmedic;
using namespace std::chrono_literals;
using hostmedic::test::TempDir;

namespace {

struct Daemon {
  TempDir dir;
  asio::io_context io{1};
  std::vector<std::string> notes;
  Peer last;
  std::unique_ptr<ControlServer> server;

  explicit Daemon(ControlServerOptions options = {}) {
    options.path = dir / "control.sock";
    auto made = start(options);
    REQUIRE(made);
    server = std::move(*made);
  }
  Result<std::unique_ptr<ControlServer>> start(const ControlServerOptions& options) {
    return ControlServer::listen(
        io.get_executor(), options,
        [this](const Peer& peer, std::string line) { return handle(peer, std::move(line)); },
        [this](std::string_view note) { notes.emplace_back(note); });
  }
  asio::awaitable<std::string> handle(const Peer& peer, std::string line) {
    last = peer;
    if (line == "throw") throw std::runtime_error("broken handler");
    if (line == "two lines") co_return "a\nb";
    if (line == "long") co_return std::string(3'000'000, 'r');
    if (line == "never") {
      asio::steady_timer timer(io, std::chrono::hours(1));
      co_await timer.async_wait(asio::use_awaitable);
    }
    co_return "got " + line.substr(0, 50) + " " + std::to_string(line.size());
  }
  std::string path() const { return dir / "control.sock"; }
  // The client blocks, so it runs beside the loop.
  void with_client(const std::function<void()>& work) {
    std::atomic<bool> done = false;
    std::thread client([&] {
      work();
      done = true;
    });
    io.restart();
    const MonoTime end = mono_now() + 20s;
    while (!done && mono_now() < end) io.run_one_for(10ms);
    client.join();
  }
};

Result<std::string> ask(const std::string& path, std::string_view line, Duration timeout = 5s) {
  auto client = ControlClient::connect(path);
  if (!client) return std::move(client).error();
  return client->ask(line, timeout);
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("lines are answered one after the other, and the kernel says who asks") {
  Daemon daemon;
  std::vector<std::string> answers;
  daemon.with_client([&] {
    auto client = ControlClient::connect(daemon.path());
    if (!client) return;
    for (const char* line : {"status", "", "explain 7"}) answers.push_back(client->ask(line, 5s).value_or("failed"));
  });
  CHECK(answers == std::vector<std::string>{"got status 6", "got  0", "got explain 7 9"});
  CHECK(daemon.last.uid == ::geteuid());
  CHECK(daemon.last.gid == ::getegid());
  CHECK(daemon.last.pid == ::getpid());
  CHECK(daemon.last.in_group(::getegid()));
  std::vector<gid_t> own(static_cast<std::size_t>(::getgroups(0, nullptr)));
  REQUIRE(::getgroups(static_cast<int>(own.size()), own.data()) == static_cast<int>(own.size()));
  for (const gid_t group : own) CHECK(daemon.last.in_group(group));
  CHECK(!daemon.last.in_group(4'000'000'000u));
}

TEST_CASE("the socket file has the mode asked for and goes with its server") {
  ControlServerOptions options;
  options.mode = 0600;
  options.group = ::getegid();
  Daemon daemon(options);
  struct stat status{};
  REQUIRE(::lstat(daemon.path().c_str(), &status) == 0);
  CHECK(S_ISSOCK(status.st_mode));
  CHECK((status.st_mode & 0777) == 0600);
  daemon.server.reset();
  CHECK(::lstat(daemon.path().c_str(), &status) != 0);
}

TEST_CASE("a stale socket file is replaced; a live server or another file is not") {
  Daemon daemon;
  ControlServerOptions options;
  options.path = daemon.path();
  auto second = daemon.start(options);
  REQUIRE(!second);
  CHECK(second.error().code == ErrorCode::conflict);

  options.path = daemon.dir / "stale.sock";
  Fd left(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  options.path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(left.get(), static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address) == 0);
  left.reset();
  CHECK(ask(options.path, "x").error().code == ErrorCode::not_found);
  auto third = daemon.start(options);
  REQUIRE(third);
  Result<std::string> answer = make_error(ErrorCode::io, "not run");
  daemon.with_client([&] { answer = ask(options.path, "alive"); });
  CHECK(answer.value_or("failed") == "got alive 5");

  options.path = daemon.dir / "file";
  REQUIRE(write_file_atomic(options.path, "precious", 0600));
  CHECK(daemon.start(options).error().code == ErrorCode::conflict);
  CHECK(read_file(options.path, kib(1)).value_or("") == "precious");
  options.path = std::string(200, 'x');
  CHECK(daemon.start(options).error().code == ErrorCode::malformed);
}

TEST_CASE("no server, no permission and silence are told apart") {
  TempDir dir;
  CHECK(ask(dir / "missing.sock", "x").error().code == ErrorCode::not_found);
  Daemon daemon;
  Result<std::string> answer = make_error(ErrorCode::io, "not run");
  daemon.with_client([&] { answer = ask(daemon.path(), "never", 30ms); });
  REQUIRE(!answer);
  CHECK(answer.error().code == ErrorCode::timeout);
}

TEST_CASE("long replies arrive whole; replies that break the rule and exceptions end the connection") {
  Daemon daemon;
  Result<std::string> answer = make_error(ErrorCode::io, "not run");
  daemon.with_client([&] { answer = ask(daemon.path(), "long"); });
  REQUIRE(answer);
  CHECK(answer->size() == 3'000'000);
  daemon.with_client([&] { answer = ask(daemon.path(), "two lines"); });
  REQUIRE(!answer);
  CHECK(contains(daemon.notes.back(), "too large, or more than one line"));
  daemon.with_client([&] { answer = ask(daemon.path(), "throw"); });
  CHECK(answer.value_or("failed").empty());
  CHECK(contains(daemon.notes.back(), "request failed inside: broken handler"));
  daemon.with_client([&] { answer = ask(daemon.path(), "still there"); });
  CHECK(answer.value_or("failed") == "got still there 11");
}

TEST_CASE("too long and too slow requests are cut off, and the server goes on") {
  ControlServerOptions options;
  options.request_limit = kib(64);
  options.request_timeout = 30ms;
  Daemon daemon(options);
  Result<std::string> answer = make_error(ErrorCode::io, "not run");
  daemon.with_client([&] { answer = ask(daemon.path(), std::string(65536, 'a')); });
  CHECK(contains(answer.value_or("failed"), " 65536"));
  daemon.with_client([&] { answer = ask(daemon.path(), std::string(65537, 'a')); });
  CHECK(!answer);
  CHECK(contains(daemon.notes.back(), "its request is too large"));
  const std::size_t before = daemon.notes.size();
  Fd slow(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  daemon.path().copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::connect(slow.get(), static_cast<const sockaddr*>(static_cast<const void*>(&address)), sizeof address) == 0);
  REQUIRE(::write(slow.get(), "half", 4) == 4);
  const MonoTime end = mono_now() + 10s;
  daemon.io.restart();
  while (daemon.notes.size() == before && mono_now() < end) daemon.io.run_one_for(10ms);
  CHECK(contains(daemon.notes.back(), "took too long to send its request"));
  daemon.with_client([&] { answer = ask(daemon.path(), "fine"); });
  CHECK(answer.value_or("failed") == "got fine 4");
}

TEST_CASE("connections over the limit are refused and counted") {
  ControlServerOptions options;
  options.max_connections = 1;
  Daemon daemon(options);
  Result<std::string> second = make_error(ErrorCode::io, "not run");
  daemon.with_client([&] {
    auto client = ControlClient::connect(daemon.path());
    if (!client || !client->ask("first", 5s)) return;
    second = ask(daemon.path(), "second");
  });
  CHECK(!second);
  CHECK(daemon.server->refused() == 1);
  // The end of the first may be seen a moment after the third has come.
  const MonoTime end = mono_now() + 5s;
  do daemon.with_client([&] { second = ask(daemon.path(), "third"); });
  while (!second && mono_now() < end);
  CHECK(second.value_or("failed") == "got third 5");
}

TEST_CASE("stopping ends waiting connections") {
  Daemon daemon;
  Result<std::string> answer = make_error(ErrorCode::io, "not run");
  auto client = ControlClient::connect(daemon.path());
  REQUIRE(client);
  daemon.io.run_for(10ms);
  CHECK(daemon.server->connections() == 1);
  daemon.server->stop();
  daemon.io.restart();
  daemon.io.run_for(5s);
  CHECK(daemon.server->connections() == 0);
}
