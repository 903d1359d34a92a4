// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "agent/net/gzip.h"
#include "agent/net/http_client.h"
#include "agent/net/http_server.h"
#include "tests/unit/net/net_support.h"

namespace asio = boost::asio;
using namespace hostmedic;
using namespace std::chrono_literals;
using hostmedic::test::Pki;
using hostmedic::test::run;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

asio::awaitable<HttpResponse> echo(const HttpRequest& request) {
  if (request.target == "/throw") throw std::runtime_error("broken handler");
  HttpResponse response;
  response.content_type = "text/plain";
  response.body = request.method + " " + request.target + " " + request.body.substr(0, 100) + " " +
                  std::to_string(request.body.size());
  if (request.peer_certificate) response.body += " from " + request.peer_certificate->common_name;
  response.headers.push_back({"X-Seen", std::string(request.header("x-TEST"))});
  co_return response;
}

struct Site {
  asio::io_context io{1};
  std::vector<std::string> notes;
  std::unique_ptr<HttpServer> server;

  explicit Site(bool tls, HttpServerOptions options = {}) {
    if (tls) {
      auto context = TlsContext::server(Pki::get().files("server"));
      REQUIRE(context);
      options.tls = *context;
    }
    auto made =
        HttpServer::listen(io.get_executor(), options, echo, [this](std::string_view n) { notes.emplace_back(n); });
    REQUIRE(made);
    server = std::move(*made);
  }
  HttpClientOptions destination(const char* certificate = "client") const {
    HttpClientOptions options;
    options.host = "127.0.0.1";
    options.port = server->port();
    if (certificate != nullptr) {
      auto context = TlsContext::client(Pki::get().files(certificate));
      REQUIRE(context);
      options.tls = *context;
    }
    return options;
  }
  Result<HttpResponse> send(HttpClient& client, const HttpRequest& request) {
    Result<HttpResponse> answer = make_error(ErrorCode::io, "not run");
    run(io, [](HttpClient& c, const HttpRequest& r, Result<HttpResponse>& out) -> asio::awaitable<void> {
      out = co_await c.send(r);
    }(client, request, answer));
    return answer;
  }
  Result<HttpResponse> send(const HttpRequest& request, const char* certificate = "client") {
    HttpClient client(io.get_executor(), destination(certificate));
    return send(client, request);
  }
  // Sends bytes over plain TCP, half-closes if told so, and returns everything that comes until the end.
  std::string raw(std::string_view bytes, bool half_close = false) {
    std::string got;
    run(io, exchange(bytes, half_close, got));
    return got;
  }
  asio::awaitable<void> exchange(std::string_view bytes, bool half_close, std::string& got) {
    asio::ip::tcp::socket socket(io);
    const asio::ip::tcp::endpoint to(asio::ip::address_v4::loopback(), server->port());
    auto [connect_error] = co_await socket.async_connect(to, kTuple);
    REQUIRE(!connect_error);
    co_await asio::async_write(socket, asio::buffer(bytes), kTuple);
    if (half_close) socket.shutdown(asio::ip::tcp::socket::shutdown_send);
    std::array<char, 4096> data{};
    for (;;) {
      auto [error, size] = co_await socket.async_read_some(asio::buffer(data), kTuple);
      if (error) break;
      got.append(data.data(), size);
    }
  }
  // The server must work as before, whatever was done to it.
  void check_still_serves(const char* certificate) {
    const HttpRequest request{"POST", "/check", {}, "alive", "", nullptr};
    const auto answer = send(request, certificate);
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(contains(answer->body, "POST /check alive 5"));
  }
};

}  // namespace

TEST_CASE("a request over mutual TLS reaches the handler with the host's name") {
  Site site(true);
  HttpRequest request{"POST", "/v1/logs?a=b", {{"X-Test", "yes"}}, "body", "", nullptr};
  const auto answer = site.send(request);
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->body == "POST /v1/logs?a=b body 4 from web-1");
  CHECK(answer->content_type == "text/plain");
  CHECK(answer->header("x-seen") == "yes");
  CHECK(site.notes.empty());
}

