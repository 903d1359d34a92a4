// SPDX-License-Identifier: Apache-2.0
#include "agent/net/otlp_exporter.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <deque>

#include "agent/base/text.h"
#include "agent/net/gzip.h"
#include "agent/net/http_server.h"
#include "agent/net/otlp.h"
#include "tests/unit/net/net_support.h"

namespace asio = boost::asio;
using namespace hostmedic;
using namespace std::chrono_literals;
using hostmedic::test::Pki;

namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

class MemorySpool final : public SpoolSource {
 public:
  std::deque<SpoolRecord> logs, metrics;
  std::vector<std::int64_t> acked, rejected;
  std::vector<std::string> reasons;
  int failing_acks = 0;

  void add(int count, std::size_t size = 0) {
    for (int i = 0; i < count; ++i) {
      OtlpLogRecord record;
      record.body = "record " + std::to_string(++last_) + std::string(size, 'x');
      logs.push_back({last_, encode_resource(OtlpResourceLogs{{}, "", {{"", "", {record}}}})});
    }
  }
  asio::awaitable<Result<SpoolBatch>> next_batch(Bytes most, std::size_t most_records) override {
    SpoolBatch batch;
    auto& queue = logs.empty() ? metrics : logs;
    if (logs.empty()) batch.signal = OtlpSignal::metrics;
    std::size_t bytes = 0;
    for (const SpoolRecord& record : queue) {
      bytes += record.payload.size();
      if (batch.records.size() == most_records || (!batch.records.empty() && bytes > most.count)) break;
      batch.records.push_back(record);
    }
    co_return batch;
  }
  asio::awaitable<Status> ack(std::vector<std::int64_t> ids) override {
    if (failing_acks-- > 0) co_return make_error(ErrorCode::io, "disk full");
    take(ids, acked);
    co_return ok();
  }
  asio::awaitable<Status> reject(std::vector<std::int64_t> ids, std::string reason) override {
    take(ids, rejected);
    reasons.push_back(std::move(reason));
    co_return ok();
  }
  std::size_t pending() const override { return logs.size() + metrics.size(); }

 private:
  void take(const std::vector<std::int64_t>& ids, std::vector<std::int64_t>& into) {
    for (const std::int64_t id : ids) {
      into.push_back(id);
      std::erase_if(logs, [id](const SpoolRecord& r) { return r.id == id; });
      std::erase_if(metrics, [id](const SpoolRecord& r) { return r.id == id; });
    }
  }
  std::int64_t last_ = 0;
};

// An exporter, its spool and a destination that follows a script; after the script every answer is 200.
struct Bench {
  asio::io_context io{1};
  MemorySpool spool;
  std::deque<HttpResponse> script;
  std::vector<HttpRequest> requests;
  std::vector<MonoTime> times;
  std::vector<std::string> notes;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<OtlpExporter> exporter;
  OtlpExporterOptions options;

  explicit Bench(bool tls = false) {
    HttpServerOptions server_options;
    if (tls) server_options.tls = *TlsContext::server(Pki::get().files("server"));
    auto made = HttpServer::listen(io.get_executor(), server_options,
                                   [this](const HttpRequest& request) { return answer(request); }, {});
    REQUIRE(made);
    server = std::move(*made);
    options.destination.host = "127.0.0.1";
    options.destination.port = server->port();
    if (tls) options.destination.tls = *TlsContext::client(Pki::get().files("client"));
    options.first_backoff = 2ms;
    options.most_backoff = 20ms;
    options.seed = 1;
  }
  asio::awaitable<HttpResponse> answer(const HttpRequest& request) {
    requests.push_back(request);
    times.push_back(mono_now());
    HttpResponse response;
    if (!script.empty()) {
      response = script.front();
      script.pop_front();
    }
    co_return response;
  }
  void start() {
    exporter = std::make_unique<OtlpExporter>(io.get_executor(), options, spool,
                                              [this](std::string_view note) { notes.emplace_back(note); });
    exporter->start();
  }
  template <class Condition>
  void run_until(const Condition& reached) {
    const MonoTime end = mono_now() + 10s;
    io.restart();
    while (!reached() && mono_now() < end) io.run_one_for(50ms);
    REQUIRE(reached());
  }
  void run_until_empty() {
    run_until([this] { return spool.pending() == 0; });
  }
  ~Bench() {
    if (!exporter) return;
    exporter->stop();
    server->stop();
    io.restart();
    io.run_for(5s);
    CHECK(!exporter->running());
  }
};

