// SPDX-License-Identifier: Apache-2.0
#include "agent/net/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <set>

#include "agent/base/clock.h"
#include "agent/base/text.h"
#include "agent/net/deadline.h"
#include "agent/net/gzip.h"
#include "agent/net/stream.h"

namespace hostmedic {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kReadBuffer = 65536;  // at most, per connection
constexpr Duration kLinger = std::chrono::seconds(2);
constexpr Duration kNoteWindow = std::chrono::minutes(1);
constexpr int kNotesPerWindow = 30;

using Parser = http::request_parser<http::string_body>;

}  // namespace

struct HttpServer::Core {
  Core(asio::any_io_executor executor_, HttpServerOptions options_, Handler handler_, Note note_)
      : executor(std::move(executor_)),
        options(std::move(options_)),
        handler(std::move(handler_)),
        note(std::move(note_)),
        acceptor(executor) {}

  asio::any_io_executor executor;
  HttpServerOptions options;
  Handler handler;
  Note note;
  tcp::acceptor acceptor;
  std::set<Stream*> streams;
  HttpServerStats stats;
  bool stopping = false;
  MonoTime note_window{};
  int notes = 0;
  std::uint64_t notes_left_out = 0;

  void tell(const Stream& stream, std::string_view what);
  void close_all() {
    stopping = true;
    note = nullptr;      // its owner may go away before the last connection
    error_code ignored;  // closed either way
    acceptor.close(ignored);
    for (Stream* stream : streams) stream->close();
  }
};

void HttpServer::Core::tell(const Stream& stream, std::string_view what) {
  if (!note) return;
  const MonoTime now = mono_now();
  if (now - note_window > kNoteWindow) {
    note_window = now;
    notes = 0;
  }
  if (++notes > kNotesPerWindow) {
    ++notes_left_out;
    return;
  }
  std::string line = stream.peer_address() + ": " + printable(what, 400);
  if (notes_left_out > 0)
    line += strf(" (%llu more such lines were left out)", static_cast<unsigned long long>(notes_left_out));
  notes_left_out = 0;
  note(line);
}