TEST_CASE("a connection is kept between requests") {
  for (const bool tls : {true, false}) {
    CAPTURE(tls);
    Site site(tls);
    HttpClient client(site.io.get_executor(), site.destination(tls ? "client" : nullptr));
    for (int i = 0; i < 5; ++i) {
      const auto answer = site.send(client, {"GET", "/" + std::to_string(i), {}, "", "", nullptr});
      REQUIRE(answer);
      CHECK(contains(answer->body, "GET /" + std::to_string(i)));
    }
    CHECK(site.server->stats().accepted == 1);
    CHECK(site.server->stats().requests == 5);
    CHECK(client.connected());
  }
}

TEST_CASE("a kept connection that the server closed meanwhile is replaced without an error") {
  HttpServerOptions options;
  options.idle_timeout = 20ms;
  Site site(true, options);
  HttpClient client(site.io.get_executor(), site.destination());
  REQUIRE(site.send(client, {}));
  site.io.restart();
  while (site.server->stats().open > 0) site.io.run_one_for(100ms);
  const auto answer = site.send(client, {});
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(site.server->stats().accepted == 2);
}

TEST_CASE("bad certificates are refused in both directions and the server keeps serving") {
  Site site(true);
  for (const char* certificate : {"stranger-client", "expired-client", "future-client", ""}) {
    CAPTURE(certificate);
    const std::size_t before = site.notes.size();
    const auto answer = site.send(HttpRequest{}, certificate);
    REQUIRE(!answer);
    CHECK(answer.error().code == ErrorCode::denied);
    REQUIRE(site.notes.size() == before + 1);
    CHECK(contains(site.notes.back(), "127.0.0.1: refused: "));
    site.check_still_serves("client");
  }
  CHECK(site.server->stats().failed_handshakes == 4);
  HttpClientOptions options = site.destination();
  auto other = TlsContext::client(Pki::get().files("client", "stranger"));
  REQUIRE(other);
  options.tls = *other;
  HttpClient client(site.io.get_executor(), options);
  const auto answer = site.send(client, HttpRequest{});
  REQUIRE(!answer);
  CHECK(contains(answer.error().context, "TLS with 127.0.0.1: certificate is signed by another authority"));
  site.check_still_serves("client");
}

TEST_CASE("plain text and garbage sent to a TLS server are refused with a clear line") {
  Site site(true);
  (void)site.raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(site.notes.size() == 1);
  CHECK(contains(site.notes[0], "refused: peer speaks plain text, not TLS (it sent 'GET /')"));
  (void)site.raw(std::string_view("\x00\x01\x02\xff\xfe\xfd\xfc\xfb\x00\x00\x00\x00", 12));
  REQUIRE(site.notes.size() == 2);
  CHECK(contains(site.notes[1], "refused: peer does not speak TLS"));
  site.check_still_serves("client");
}