HttpResponse refusal(unsigned status, std::vector<HttpHeader> headers = {}) {
  return {status, "text/plain", std::move(headers), "because\n"};
}
HttpResponse partial(std::int64_t rejected, const char* message) {
  return {200, "application/x-protobuf", {}, encode_export_answer({rejected, message})};
}
bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a spool is delivered over mutual TLS in batches on one connection, and emptied") {
  Bench bench(true);
  bench.spool.add(1200);
  bench.start();
  bench.run_until_empty();
  REQUIRE(bench.requests.size() == 3);
  CHECK(bench.server->stats().accepted == 1);
  const HttpRequest& first = bench.requests[0];
  CHECK(first.method == "POST");
  CHECK(first.target == "/v1/logs");
  CHECK(first.header("content-type") == "application/x-protobuf");
  CHECK(first.header("content-encoding") == "gzip");
  const auto decoded = decode_logs(first.body);
  REQUIRE(decoded);
  REQUIRE(decoded->resources.size() == 500);
  CHECK(decoded->resources[499].scopes.at(0).items.at(0).body == "record 500");
  CHECK(bench.spool.acked.size() == 1200);
  CHECK(std::is_sorted(bench.spool.acked.begin(), bench.spool.acked.end()));
  const OtlpExporterState state = bench.exporter->state();
  CHECK(state.connected);
  CHECK(state.sent_records == 1200);
  CHECK(state.last_error.empty());
  CHECK(state.last_success.has_value());
}

TEST_CASE("batches keep to the byte limit, small ones are not packed, notify wakes a waiting exporter") {
  Bench bench;
  bench.options.batch_bytes = kib(4);
  bench.start();
  bench.spool.add(10, 1500);
  bench.exporter->notify();
  bench.run_until_empty();
  CHECK(bench.requests.size() == 5);
  bench.spool.add(1);
  bench.exporter->notify();
  bench.run_until_empty();
  CHECK(bench.requests.back().header("content-encoding").empty());
  bench.spool.metrics.push_back({9000, encode_resource(OtlpResourceMetrics{})});
  bench.exporter->notify();
  bench.run_until_empty();
  CHECK(bench.requests.back().target == "/v1/metrics");
}

TEST_CASE("429, 502, 503 and 504 are repeated with the same records until they succeed") {
  Bench bench;
  bench.script = {refusal(429), refusal(502), refusal(503), refusal(504)};
  bench.spool.add(2);
  bench.start();
  bench.run_until_empty();
  REQUIRE(bench.requests.size() == 5);
  CHECK(bench.requests[0].body == bench.requests[4].body);
  CHECK(bench.spool.acked == std::vector<std::int64_t>{1, 2});
  const OtlpExporterState state = bench.exporter->state();
  CHECK(state.retries == 4);
  CHECK(state.sent_records == 2);
  CHECK(state.dead_records == 0);
  REQUIRE(bench.notes.size() == 5);
  CHECK(bench.notes[0] == "HTTP status 429: because");
  CHECK(bench.notes[4] == "delivery works again");
}

TEST_CASE("Retry-After is waited for, in seconds and as a date, and cut to the limit") {
  Bench bench;
  bench.options.most_retry_after = 60ms;
  bench.script = {refusal(429, {{"Retry-After", "3600"}}),
                  refusal(503, {{"Retry-After", "Fri, 01 Jan 2100 00:00:00 GMT"}})};
  bench.spool.add(1);
  bench.start();
  bench.run_until([&] { return bench.exporter->state().retry_in.has_value(); });
  CHECK(*bench.exporter->state().retry_in >= 60ms);
  bench.exporter->notify();  // must not shorten the wait
  bench.run_until_empty();
  REQUIRE(bench.times.size() == 3);
  CHECK(bench.times[1] - bench.times[0] >= 60ms);
  CHECK(bench.times[2] - bench.times[1] >= 60ms);
}

TEST_CASE("every other refusal is final: the batch is put aside and the next one sent") {
  for (const unsigned status : {400u, 401u, 404u, 413u, 500u, 501u, 301u}) {
    CAPTURE(status);
    Bench bench;
    bench.options.batch_records = 1;
    bench.script = {refusal(status)};
    bench.spool.add(2);
    bench.start();
    bench.run_until_empty();
    CHECK(bench.requests.size() == 2);
    CHECK(bench.spool.rejected == std::vector<std::int64_t>{1});
    CHECK(bench.spool.acked == std::vector<std::int64_t>{2});
    CHECK(contains(bench.spool.reasons.at(0), strf("HTTP status %u: because", status)));
    CHECK(bench.exporter->state().dead_records == 1);
  }
}

TEST_CASE("one broken record does not cost the others of its batch") {
  Bench bench;
  const HttpResponse fine{200, "", {}, ""};
  bench.script = {refusal(400), fine, refusal(400), fine, fine, fine};
  bench.spool.add(5);
  bench.start();
  bench.run_until_empty();
  CHECK(bench.requests.size() == 6);
  CHECK(bench.spool.rejected == std::vector<std::int64_t>{2});
  CHECK(bench.spool.acked == std::vector<std::int64_t>{1, 3, 4, 5});
  CHECK(bench.exporter->state().dead_records == 1);
}

TEST_CASE("the words of a google.rpc.Status are taken from a refusal, and made printable") {
  Bench bench;
  bench.script = {{400, "application/x-protobuf", {}, encode_rpc_status({3, "no\x1b[31m such tenant"})}};
  bench.spool.add(1);
  bench.start();
  bench.run_until_empty();
  CHECK(bench.spool.reasons.at(0) == "HTTP status 400: no?[31m such tenant");
}

