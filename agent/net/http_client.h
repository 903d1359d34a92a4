// SPDX-License-Identifier: Apache-2.0
// One HTTP/1.1 connection to one destination, kept open between requests and made anew when needed. One thread: that of
// the executor. A name is looked up by the system's resolver in a thread of Asio's, which a timeout here does not end.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "agent/base/bytes.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/net/http.h"
#include "agent/net/tls.h"

namespace hostmedic {

struct HttpClientOptions {
  std::string host;  // name or IP literal; the peer's certificate must carry it
  std::uint16_t port = 0;
  std::shared_ptr<const TlsContext> tls;                // null: plain text
  Duration connect_timeout = std::chrono::seconds(10);  // name lookup and TCP, all addresses together
  Duration handshake_timeout = std::chrono::seconds(10);
  Duration request_timeout = std::chrono::seconds(30);  // from the first byte sent to the last received
  Bytes response_limit = mib(4);
};

class HttpClient {
 public:
  HttpClient(boost::asio::any_io_executor executor, HttpClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // One at a time; a second one meanwhile gives code conflict. An answer with any status is a value. Errors: timeout,
  // denied (TLS: one side refused the other), limit (answer too large), io and malformed. A request whose kept
  // connection turns out to be closed is sent once more on a new one. request must outlive the operation.
  boost::asio::awaitable<Result<HttpResponse>> send(const HttpRequest& request);
  // Only makes the connection, with TLS where that is set; what send() does first. Nothing if there is one.
  boost::asio::awaitable<Status> connect();
  // Of the connection made last, also when its handshake failed; null if none was seen.
  std::shared_ptr<const CertificateInfo> peer_certificate() const;
  // Ends a request under way with an error; the destructor does the same.
  void close();
  bool connected() const;
  // For the next connection.
  void replace_tls(std::shared_ptr<const TlsContext> tls);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with the request under way
};

// One request over a connection of its own. Blocks; for command lines.
Result<HttpResponse> send_and_wait(const HttpClientOptions& options, const HttpRequest& request);

}  // namespace hostmedic