namespace {

using Core = HttpServer::Core;

// One connection, from accept to close.
class Connection {
 public:
  Connection(std::shared_ptr<Core> core, tcp::socket socket, std::unique_ptr<Channel> channel)
      : core_(std::move(core)), stream_(std::move(socket), std::move(channel)) {
    core_->streams.insert(&stream_);
  }
  ~Connection() { core_->streams.erase(&stream_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  asio::awaitable<void> run();

 private:
  asio::awaitable<bool> shake_hands();
  asio::awaitable<bool> wait_for_request();
  asio::awaitable<std::optional<HttpRequest>> read_request();
  asio::awaitable<HttpResponse> handle(const HttpRequest& request);
  asio::awaitable<bool> write(HttpResponse response);
  asio::awaitable<std::optional<HttpRequest>> refuse(unsigned status, std::string why);
  asio::awaitable<void> finish();
  std::function<void()> closer() {
    return [this] { stream_.close(); };
  }

  std::shared_ptr<Core> core_;
  Stream stream_;
  boost::beast::flat_buffer buffer_{kReadBuffer};
  bool keep_alive_ = true;
  bool head_ = false;  // the request wants no body back
  unsigned version_ = 11;
};

asio::awaitable<void> Connection::run() {
  const bool trusted = co_await shake_hands();
  if (!trusted) co_return;
  while (keep_alive_ && !core_->stopping) {
    const bool more = co_await wait_for_request();
    if (!more) co_return;
    std::optional<HttpRequest> request = co_await read_request();
    if (!request || core_->stopping) co_return;
    ++core_->stats.requests;
    HttpResponse response = co_await handle(*request);
    request.reset();  // its body is not needed while the answer is written
    const bool written = co_await write(std::move(response));
    if (!written) co_return;
  }
  co_await finish();
}

asio::awaitable<bool> Connection::shake_hands() {
  const Deadline deadline(core_->executor, core_->options.handshake_timeout, closer());
  auto [error] = co_await stream_.async_handshake(kTuple);
  if (!error) co_return true;
  ++core_->stats.failed_handshakes;
  if (deadline.expired()) ++core_->stats.timeouts;
  if (core_->stopping) co_return false;
  std::string why = stream_.explain(error);
  if (deadline.expired()) why = "took too long for the TLS handshake";
  core_->tell(stream_, "refused: " + why);
  co_await stream_.linger(kLinger);
  co_return false;
}

// False when the peer left or stayed silent too long, which is the normal end of a connection.
asio::awaitable<bool> Connection::wait_for_request() {
  if (buffer_.size() > 0) co_return true;
  const Deadline deadline(core_->executor, core_->options.idle_timeout, closer());
  const auto space = buffer_.prepare(4096);
  auto [error, size] = co_await stream_.async_read_some(space, kTuple);
  if (!error) {
    buffer_.commit(size);
    co_return true;
  }
  // With TLS 1.3 the client's refusal of us arrives here.
  if (error == boost::system::errc::protocol_error) core_->tell(stream_, "refused: " + stream_.explain(error));
  co_return false;
}

asio::awaitable<std::optional<HttpRequest>> Connection::refuse(unsigned status, std::string why) {
  ++core_->stats.bad_requests;
  core_->tell(stream_, strf("refused a request with %u: ", status) + why);
  HttpResponse response{status, "text/plain", {}, why + "\n"};
  keep_alive_ = false;
  const bool written = co_await write(std::move(response));
  if (written) co_await finish();
  co_return std::nullopt;
}

unsigned status_of(error_code error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  if (error == http::error::body_limit) return 413;
  return 400;
}

bool is_parse_error(error_code error) { return error.category() == make_error_code(http::error::bad_value).category(); }

asio::awaitable<std::optional<HttpRequest>> Connection::read_request() {
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(core_->options.header_limit.count));
  parser.body_limit(core_->options.body_limit.count);
  error_code error;
  const char* stage = "header";
  {
    const Deadline deadline(core_->executor, core_->options.header_timeout, closer());
    auto [header_error, header_size] = co_await http::async_read_header(stream_, buffer_, parser, kTuple);
    error = header_error;
    if (deadline.expired()) error = asio::error::timed_out;
  }
  if (!error && !parser.is_done()) {
    stage = "body";
    const Deadline deadline(core_->executor, core_->options.body_timeout, closer());
    if (boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
      constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      co_await asio::async_write(stream_, asio::buffer(kContinue), kTuple);  // a failure shows at the read
    }
    auto [body_error, body_size] = co_await http::async_read(stream_, buffer_, parser, kTuple);
    error = body_error;
    if (deadline.expired()) error = asio::error::timed_out;
  }
  if (error == asio::error::timed_out) {
    ++core_->stats.timeouts;
    ++core_->stats.bad_requests;
    core_->tell(stream_, std::string("cut off: took too long to send its ") + stage);
    co_return std::nullopt;
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message || core_->stopping)
    co_return std::nullopt;
  if (error && !is_parse_error(error)) {
    core_->tell(stream_, "cut off: " + stream_.explain(error));
    co_return std::nullopt;
  }
  if (error) {
    std::string why = "not a valid request: " + error.message();
    if (status_of(error) == 413) why = "body is larger than " + format_bytes(core_->options.body_limit);
    if (status_of(error) == 431) why = "header is larger than " + format_bytes(core_->options.header_limit);
    co_return co_await refuse(status_of(error), std::move(why));
  }

  auto message = parser.release();
  keep_alive_ = message.keep_alive();
  head_ = message.method() == http::verb::head;
  version_ = message.version();
  HttpRequest request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message)
    request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  request.body = std::move(message.body());
  request.peer_address = stream_.peer_address();
  request.peer_certificate = stream_.peer_certificate();