TEST_CASE("garbage sent to a plain server is answered with 400") {
  Site site(false);
  CHECK(contains(site.raw("hello there\r\n\r\n"), "HTTP/1.1 400"));
  CHECK(contains(site.raw("GET / HTTP/1.1\r\nBad Header\r\n\r\n"), "HTTP/1.1 400"));
  CHECK(contains(site.raw("POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n"), "HTTP/1.1 400"));
  CHECK(contains(site.raw("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "HTTP/1.1 400"));
  CHECK(site.server->stats().bad_requests == 4);
  CHECK(site.notes.size() == 4);
  CHECK(site.raw("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc", true).empty());  // the client left half-way
  site.check_still_serves(nullptr);
}

TEST_CASE("a body over the limit is refused with 413 before it is taken, with or without a length") {
  HttpServerOptions options;
  options.body_limit = kib(64);
  for (const bool tls : {true, false}) {
    CAPTURE(tls);
    Site site(tls, options);
    const char* certificate = tls ? "client" : nullptr;
    HttpRequest request{"POST", "/", {}, std::string(65536, 'x'), "", nullptr};
    auto answer = site.send(request, certificate);
    REQUIRE(answer);
    CHECK(answer->status == 200);
    for (const std::size_t size : {65537u, 6'000'000u}) {
      request.body.assign(size, 'x');
      answer = site.send(request, certificate);
      REQUIRE(answer);
      CHECK(answer->status == 413);
    }
    CHECK(contains(site.notes.back(), "refused a request with 413: body is larger than 64.0KiB"));
    site.check_still_serves(certificate);
  }
  Site site(false, options);
  std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 9; ++i) chunked += "2000\r\n" + std::string(8192, 'x') + "\r\n";
  CHECK(contains(site.raw(chunked), "HTTP/1.1 413"));
}

TEST_CASE("a packed body is unpacked, but never beyond the limit") {
  HttpServerOptions options;
  options.body_limit = kib(64);
  Site site(true, options);
  auto packed = gzip(std::string(60000, 'a'));
  REQUIRE(packed);
  HttpRequest request{"POST", "/", {{"Content-Encoding", "gzip"}}, *packed, "", nullptr};
  auto answer = site.send(request);
  REQUIRE(answer);
  CHECK(contains(answer->body, " 60000 from web-1"));
  auto bomb = gzip(std::string(20'000'000, 'a'));
  REQUIRE(bomb);
  REQUIRE(bomb->size() < 65536);
  request.body = *bomb;
  answer = site.send(request);
  REQUIRE(answer);
  CHECK(answer->status == 413);
  request.body = "this is not gzip";
  answer = site.send(request);
  REQUIRE(answer);
  CHECK(answer->status == 400);
  request.headers = {{"Content-Encoding", "br"}};
  answer = site.send(request);
  REQUIRE(answer);
  CHECK(answer->status == 415);
  site.check_still_serves("client");
}

TEST_CASE("a header over the limit is refused with 431") {
  Site site(false);
  const std::string answer = site.raw("GET / HTTP/1.1\r\nX: " + std::string(20000, 'y') + "\r\n\r\n");
  CHECK(contains(answer, "HTTP/1.1 431"));
  site.check_still_serves(nullptr);
}

TEST_CASE("slow clients lose their connection: silent, slow header, slow body, slow handshake") {
  HttpServerOptions options;
  options.handshake_timeout = options.header_timeout = options.body_timeout = options.idle_timeout = 30ms;
  {
    Site site(false, options);
    CHECK(site.raw("").empty());
    CHECK(site.server->stats().timeouts == 0);  // silence between requests is not an offence
    CHECK(site.raw("GET / HTTP/1.1\r\nHos").empty());
    CHECK(contains(site.notes.back(), "cut off: took too long to send its header"));
    CHECK(site.raw("POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc").empty());
    CHECK(contains(site.notes.back(), "cut off: took too long to send its body"));
    CHECK(site.server->stats().timeouts == 2);
    site.check_still_serves(nullptr);
  }
  options.handshake_timeout = 200ms;
  Site site(true, options);
  CHECK(site.raw(std::string_view("\x16\x03\x01", 3)).empty());
  CHECK(contains(site.notes.back(), "refused: took too long for the TLS handshake"));
  site.check_still_serves("client");
}

TEST_CASE("connections over the limit are refused and counted; a free place is used again") {
  HttpServerOptions options;
  options.max_connections = 2;
  Site site(false, options);
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(std::make_unique<HttpClient>(site.io.get_executor(), site.destination(nullptr)));
    REQUIRE(site.send(*clients.back(), {}));
  }
  HttpClient third(site.io.get_executor(), site.destination(nullptr));
  CHECK(!site.send(third, {}));
  CHECK(site.server->stats().refused == 1);
  clients.clear();
  site.io.restart();
  while (site.server->stats().open > 0) site.io.run_one_for(100ms);
  CHECK(site.send(third, {}));
}

TEST_CASE("a handler that throws gives 500 and a line") {
  Site site(false);
  const auto answer = site.send({"GET", "/throw", {}, "", "", nullptr}, nullptr);
  REQUIRE(answer);
  CHECK(answer->status == 500);
  CHECK(contains(site.notes.back(), "request failed inside: broken handler"));
  site.check_still_serves(nullptr);
}

TEST_CASE("HEAD has a length and no body; 100-continue is answered; HTTP/1.0 is closed") {
  Site site(false);
  const auto head = site.send({"HEAD", "/", {}, "", "", nullptr}, nullptr);
  REQUIRE(head);
  CHECK(head->body.empty());
  CHECK(head->header("content-length") == "9");
  const std::string answer =
      site.raw("POST / HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
  CHECK(answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"));
  CHECK(contains(site.raw("GET / HTTP/1.0\r\n\r\n"), "HTTP/1.0 200"));
}

TEST_CASE("plain HTTP is not served beyond loopback") {
  asio::io_context io(1);
  HttpServerOptions options;
  options.address = "0.0.0.0";
  auto server = HttpServer::listen(io.get_executor(), options, echo, {});
  REQUIRE(!server);
  CHECK(server.error().code == ErrorCode::denied);
  options.address = "localhost";
  CHECK(!HttpServer::listen(io.get_executor(), options, echo, {}));
  Site first(false);
  options.address = "127.0.0.1";
  options.port = first.server->port();
  server = HttpServer::listen(io.get_executor(), options, echo, {});
  REQUIRE(!server);
  CHECK(contains(server.error().message(), "Address already in use"));
}

TEST_CASE("stopping a server ends its connections") {
  Site site(true);
  HttpClient client(site.io.get_executor(), site.destination());
  REQUIRE(site.send(client, {}));
  CHECK(site.server->stats().open == 1);
  site.server->stop();
  site.io.restart();
  site.io.run_for(5s);  // returns early: nothing is left to wait for
  CHECK(site.server->stats().open == 0);
  CHECK(!site.send(client, {}));
}

TEST_CASE("notes are limited, and what was left out is counted") {
  Site site(false);
  for (int i = 0; i < 40; ++i) (void)site.raw("x\r\n\r\n");
  CHECK(site.notes.size() == 30);
}

TEST_CASE("a client's waits end: nobody answers, nobody listens, unknown name, answer too large") {
  asio::io_context io(1);
  asio::ip::tcp::acceptor silent(io, {asio::ip::address_v4::loopback(), 0});  // accepts in the kernel, says nothing
  HttpClientOptions options;
  options.host = "127.0.0.1";
  options.port = silent.local_endpoint().port();
  options.request_timeout = options.handshake_timeout = 30ms;
  const auto attempt = [&io](HttpClientOptions to) {
    Result<HttpResponse> answer = make_error(ErrorCode::io, "not run");
    HttpClient client(io.get_executor(), std::move(to));
    const HttpRequest request;
    run(io, [](HttpClient& c, const HttpRequest& r, Result<HttpResponse>& out) -> asio::awaitable<void> {
      out = co_await c.send(r);
    }(client, request, answer));
    return answer;
  };
  auto answer = attempt(options);
  REQUIRE(!answer);
  CHECK(answer.error().code == ErrorCode::timeout);
  auto context = TlsContext::client(Pki::get().files("client"));
  REQUIRE(context);
  options.tls = *context;
  answer = attempt(options);
  REQUIRE(!answer);
  CHECK(answer.error().code == ErrorCode::timeout);
  CHECK(contains(answer.error().context, "TLS with 127.0.0.1: no answer"));
  silent.close();
  answer = attempt(options);
  REQUIRE(!answer);
  CHECK(answer.error().code == ErrorCode::io);
  CHECK(contains(answer.error().context, "Connection refused"));
  Site site(false);
  HttpClientOptions small = site.destination(nullptr);
  small.response_limit = Bytes{5};
  HttpClient client(site.io.get_executor(), small);
  answer = site.send(client, {});
  REQUIRE(!answer);
  CHECK(answer.error().code == ErrorCode::limit);
}

TEST_CASE("a client talking TLS to a plain server says what it met") {
  Site site(false);
  const auto answer = site.send(HttpRequest{}, "client");
  REQUIRE(!answer);
  CHECK(contains(answer.error().context, "peer speaks plain text, not TLS (it sent 'HTTP/')"));
}

TEST_CASE("gzip packs and unpacks; bombs, cut and followed data are refused") {
  const std::string text(100000, 'q');
  auto packed = gzip(text);
  REQUIRE(packed);
  CHECK(packed->size() < 1000);
  CHECK(gunzip(*packed, Bytes{100000}).value_or("") == text);
  CHECK(gunzip(*packed, Bytes{99999}).error().code == ErrorCode::limit);
  CHECK(gunzip(packed->substr(0, packed->size() - 1), mib(1)).error().code == ErrorCode::malformed);
  CHECK(gunzip(*packed + "x", mib(1)).error().code == ErrorCode::malformed);
  CHECK(gunzip("", mib(1)).error().code == ErrorCode::malformed);
  auto empty = gzip("");
  REQUIRE(empty);
  CHECK(gunzip(*empty, Bytes{0}).value_or("?").empty());
}
