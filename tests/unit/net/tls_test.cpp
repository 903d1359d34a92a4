// SPDX-License-Identifier: Apache-2.0
#include "agent/net/tls.h"

#include <doctest/doctest.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "agent/net/stream.h"
#include "tests/unit/net/net_support.h"

namespace asio = boost::asio;
using namespace hostmedic;
using hostmedic::test::Pki;
using hostmedic::test::run;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view kGood = "good";

struct Outcome {
  std::string server = "not run", client = "not run";  // "good" or the words of the failure
  std::shared_ptr<const CertificateInfo> seen_by_server, seen_by_client;
};

std::string words(const Stream& stream, boost::system::error_code error) {
  if (!error) return std::string(kGood);
  return stream.explain(error);
}

asio::awaitable<void> serve_one(asio::ip::tcp::acceptor& acceptor, std::shared_ptr<const TlsContext> context,
                                Outcome& outcome) {
  auto [accept_error, socket] = co_await acceptor.async_accept(kTuple);
  REQUIRE(!accept_error);
  auto channel = context->server_channel();
  REQUIRE(channel);
  Stream stream(std::move(socket), std::move(*channel));
  auto [error] = co_await stream.async_handshake(kTuple);
  outcome.server = words(stream, error);
  outcome.seen_by_server = stream.peer_certificate();
  std::array<char, 64> data{};
  if (error) {
    co_await stream.linger(std::chrono::seconds(2));  // lets the alert arrive
    co_return;
  }
  auto [read_error, size] = co_await stream.async_read_some(asio::buffer(data), kTuple);
  if (read_error) {
    outcome.server = words(stream, read_error);
    co_return;
  }
  auto [write_error, written] = co_await asio::async_write(stream, asio::buffer(data, size), kTuple);
  CHECK(!write_error);
  auto [close_error] = co_await stream.async_shutdown(kTuple);
  CHECK(!close_error);
}

asio::awaitable<void> ask_one(unsigned short port, std::shared_ptr<const TlsContext> context, std::string name,
                              Outcome& outcome) {
  asio::ip::tcp::socket socket(co_await asio::this_coro::executor);
  const asio::ip::tcp::endpoint server(asio::ip::address_v4::loopback(), port);
  auto [connect_error] = co_await socket.async_connect(server, kTuple);
  REQUIRE(!connect_error);
  auto channel = context->client_channel(name);
  REQUIRE(channel);
  Stream stream(std::move(socket), std::move(*channel));
  auto [error] = co_await stream.async_handshake(kTuple);
  outcome.client = words(stream, error);
  outcome.seen_by_client = stream.peer_certificate();
  if (error) co_return;
  auto [write_error, written] = co_await asio::async_write(stream, asio::buffer("ping", 4), kTuple);
  outcome.client = words(stream, write_error);
  if (write_error) co_return;
  std::array<char, 64> data{};
  auto [read_error, size] = co_await stream.async_read_some(asio::buffer(data), kTuple);
  outcome.client = words(stream, read_error);  // with TLS 1.3 a refusal shows only here
  if (read_error) co_return;
  CHECK(std::string_view(data.data(), size) == "ping");
  auto [end_error, none] = co_await stream.async_read_some(asio::buffer(data), kTuple);
  CHECK(end_error == asio::error::eof);  // the server's close-notify, not just a closed socket
}

Outcome meet(const TlsFiles& server_files, const TlsFiles& client_files, const std::string& name) {
  auto server = TlsContext::server(server_files);
  auto client = TlsContext::client(client_files);
  REQUIRE(server);
  REQUIRE(client);
  asio::io_context io(1);
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  Outcome outcome;
  asio::co_spawn(io, serve_one(acceptor, *server, outcome), asio::detached);
  run(io, ask_one(acceptor.local_endpoint().port(), *client, name, outcome));
  // The server's half may still have to notice that the client left.
  io.run_for(std::chrono::seconds(5));
  return outcome;
}

