// SPDX-License-Identifier: Apache-2.0
// What others answer to the active checks, over real sockets, and what is asked on the plug-ins' socket. Input: byte 0
// selects: an HTTP server's bytes, the same where TLS should be, a name server's datagram (with the question's id when
// the next byte is odd), a plug-in's output, or the name that a plug-in is asked for by. What must hold: an answer in
// time, a bounded body, a printable reason; nothing is run by a name that no plug-in has.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/text.h"
#include "agent/check/ask.h"
#include "agent/check/run_plugin.h"
#include "server.h"

using namespace hostmedic;
using fuzz::check;
namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kMostBody = 4096;

struct World : fuzz::Loop {
  fuzz::Directory directory;
  asio::ip::tcp::acceptor tcp{io, {asio::ip::address_v4::loopback(), 0}};
  asio::ip::udp::socket udp{io, {asio::ip::address_v4::loopback(), 0}};
  asio::local::stream_protocol::acceptor plugins{io, directory / "plugins.sock"};
  Authorities authorities;

  World() {
    tcp.non_blocking(true);
    udp.non_blocking(true);
    plugins.non_blocking(true);
  }
  // The answer to one question; `serve` does what the other side does, until it says that it has.
  template <class Serve>
  void ask(asio::awaitable<Answer> asking, Serve serve) {
    std::optional<Answer> answer;
    asio::co_spawn(io, std::move(asking), [&](std::exception_ptr thrown, Answer given) {
      check(thrown == nullptr);
      answer = std::move(given);
    });
    bool served = false;
    until([&] {
      served = served || serve();
      return answer.has_value();
    });
    check(answer->body.size() <= kMostBody);
    check(answer->reason == printable(answer->reason, 2048));
  }
};

Question question() {
  Question asked;
  asked.timeout = std::chrono::seconds(5);
  asked.most_body = kMostBody;
  return asked;
}
Target target(Target::Scheme scheme, std::uint16_t port, std::string rest) {
  return {scheme, "127.0.0.1", port, std::move(rest)};
}

void ask_server(World& world, fuzz::Input& input, Target::Scheme scheme) {
  const std::string_view bytes = input.rest();
  const Target there = target(scheme, world.tcp.local_endpoint().port(), "/");
  world.ask(ask_connection(question(), there, world.authorities), [&] { return fuzz::serve(world.tcp, bytes); });
}

void ask_name_server(World& world, fuzz::Input& input) {
  const bool right_id = input.byte() % 2 == 1;
  std::string reply(input.take(1400));
  const Target there = target(Target::Scheme::dns, world.udp.local_endpoint().port(), "a.example");
  world.ask(ask_name(question(), there), [&] {
    std::array<char, 1500> asked{};
    asio::ip::udp::endpoint from;
    error_code error;
    const std::size_t size = world.udp.receive_from(asio::buffer(asked), from, 0, error);
    if (error || size < 2) return false;
    if (right_id && reply.size() >= 2) std::copy_n(asked.begin(), 2, reply.begin());
    (void)world.udp.send_to(asio::buffer(reply), from, 0, error);
    return true;
  });
}

void ask_plugins(World& world, fuzz::Input& input) {
  const std::string_view bytes = input.rest();
  const Target there = target(Target::Scheme::exec, 0, "plugin");
  world.ask(ask_plugin(question(), there, world.directory / "plugins.sock"),
            [&] { return fuzz::serve(world.plugins, bytes); });
}

void ask_for_name(World& world, fuzz::Input& input) {
  std::array<int, 2> fds{};
  check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
  const Fd asking(fds[0]), asked(fds[1]);
  const std::string_view name = input.take(4096);
  (void)::send(asking.get(), name.data(), name.size(), MSG_NOSIGNAL);
  (void)::shutdown(asking.get(), SHUT_WR);
  check(run_plugin(asked.get(), world.directory / "none") == 0);
  std::array<char, 8192> said{};
  const ssize_t size = ::recv(asking.get(), said.data(), said.size(), MSG_DONTWAIT);
  check(size > 0 && std::string_view(said.data(), static_cast<std::size_t>(size)).ends_with("\n# exit 127\n"));
}

constexpr void (*kAsks[])(World&, fuzz::Input&) = {
    [](World& world, fuzz::Input& input) { ask_server(world, input, Target::Scheme::http); },
    [](World& world, fuzz::Input& input) { ask_server(world, input, Target::Scheme::tls); },
    ask_name_server,
    ask_plugins,
    ask_for_name,
};

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  using namespace std::string_literals;
  return {
      "\0HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"s,
      "\0HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"s,
      "\0HTTP/1.0 301 Moved\r\nLocation: http://[::1]/\r\nContent-Encoding: gzip\r\n\r\nxx"s,
      "\1\x15\x03\x03\0\x02\x02\x28"s,
      "\2\1\0\0\x81\x80\0\1\0\1\0\0\0\0\1a\7example\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"s,
      "\3all is well\n\n# exit 0\n"s,
      "\3bad\x1b[31m\n# exit 256\n"s,
      "\4../../bin/sh\n"s,
      "\4plugin\n"s,
  };
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  fuzz::Input input(data, size);
  kAsks[input.byte() % std::size(kAsks)](world, input);
  return 0;
}