  const std::string_view encoding = request.header("content-encoding");
  if (encoding.empty() || boost::beast::iequals(encoding, "identity")) co_return request;
  if (!boost::beast::iequals(encoding, "gzip"))
    co_return co_await refuse(415, "content encoding is not gzip: " + printable(encoding, 40));
  auto text = gunzip(request.body, core_->options.body_limit);
  if (!text) {
    unsigned status = 400;
    if (text.error().code == ErrorCode::limit) status = 413;
    co_return co_await refuse(status, "body " + text.error().message());
  }
  request.body = std::move(*text);
  co_return request;
}

asio::awaitable<HttpResponse> Connection::handle(const HttpRequest& request) {
  std::string what;
  try {
    co_return co_await core_->handler(request);
  } catch (const std::exception& error) {
    what = error.what();
  }
  core_->tell(stream_, "request failed inside: " + what);
  co_return HttpResponse{500, "text/plain", {}, "internal error\n"};
}

asio::awaitable<bool> Connection::write(HttpResponse response) {
  http::response<http::string_body> message;
  message.version(version_);
  message.result(response.status);
  if (!response.content_type.empty()) message.set(http::field::content_type, printable(response.content_type, 256));
  for (const HttpHeader& header : response.headers)
    message.insert(printable(header.name, 128), printable(header.value, 8192));
  message.keep_alive(keep_alive_);
  message.body() = std::move(response.body);
  message.prepare_payload();
  if (head_) message.body().clear();
  const Deadline deadline(core_->executor, core_->options.write_timeout, closer());
  auto [error, size] = co_await http::async_write(stream_, message, kTuple);
  if (deadline.expired()) {
    ++core_->stats.timeouts;
    core_->tell(stream_, "cut off: took too long to read its answer");
  }
  co_return !error;
}

asio::awaitable<void> Connection::finish() {
  const Deadline deadline(core_->executor, kLinger, closer());
  auto [error] = co_await stream_.async_shutdown(kTuple);
  if (!error) co_await stream_.linger(kLinger);
}

asio::awaitable<void> serve(std::shared_ptr<Core> core, tcp::socket socket) {
  std::unique_ptr<Channel> channel;
  if (core->options.tls == nullptr) {
    channel = make_plain_channel();
  } else {
    auto made = core->options.tls->server_channel();
    if (!made) {
      if (core->note) core->note("cannot take a connection: " + made.error().message());
      co_return;
    }
    channel = std::move(*made);
  }
  Connection connection(core, std::move(socket), std::move(channel));
  co_await connection.run();
}

asio::awaitable<void> accept_loop(std::shared_ptr<Core> core) {
  std::string told;  // once, until it works again
  while (!core->stopping) {
    auto [error, socket] = co_await core->acceptor.async_accept(kTuple);
    if (core->stopping) co_return;
    if (error) {
      // No descriptor is free, most likely; connections that end give some back.
      const std::string why = "cannot accept a connection: " + error.message();
      if (core->note && why != told) core->note(why);
      told = why;
      asio::steady_timer pause(core->executor, std::chrono::milliseconds(200));
      co_await pause.async_wait(kTuple);
      continue;
    }
    told.clear();
    if (core->streams.size() >= core->options.max_connections) {
      ++core->stats.refused;
      continue;
    }
    ++core->stats.accepted;
    asio::co_spawn(core->executor, serve(core, std::move(socket)), asio::detached);
  }
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::any_io_executor executor, HttpServerOptions options,
                                                       Handler handler, Note note) {
  error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) return make_error(ErrorCode::malformed, "not an IP address: '" + printable(options.address, 80) + "'");
  if (options.tls == nullptr && !address.is_loopback())
    return make_error(ErrorCode::denied, "plain HTTP is served on loopback addresses only, not on " + options.address);
  const std::string where = strf("listen on %s port %u", options.address.c_str(), options.port);
  const tcp::endpoint endpoint(address, options.port);
  auto core = std::make_shared<Core>(std::move(executor), std::move(options), std::move(handler), std::move(note));
  core->acceptor.open(endpoint.protocol(), error);
  if (!error) core->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) core->acceptor.bind(endpoint, error);
  if (!error) core->acceptor.listen(128, error);
  if (error) return errno_error(error.value(), where);
  asio::co_spawn(core->executor, accept_loop(core), asio::detached);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(core)));
}

HttpServer::HttpServer(std::shared_ptr<Core> core) : core_(std::move(core)) {}
HttpServer::~HttpServer() { stop(); }

std::uint16_t HttpServer::port() const {
  error_code ignored;  // a closed server has port 0
  return core_->acceptor.local_endpoint(ignored).port();
}

HttpServerStats HttpServer::stats() const {
  HttpServerStats stats = core_->stats;
  stats.open = core_->streams.size();
  return stats;
}

void HttpServer::replace_tls(std::shared_ptr<const TlsContext> tls) { core_->options.tls = std::move(tls); }
void HttpServer::stop() { core_->close_all(); }

}  // namespace hostmedic
