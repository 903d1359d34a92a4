// SPDX-License-Identifier: Apache-2.0
#include "agent/net/http_client.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <optional>

#include "agent/base/text.h"
#include "agent/net/deadline.h"
#include "agent/net/stream.h"

namespace hostmedic {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBuffer = 65536;
constexpr std::size_t kHeaderLimit = 16384;

// A name lookup that can be abandoned: the system's resolver cannot be stopped, so its late answer finds this object.
struct Lookup {
  explicit Lookup(const asio::any_io_executor& executor) : resolver(executor), answered(executor) {}
  tcp::resolver resolver;
  asio::steady_timer answered;
  error_code error = asio::error::timed_out;
  tcp::resolver::results_type results;
};

asio::awaitable<Result<std::vector<tcp::endpoint>>> resolve(std::shared_ptr<Lookup> lookup, std::string host,
                                                            std::uint16_t port, Duration most) {
  std::vector<tcp::endpoint> endpoints;
  error_code error;
  const auto literal = asio::ip::make_address(host, error);
  if (!error) {
    endpoints.emplace_back(literal, port);
    co_return endpoints;
  }
  lookup->answered.expires_after(most);
  lookup->resolver.async_resolve(host, std::to_string(port),
                                 [lookup](error_code failed, tcp::resolver::results_type results) {
                                   lookup->error = failed;
                                   lookup->results = std::move(results);
                                   lookup->answered.cancel();
                                 });
  co_await lookup->answered.async_wait(kTuple);
  if (lookup->error == asio::error::timed_out)
    co_return make_error(ErrorCode::timeout, "no answer when looking up " + printable(host, 256));
  if (lookup->error) co_return make_error(ErrorCode::not_found, printable(host, 256) + ": " + lookup->error.message());
  for (const auto& entry : lookup->results) endpoints.push_back(entry.endpoint());
  co_return endpoints;
}

}  // namespace

struct HttpClient::Impl {
  Impl(asio::any_io_executor executor_, HttpClientOptions options_)
      : executor(std::move(executor_)), options(std::move(options_)) {}

  asio::any_io_executor executor;
  HttpClientOptions options;
  std::shared_ptr<Stream> stream;           // shared with the request under way, which close() may interrupt
  std::shared_ptr<tcp::socket> connecting;  // likewise
  std::shared_ptr<Lookup> looking_up;       // likewise
  std::shared_ptr<const CertificateInfo> certificate;
  bool busy = false;
  bool closed = false;  // close() was called during the request

  asio::awaitable<Status> connect();
  asio::awaitable<Result<tcp::socket>> connect_tcp();
  asio::awaitable<Result<HttpResponse>> exchange(const HttpRequest& request, bool& nothing_received);
  asio::awaitable<Result<HttpResponse>> send(const HttpRequest& request);
  void drop() {
    if (looking_up) looking_up->answered.cancel();
    if (stream) stream->close();
    stream.reset();
    if (connecting) {
      error_code ignored;  // closed either way
      connecting->close(ignored);
    }
  }
};

asio::awaitable<Result<tcp::socket>> HttpClient::Impl::connect_tcp() {
  const std::string where = "connect to " + printable(options.host, 256) + strf(" port %u", options.port);
  looking_up = std::make_shared<Lookup>(executor);
  auto endpoints = co_await resolve(looking_up, options.host, options.port, options.connect_timeout);
  looking_up.reset();
  if (closed) co_return make_error(ErrorCode::io, where + ": stopped");
  if (!endpoints) co_return std::move(endpoints).error().in(where);
  auto socket = std::make_shared<tcp::socket>(executor);
  connecting = socket;
  bool late = false;
  const Deadline deadline(executor, options.connect_timeout, [socket, &late] {
    late = true;
    error_code ignored;  // closed either way
    socket->close(ignored);
  });
  error_code error = asio::error::host_not_found;
  for (const tcp::endpoint& endpoint : *endpoints) {
    if (late || closed) break;
    error_code ignored;  // a failed attempt before
    socket->close(ignored);
    auto [failed] = co_await socket->async_connect(endpoint, kTuple);
    error = failed;
    if (!error) break;
  }
  connecting.reset();
  if (late) co_return make_error(ErrorCode::timeout, where + ": no answer");
  if (closed) co_return make_error(ErrorCode::io, where + ": stopped");
  if (error) co_return make_error(ErrorCode::io, where + ": " + error.message());
  co_return std::move(*socket);
}

asio::awaitable<Status> HttpClient::Impl::connect() {
  auto socket = co_await connect_tcp();
  if (!socket) co_return std::move(socket).error();
  std::unique_ptr<Channel> channel;
  if (options.tls == nullptr) {
    channel = make_plain_channel();
  } else {
    auto made = options.tls->client_channel(options.host);
    if (!made) co_return std::move(made).error();
    channel = std::move(*made);
  }
  auto fresh = std::make_shared<Stream>(std::move(*socket), std::move(channel));
  stream = fresh;
  const Deadline deadline(executor, options.handshake_timeout, [fresh] { fresh->close(); });
  auto [error] = co_await fresh->async_handshake(kTuple);
  certificate = fresh->peer_certificate();
  if (!error) co_return ok();
  drop();
  const std::string where = "TLS with " + printable(options.host, 256);
  if (deadline.expired()) co_return make_error(ErrorCode::timeout, where + ": no answer");
  ErrorCode code = ErrorCode::io;
  if (error == boost::system::errc::protocol_error) code = ErrorCode::denied;
  co_return make_error(code, where + ": " + fresh->explain(error));
}

