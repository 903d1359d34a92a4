// SPDX-License-Identifier: Apache-2.0
// A small HTTP/1.1 server: TLS, or plain text on loopback addresses only. One thread: that of the executor, where the
// handler runs too. Owns its listening socket and its connections. Bad input of any kind costs its sender the
// connection and nobody else anything.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/net/http.h"
#include "agent/net/tls.h"

namespace hostmedic {

struct HttpServerOptions {
  std::string address = "127.0.0.1";      // IPv4 or IPv6 literal
  std::uint16_t port = 0;                 // 0: any free one
  std::shared_ptr<const TlsContext> tls;  // null: plain text, refused for other than loopback addresses
  std::size_t max_connections = 64;       // further ones are closed at once and counted
  Bytes header_limit = kib(16);           // 431 beyond
  Bytes body_limit = mib(4);              // 413 beyond; holds before and after unpacking
  Duration handshake_timeout = std::chrono::seconds(5);
  Duration header_timeout = std::chrono::seconds(10);  // from the first byte of a request to the end of its header
  Duration body_timeout = std::chrono::seconds(30);    // for the whole body
  Duration write_timeout = std::chrono::seconds(30);   // for the whole answer
  Duration idle_timeout = std::chrono::seconds(75);    // between requests
};

struct HttpServerStats {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;            // over max_connections
  std::uint64_t failed_handshakes = 0;  // also plain-text clients of a TLS server
  std::uint64_t bad_requests = 0;       // answered with 4xx by the server itself, or cut off
  std::uint64_t timeouts = 0;           // handshake, header, body or answer took too long
  std::uint64_t requests = 0;           // given to the handler
  std::size_t open = 0;                 // connections now
};

class HttpServer {
 public:
  // The request is valid until the handler ends. An exception becomes 500.
  using Handler = std::function<boost::asio::awaitable<HttpResponse>(const HttpRequest&)>;
  // One printable line per refused peer or request, at most 30 a minute; what was left out is counted in the next.
  using Note = std::function<void(std::string_view)>;

  static Result<std::unique_ptr<HttpServer>> listen(boost::asio::any_io_executor executor, HttpServerOptions options,
                                                    Handler handler, Note note);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;
  HttpServerStats stats() const;
  // For new connections; open ones keep what they have.
  void replace_tls(std::shared_ptr<const TlsContext> tls);
  // Closes the listening socket and all connections. Handlers that wait for something else end when that does; the
  // handler function is kept until then.
  void stop();

  struct Core;  // what the connections share; defined in http_server.cpp

 private:
  explicit HttpServer(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;  // shared with the coroutines of the connections
};

}  // namespace hostmedic
