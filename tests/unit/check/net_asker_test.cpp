// SPDX-License-Identifier: Apache-2.0
// Questions over loopback to servers of the test's own.
#include "agent/check/net_asker.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <thread>

#include "agent/net/http_server.h"
#include "tests/unit/net/net_support.h"

using namespace hostmedic;
using namespace hostmedic::test;
namespace asio = boost::asio;

namespace {

// One question, one answer.
Answer ask(const std::string& url, Duration timeout = std::chrono::seconds(5), const std::string& ca = "",
           const std::string& plugin_socket = "/nowhere/plugin.sock") {
  auto askers = NetAskers::start(plugin_socket);
  REQUIRE(askers);
  auto asker = (*askers)->make();
  REQUIRE(asker);
  (*asker)->ask({7, url, timeout, ca, 1024});
  pollfd ready{(*asker)->fd(), POLLIN, 0};
  REQUIRE(::poll(&ready, 1, 10'000) == 1);
  const auto answer = (*asker)->take();
  REQUIRE(answer);
  CHECK(answer->id == 7);
  CHECK(!(*asker)->take());
  return *answer;
}

// An HTTP server on a thread of its own.
struct Server {
  explicit Server(std::shared_ptr<const TlsContext> tls = nullptr) {
    HttpServerOptions options;
    options.tls = std::move(tls);
    auto listening = HttpServer::listen(
        io.get_executor(), options,
        [](const HttpRequest& request) -> asio::awaitable<HttpResponse> {
          HttpResponse response;
          response.status = request.target == "/missing" ? 404 : 200;
          response.body = std::string(4000, 'x');
          co_return response;
        },
        [](std::string_view) {});
    REQUIRE(listening);
    server = std::move(*listening);
    port = std::to_string(server->port());
    thread = std::thread([this] { io.run(); });
  }
  ~Server() {
    io.stop();
    thread.join();
  }
  asio::io_context io{1};
  std::unique_ptr<HttpServer> server;
  std::string port;
  std::thread thread;
};

}  // namespace

TEST_CASE("http: status and the beginning of the body") {
  const Server server;
  auto answer = ask("http://127.0.0.1:" + server.port + "/");
  CHECK(answer.reached);
  CHECK(answer.status == 200);
  CHECK(answer.body.size() == 1024);
  CHECK(answer.took > Duration(0));
  CHECK(!answer.certificate_ends);
  answer = ask("http://127.0.0.1:" + server.port + "/missing");
  CHECK(answer.reached);
  CHECK(answer.status == 404);
}

TEST_CASE("without a free descriptor nothing is asked, and asked again with one") {
  const Server server;
  auto askers = NetAskers::start("/nowhere/plugin.sock");
  REQUIRE(askers);
  auto asker = (*askers)->make();
  REQUIRE(asker);
  const auto answer = [&] {
    (*asker)->ask({1, "http://127.0.0.1:" + server.port + "/", std::chrono::seconds(5), "", 1024});
    pollfd ready{(*asker)->fd(), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 10'000) == 1);
    const auto given = (*asker)->take();
    REQUIRE(given);
    CHECK(!(*asker)->take());  // and the bell is quiet
    return *given;
  };
  struct rlimit whole{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &whole) == 0);
  const struct rlimit none{3, whole.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const Answer without = answer();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &whole) == 0);
  CHECK_FALSE(without.asked);
  CHECK_FALSE(without.reached);
  const Answer with = answer();
  CHECK(with.asked);
  CHECK(with.reached);
}

TEST_CASE("https and tls: the certificate's end; a certificate of somebody else is no answer") {
  const Pki& pki = Pki::get();
  auto context = TlsContext::server(pki.files("server"), ClientCertificates::none);
  REQUIRE(context);
  const Server server(*context);
  for (const std::string scheme : {"https", "tls"}) {
    CAPTURE(scheme);
    const auto answer = ask(scheme + "://127.0.0.1:" + server.port, std::chrono::seconds(5), pki.dir() / "ca.pem");
    CHECK(answer.reached);
    REQUIRE(answer.certificate_ends);
    const Duration left = *answer.certificate_ends - wall_now();
    CHECK(left > std::chrono::hours(24 * 9));
    CHECK(left < std::chrono::hours(24 * 11));
    const auto stranger =
        ask(scheme + "://127.0.0.1:" + server.port, std::chrono::seconds(5), pki.dir() / "stranger.pem");
    CHECK(!stranger.reached);
    CHECK(stranger.reason.find("TLS") != std::string::npos);
  }
}

TEST_CASE("tcp: open, closed, and silent") {
  const Server server;
  CHECK(ask("tcp://127.0.0.1:" + server.port).reached);
  const auto closed = ask("tcp://127.0.0.1:1");
  CHECK(!closed.reached);
  CHECK(closed.reason.find("refused") != std::string::npos);
  CHECK_FALSE(closed.silent);
  // TLS to a server that does not speak it and never answers.
  asio::io_context io;
  asio::ip::tcp::acceptor silent(io, {asio::ip::make_address("127.0.0.1"), 0});
  const auto late =
      ask("tls://127.0.0.1:" + std::to_string(silent.local_endpoint().port()), std::chrono::milliseconds(200));
  CHECK(!late.reached);
  CHECK(late.silent);
  CHECK(late.took < std::chrono::seconds(3));
}

TEST_CASE("dns: the host's own way, one server's answer, and a server that is silent") {
  CHECK(ask("dns:///localhost").reached);
  asio::io_context io;
  asio::ip::udp::socket server(io, {asio::ip::make_address("127.0.0.1"), 0});
  const std::string url = "dns://127.0.0.1:" + std::to_string(server.local_endpoint().port()) + "/www.example";
  for (const int code : {0, 3}) {
    CAPTURE(code);
    std::thread answering([&] {
      std::string bytes(512, '\0');
      asio::ip::udp::endpoint from;
      bytes.resize(server.receive_from(asio::buffer(bytes), from));
      bytes[2] = '\x81';
      bytes[3] = static_cast<char>(code);
      bytes[7] = code == 0 ? 1 : 0;
      server.send_to(asio::buffer(bytes), from);
    });
    const auto answer = ask(url);
    answering.join();
    CHECK(answer.reached == (code == 0));
    if (code != 0) CHECK(answer.reason == "no such name");
    CHECK_FALSE(answer.silent);
  }
  const auto silent = ask(url, std::chrono::milliseconds(150));
  CHECK(!silent.reached);
  CHECK(silent.reason == "no answer in time");
  CHECK(silent.silent);
}

TEST_CASE("exec: what the plug-in's socket says") {
  CHECK(ask("exec:raid").reason.starts_with("no plug-ins here: "));
  const TempDir dir;
  const std::string path = dir / "plugin.sock";
  asio::io_context io;
  asio::local::stream_protocol::acceptor acceptor(io, path);
  struct Case {
    const char* said;
    bool reached;
    const char* reason;
    const char* body;
  };
  for (const Case& c : {Case{"up 1\n\n# exit 0\n", true, "", "up 1\n\n"},
                        Case{"disk 3 is\ngone\n\n# exit 2\n", false, "exit code 2: gone", "disk 3 is\ngone\n\n"},
                        Case{"half", false, "the plug-in was ended before it finished", ""},
                        Case{"", false, "the plug-in was ended before it finished", ""}}) {
    CAPTURE(c.said);
    std::string name(5, '\0');
    std::thread answering([&] {
      auto connection = acceptor.accept();
      asio::read(connection, asio::buffer(name));
      asio::write(connection, asio::buffer(std::string(c.said)));
    });
    const auto answer = ask("exec:raid", std::chrono::seconds(5), "", path);
    answering.join();
    CHECK(name == "raid\n");
    CHECK(answer.reached == c.reached);
    CHECK(answer.reason == c.reason);
    CHECK(answer.body == c.body);
  }
}

TEST_CASE("many questions at once are all answered") {
  const Server server;
  auto askers = NetAskers::start("/nowhere");
  REQUIRE(askers);
  auto asker = (*askers)->make();
  REQUIRE(asker);
  constexpr std::uint64_t kMany = 3 * NetAskers::kMostAtOnce;
  for (std::uint64_t i = 0; i < kMany; ++i)
    (*asker)->ask({i, "http://127.0.0.1:" + server.port + "/", std::chrono::seconds(20), "", 16});
  std::vector<bool> seen(kMany);
  for (std::uint64_t count = 0; count < kMany;) {
    pollfd ready{(*asker)->fd(), POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 20'000) == 1);
    while (const auto answer = (*asker)->take()) {
      CHECK(answer->reached);
      CHECK(!seen.at(answer->id));
      seen[answer->id] = true;
      ++count;
    }
  }
}

TEST_CASE("askers can be given up while questions are under way") {
  asio::io_context io;
  asio::ip::tcp::acceptor silent(io, {asio::ip::make_address("127.0.0.1"), 0});
  auto askers = NetAskers::start("/nowhere");
  REQUIRE(askers);
  auto asker = (*askers)->make();
  REQUIRE(asker);
  for (std::uint64_t i = 0; i < 100; ++i)
    (*asker)->ask({i, "http://127.0.0.1:" + std::to_string(silent.local_endpoint().port()) + "/",
                   std::chrono::seconds(30), "", 16});
}