TEST_CASE("a partial success is not repeated; what was rejected is counted") {
  Bench bench;
  bench.script = {partial(2, "too old")};
  bench.spool.add(5);
  bench.start();
  bench.run_until_empty();
  CHECK(bench.requests.size() == 1);
  const OtlpExporterState state = bench.exporter->state();
  CHECK(state.rejected_records == 2);
  CHECK(state.sent_records == 3);
  CHECK(state.last_error == "destination rejected 2 records: too old");
  CHECK(bench.spool.acked.size() == 5);
}

TEST_CASE("success has many shapes: empty body, empty partial success, unreadable body, a 202") {
  const std::vector<HttpResponse> shapes = {{200, "", {}, ""},
                                            {200, "application/x-protobuf", {}, std::string("\x0a\x00", 2)},
                                            {200, "application/x-protobuf", {}, "\xff\xff\xff"},
                                            {200, "application/json", {}, "{\"partialSuccess\":{}}"},
                                            {202, "text/html", {}, "ok"}};
  for (const HttpResponse& shape : shapes) {
    Bench bench;
    bench.script = {shape};
    bench.spool.add(1);
    bench.start();
    bench.run_until_empty();
    CHECK(bench.requests.size() == 1);
    CHECK(bench.exporter->state().sent_records == 1);
    CHECK(bench.exporter->state().last_error.empty());
  }
}

TEST_CASE("a destination that cuts the answer, stays silent or is absent is tried again") {
  Bench bench;
  // Takes one connection after the other: cut in the middle of an answer, silence, then goes away.
  asio::ip::tcp::acceptor rough(bench.io, {asio::ip::address_v4::loopback(), 0});
  int connections = 0;
  asio::co_spawn(
      bench.io,
      [](asio::ip::tcp::acceptor& acceptor, int& count) -> asio::awaitable<void> {
        std::vector<asio::ip::tcp::socket> kept;
        while (count < 3) {
          auto [error, socket] = co_await acceptor.async_accept(kTuple);
          if (error) co_return;
          ++count;
          std::string seen;
          co_await asio::async_read_until(socket, asio::dynamic_buffer(seen), "\r\n\r\n", kTuple);
          if (count == 1) {
            const std::string half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
            co_await asio::async_write(socket, asio::buffer(half), kTuple);
          } else {
            kept.push_back(std::move(socket));
          }
        }
        acceptor.close();
      }(rough, connections),
      asio::detached);
  bench.options.destination.port = rough.local_endpoint().port();
  bench.options.destination.request_timeout = 30ms;
  bench.spool.add(1);
  bench.start();
  bench.run_until([&] { return connections == 3 && bench.exporter->state().retries >= 5; });
  CHECK(bench.spool.pending() == 1);
  CHECK(bench.spool.acked.empty());
  CHECK(!bench.exporter->state().connected);
  CHECK(contains(bench.exporter->state().last_error, "Connection refused"));
  REQUIRE(bench.notes.size() >= 3);
  CHECK(contains(bench.notes[0], "no complete answer"));
  CHECK(contains(bench.notes[1], "no complete answer in time"));
}

TEST_CASE("a wrong certificate keeps the records and says why") {
  Bench bench(true);
  bench.options.destination.tls = *TlsContext::client(Pki::get().files("stranger-client"));
  bench.spool.add(1);
  bench.start();
  bench.run_until([&] { return bench.exporter->state().retries >= 2; });
  CHECK(contains(bench.exporter->state().last_error, "peer rejected our certificate"));
  CHECK(bench.spool.pending() == 1);
  CHECK(bench.notes.size() == 1);  // the same trouble is told once
  bench.exporter->replace_tls(*TlsContext::client(Pki::get().files("client")));
  bench.run_until_empty();
  CHECK(bench.exporter->state().last_error.empty());
}

TEST_CASE("a spool that cannot note an acknowledgement gets the same records sent again, after a wait") {
  Bench bench;
  bench.spool.failing_acks = 1;
  bench.spool.add(1);
  bench.start();
  bench.run_until_empty();
  CHECK(bench.requests.size() == 2);
  CHECK(bench.notes.at(0) == "cannot write the spool: disk full");
}

TEST_CASE("stopping during a long wait or a request under way ends at once") {
  Bench bench;
  bench.options.first_backoff = bench.options.most_backoff = std::chrono::hours(1);
  bench.script = {refusal(503)};
  bench.spool.add(1);
  bench.start();
  bench.run_until([&] { return bench.exporter->state().retry_in.has_value(); });
  bench.exporter->stop();
  bench.run_until([&] { return !bench.exporter->running(); });
  CHECK(bench.spool.pending() == 1);

  Bench silent;
  asio::ip::tcp::acceptor mute(silent.io, {asio::ip::address_v4::loopback(), 0});
  silent.options.destination.port = mute.local_endpoint().port();
  silent.spool.add(1);
  silent.start();
  silent.io.run_for(20ms);
  silent.exporter->stop();
  silent.run_until([&] { return !silent.exporter->running(); });
  CHECK(silent.spool.pending() == 1);
}
