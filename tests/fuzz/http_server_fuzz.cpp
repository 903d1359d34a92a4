// SPDX-License-Identifier: Apache-2.0
// The HTTP server over real sockets: what a client sends, in pieces. Input: byte 0 selects: 0 to the plain port, 1 to
// the port with TLS as if it were plain, 2 behind a TLS handshake of a good client; byte 1 is the size of the pieces,
// the rest is what is sent. What must hold: what comes back begins as an answer of HTTP, the connection ends when the
// client is done, what the handler gets is within the limits, and no piece of a header is a line of its own.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <vector>

#include "agent/net/gzip.h"
#include "agent/net/http_server.h"
#include "tls_world.h"

using namespace hostmedic;
using fuzz::check;
namespace asio = boost::asio;

namespace {

constexpr Bytes kBody = kib(64);

asio::awaitable<HttpResponse> answer(const HttpRequest& request) {
  check(request.body.size() <= kBody.count);
  for (const HttpHeader& header : request.headers)
    check(header.name.find_first_of("\r\n") == std::string::npos &&
          header.value.find_first_of("\r\n") == std::string::npos);
  check(request.target.find_first_of("\r\n") == std::string::npos);
  co_return HttpResponse{200, "text/plain", {}, std::string(request.body.size() % 100, 'x')};
}

struct World {
  fuzz::TlsWorld tls;
  asio::io_context io{1};
  std::unique_ptr<HttpServer> plain = listen(nullptr), secret = listen(tls.server);

  std::unique_ptr<HttpServer> listen(std::shared_ptr<const TlsContext> context) {
    HttpServerOptions options;
    options.tls = std::move(context);
    options.body_limit = kBody;
    auto server = HttpServer::listen(io.get_executor(), options, answer, [](std::string_view line) {
      check(std::none_of(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }));
    });
    check(server.has_value());
    return std::move(*server);
  }
  void poll() {
    io.restart();
    while (io.poll() > 0) io.restart();
  }
};

class Client {
 public:
  Client(World& world, std::uint16_t port, std::unique_ptr<Channel> channel)
      : world_(world), socket_(world.io), channel_(std::move(channel)) {
    socket_.connect({asio::ip::address_v4::loopback(), port});
    socket_.native_non_blocking(true);
    socket_.set_option(asio::ip::tcp::no_delay(true));
  }
  ~Client() {
    // Closed at once: a port that waits for its peer would be one less for the next input.
    const linger now{1, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool greet() {
    return until_done([&] { return channel_->handshake(fd()); });
  }
  bool say(std::string_view text) {
    while (!text.empty()) {
      std::size_t said = 0;
      const bool done = until_done([&] {
        const ChannelStep step = channel_->write(fd(), text.data(), text.size());
        said = step.bytes;
        return step;
      });
      if (!done || said == 0) return false;
      text.remove_prefix(said);
    }
    return true;
  }
  void finish() { ::shutdown(fd(), SHUT_WR); }
  std::string hear() {
    std::string text;
    std::array<char, 4096> room{};
    for (std::size_t got = 1; got > 0;) {
      got = 0;
      const bool done = until_done([&] {
        const ChannelStep step = channel_->read(fd(), room.data(), room.size());
        got = step.bytes;
        return step;
      });
      if (!done) break;
      text.append(room.data(), got);
    }
    return text;
  }

 private:
  int fd() { return socket_.native_handle(); }
  // False: there is no more to be had.
  template <class Step>
  bool until_done(Step step) {
    for (int idle = 0; idle < 200;) {
      const ChannelStep done = step();
      if (done.need == StepNeed::nothing) return true;
      if (done.need != StepNeed::readable && done.need != StepNeed::writable) return false;
      world_.io.restart();
      idle = world_.io.run_one_for(std::chrono::milliseconds(10)) > 0 ? 0 : idle + 1;
    }
    check(false);  // the server neither answers nor ends
    return false;
  }

  World& world_;
  asio::ip::tcp::socket socket_;
  std::unique_ptr<Channel> channel_;
};

void talk(World& world, std::uint8_t way, std::size_t piece, fuzz::Input& input) {
  std::unique_ptr<Channel> channel = make_plain_channel();
  if (way == 2) channel = std::move(*world.tls.client->client_channel("localhost"));
  Client client(world, way == 0 ? world.plain->port() : world.secret->port(), std::move(channel));
  if (way == 2) check(client.greet());
  while (!input.empty() && client.say(input.take(piece))) world.poll();
  client.finish();
  const std::string heard = client.hear();
  if (way != 1) check(heard.empty() || heard.starts_with("HTTP/1."));
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  using namespace std::string_literals;
  const std::string body(300, 'b');
  const std::string packed = gzip(body).value_or("");
  const std::string heads[] = {
      "GET /api/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST /v1/logs HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: " +
          std::to_string(packed.size()) + "\r\n\r\n" + packed,
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nTrailer: t\r\n\r\n",
      "HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n",
  };
  std::vector<std::string> seeds;
  for (const std::string& head : heads)
    for (const std::string& way : {"\0\xff"s, "\1\xff"s, "\2\xff"s}) seeds.push_back(way + head);
  seeds.push_back("\0\x01"s + heads[0]);
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  fuzz::Input input(data, size);
  const std::uint8_t way = input.byte() % 3;
  const std::size_t piece = input.byte();
  talk(world, way, piece == 0 ? 1 : piece == 255 ? size : piece, input);
  for (int i = 0; i < 100 && world.plain->stats().open + world.secret->stats().open > 0; ++i) {
    world.io.restart();
    (void)world.io.run_one_for(std::chrono::milliseconds(10));
  }
  check(world.plain->stats().open + world.secret->stats().open == 0);
  return 0;
}