asio::awaitable<Result<HttpResponse>> HttpClient::Impl::exchange(const HttpRequest& request, bool& nothing_received) {
  http::request<http::string_body> message;
  message.version(11);
  message.method_string(request.method);
  message.target(request.target);
  std::string host = options.host;
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  message.set(http::field::host, host + ":" + std::to_string(options.port));
  for (const HttpHeader& header : request.headers) message.set(header.name, printable(header.value, 8192));
  message.body() = request.body;
  message.prepare_payload();

  auto used = stream;
  const Deadline deadline(executor, options.request_timeout, [used] { used->close(); });
  const auto fail = [&](error_code error) {
    drop();
    if (deadline.expired()) return make_error(ErrorCode::timeout, "no complete answer in time");
    ErrorCode code = ErrorCode::io;
    if (error == boost::system::errc::protocol_error) code = ErrorCode::denied;
    if (error == http::error::body_limit || error == http::error::header_limit) code = ErrorCode::limit;
    return make_error(code, "no complete answer: " + used->explain(error));
  };
  nothing_received = true;
  auto [write_error, written] = co_await http::async_write(*used, message, kTuple);
  // A peer that refuses a body early closes before it took all of it; its answer is still worth reading.
  if (write_error && write_error != asio::error::connection_reset) co_return fail(write_error);
  http::response_parser<http::string_body> parser;
  parser.header_limit(kHeaderLimit);
  parser.body_limit(options.response_limit.count);
  parser.skip(request.method == "HEAD");
  boost::beast::flat_buffer buffer(kReadBuffer);
  auto [read_error, size] = co_await http::async_read(*used, buffer, parser, kTuple);
  nothing_received = size == 0 && buffer.size() == 0;
  if (read_error) {
    error_code shown = read_error;
    if (write_error && nothing_received) shown = write_error;
    co_return fail(shown);
  }
  auto answer = parser.release();
  if (write_error || !answer.keep_alive()) drop();
  HttpResponse response;
  response.status = answer.result_int();
  response.content_type = std::string(answer[http::field::content_type]);
  for (const auto& field : answer)
    response.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  response.body = std::move(answer.body());
  co_return response;
}

asio::awaitable<Result<HttpResponse>> HttpClient::Impl::send(const HttpRequest& request) {
  bool nothing_received = true;
  if (stream) {
    auto response = co_await exchange(request, nothing_received);
    const bool stale = !response && nothing_received && response.error().code == ErrorCode::io && !closed;
    if (!stale) co_return response;
  }
  auto connected = co_await connect();
  if (!connected) co_return std::move(connected).error();
  co_return co_await exchange(request, nothing_received);
}

HttpClient::HttpClient(asio::any_io_executor executor, HttpClientOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {}
HttpClient::~HttpClient() { close(); }

asio::awaitable<Result<HttpResponse>> HttpClient::send(const HttpRequest& request) {
  const std::shared_ptr<Impl> impl = impl_;
  if (impl->busy) co_return make_error(ErrorCode::conflict, "a request is under way");
  impl->busy = true;
  impl->closed = false;
  auto response = co_await impl->send(request);
  impl->busy = false;
  co_return response;
}

asio::awaitable<Status> HttpClient::connect() {
  const std::shared_ptr<Impl> impl = impl_;
  if (impl->busy) co_return make_error(ErrorCode::conflict, "a request is under way");
  if (impl->stream) co_return ok();
  impl->busy = true;
  impl->closed = false;
  auto connected = co_await impl->connect();
  impl->busy = false;
  co_return connected;
}

std::shared_ptr<const CertificateInfo> HttpClient::peer_certificate() const { return impl_->certificate; }

void HttpClient::close() {
  impl_->closed = true;
  impl_->drop();
}
bool HttpClient::connected() const { return impl_->stream != nullptr; }
void HttpClient::replace_tls(std::shared_ptr<const TlsContext> tls) {
  impl_->options.tls = std::move(tls);
  if (!impl_->busy) impl_->drop();
}

Result<HttpResponse> send_and_wait(const HttpClientOptions& options, const HttpRequest& request) {
  boost::asio::io_context io{1};
  HttpClient client(io.get_executor(), options);
  std::optional<Result<HttpResponse>> answer;
  std::exception_ptr thrown;
  const auto work = [&]() -> boost::asio::awaitable<void> { answer = co_await client.send(request); };
  boost::asio::co_spawn(io, work(), [&](std::exception_ptr error) { thrown = error; });
  io.run();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*answer);
}

}  // namespace hostmedic