// Sends bytes to a TLS server and returns what the server says about them.
std::string server_says_to(std::string_view bytes) {
  auto server = TlsContext::server(Pki::get().files("server"));
  REQUIRE(server);
  asio::io_context io(1);
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket client(io);
  client.connect(acceptor.local_endpoint());
  if (!bytes.empty()) asio::write(client, asio::buffer(bytes));
  client.shutdown(asio::ip::tcp::socket::shutdown_send);
  Outcome outcome;
  run(io, serve_one(acceptor, *server, outcome));
  return outcome.server;
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("both sides trust each other: data flows and each knows the other's certificate") {
  for (const char* name : {"localhost", "hm.example", "127.0.0.1", "::1"}) {
    CAPTURE(name);
    const Outcome outcome = meet(Pki::get().files("server"), Pki::get().files("client"), name);
    CHECK(outcome.server == kGood);
    CHECK(outcome.client == kGood);
    REQUIRE(outcome.seen_by_server);
    CHECK(outcome.seen_by_server->common_name == "web-1");
    CHECK(outcome.seen_by_server->issuer == "Test authority");
    CHECK(outcome.seen_by_server->fingerprint.size() == 64);
    REQUIRE(outcome.seen_by_client);
    CHECK(outcome.seen_by_client->names == std::vector<std::string>{"localhost", "hm.example", "127.0.0.1", "::1"});
  }
}

TEST_CASE("a server of another authority is refused by the client, and the server hears why") {
  const Outcome outcome = meet(Pki::get().files("stranger-server"), Pki::get().files("client"), "localhost");
  CHECK(outcome.client == "certificate is signed by another authority ('Stranger')");
  CAPTURE(outcome.server);
  CHECK(contains(outcome.server, "peer rejected our certificate"));
}

TEST_CASE("an expired server certificate is named with its date") {
  const Outcome outcome = meet(Pki::get().files("expired-server"), Pki::get().files("client"), "localhost");
  CHECK(contains(outcome.client, "certificate expired on 20"));
}

TEST_CASE("a certificate for another name is refused, a DNS name and an address alike") {
  Outcome outcome = meet(Pki::get().files("other-server"), Pki::get().files("client"), "localhost");
  CHECK(outcome.client == "name mismatch: wanted localhost, certificate is for other.example, 192.0.2.1");
  outcome = meet(Pki::get().files("other-server"), Pki::get().files("client"), "127.0.0.1");
  CHECK(outcome.client == "name mismatch: wanted 127.0.0.1, certificate is for other.example, 192.0.2.1");
}

TEST_CASE("a client of another authority is refused and told so") {
  const Outcome outcome = meet(Pki::get().files("server"), Pki::get().files("stranger-client"), "localhost");
  CHECK(outcome.server == "certificate is signed by another authority ('Stranger')");
  CAPTURE(outcome.client);
  CHECK(contains(outcome.client, "peer rejected our certificate"));
}

TEST_CASE("a client's expired or not yet valid certificate is refused with the date") {
  Outcome outcome = meet(Pki::get().files("server"), Pki::get().files("expired-client"), "localhost");
  CHECK(contains(outcome.server, "certificate expired on 20"));
  CAPTURE(outcome.client);
  CHECK(contains(outcome.client, "peer rejected our certificate"));
  outcome = meet(Pki::get().files("server"), Pki::get().files("future-client"), "localhost");
  CHECK(contains(outcome.server, "certificate is not valid before 20"));
  CAPTURE(outcome.client);
  CHECK(contains(outcome.client, "peer rejected our certificate"));
}

TEST_CASE("a client without a certificate is refused and told so") {
  const Outcome outcome = meet(Pki::get().files("server"), Pki::get().files(""), "localhost");
  CHECK(outcome.server == "peer sent no certificate");
  CAPTURE(outcome.client);
  CHECK(contains(outcome.client, "certificate"));
}

TEST_CASE("a certificate is only good for the purpose it was issued for") {
  const auto context = TlsContext::server(Pki::get().files("client"));
  REQUIRE(!context);
  CHECK(contains(context.error().context, "client.pem: issued for another purpose"));
  const Outcome outcome = meet(Pki::get().files("server"), Pki::get().files("server"), "localhost");
  CHECK(contains(outcome.server, "issued for another purpose"));
}

TEST_CASE("a peer that does not speak TLS is recognised") {
  CHECK(contains(server_says_to("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "peer speaks plain text, not TLS"));
  CHECK(server_says_to(std::string_view("\x00\xff\x01\x02\x03\x04\x05\x06\x07\x08", 10)) == "peer does not speak TLS");
  CHECK(server_says_to("") == "peer closed the connection during the TLS handshake");
  CHECK(server_says_to(std::string_view("\x16\x03\x01\x00\x05hello", 10)) != kGood);
}

TEST_CASE("a cut connection is told from a properly ended one") {
  auto server = TlsContext::server(Pki::get().files("server"));
  auto client = TlsContext::client(Pki::get().files("client"));
  REQUIRE(server);
  REQUIRE(client);
  asio::io_context io(1);
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
  Outcome outcome;
  asio::co_spawn(io, serve_one(acceptor, *server, outcome), asio::detached);
  run(io, [](unsigned short port, std::shared_ptr<const TlsContext> context) -> asio::awaitable<void> {
    asio::ip::tcp::socket socket(co_await asio::this_coro::executor);
    const asio::ip::tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
    auto [connect_error] = co_await socket.async_connect(endpoint, kTuple);
    REQUIRE(!connect_error);
    Stream stream(std::move(socket), std::move(*context->client_channel("localhost")));
    auto [error] = co_await stream.async_handshake(kTuple);
    REQUIRE(!error);
    co_await stream.linger(std::chrono::seconds(2));  // ends TCP without close-notify
  }(acceptor.local_endpoint().port(), *client));
  io.run_for(std::chrono::seconds(5));
  CHECK(outcome.server == "peer cut the connection");
}

TEST_CASE("bad files are refused with the file's name") {
  const Pki& pki = Pki::get();
  TlsFiles files = pki.files("server");
  files.key = pki.dir() / "client.key";
  auto context = TlsContext::server(files);
  REQUIRE(!context);
  CHECK(context.error().context == files.key + ": the private key does not belong to the certificate");
  files = pki.files("server");
  files.authority = pki.dir() / "missing.pem";
  context = TlsContext::server(files);
  REQUIRE(!context);
  CHECK(context.error().code == ErrorCode::not_found);
  files = pki.files("server");
  files.certificate = pki.dir() / "server.key";
  context = TlsContext::server(files);
  REQUIRE(!context);
  CHECK(contains(context.error().context, "not a certificate"));
  auto client = TlsContext::client(pki.files("client"));
  REQUIRE(client);
  CHECK(!(*client)->client_channel(""));
}
