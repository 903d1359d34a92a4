// SPDX-License-Identifier: Apache-2.0
// A running aggregator with its own authority in a temporary folder, and agents that post to it. Loopback only.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>

#include "agent/aggregator/aggregator.h"
#include "agent/aggregator/enroll.h"
#include "agent/base/clock.h"
#include "agent/base/file.h"
#include "agent/net/authority.h"
#include "agent/net/http_client.h"
#include "agent/net/otlp.h"
#include "agent/record/record.h"

namespace hostmedic::test {

// Made once per program: keys cost time.
class Site {
 public:
  static const Site& get() {
    static const Site site;
    return site;
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  TlsFiles client(const std::string& name) const {
    return {path_ + "/tls/ca.crt", *this / (name + ".crt"), *this / (name + ".key")};
  }

 private:
  Site() {
    char pattern[] = "/tmp/hostmedic-aggregator-XXXXXX";
    path_ = ::mkdtemp(pattern);
    const WallTime now = wall_now();
    REQUIRE(init_authority({path_ + "/tls", "agg.example", {"10.0.0.5"}, ""}, now));
    const auto ca = read_pair(path_ + "/tls/ca");
    for (const char* host : {"web1", "db1"}) add(ca, host, host, valid_days(now, 10));
    add(ca, "expired", "web1", valid_days(now, -2));
    const auto stranger = make_authority("Stranger", valid_days(now, 10));
    REQUIRE(stranger);
    add(*stranger, "stranger", "web1", valid_days(now, 10));
  }
  ~Site() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  static KeyPair read_pair(const std::string& base) {
    auto certificate = read_file(base + ".crt", kib(64));
    auto key = read_file(base + ".key", kib(64));
    REQUIRE(certificate);
    REQUIRE(key);
    return {*certificate, *key};
  }
  void add(const KeyPair& ca, const std::string& file, const std::string& host, Validity validity) {
    const auto pair = issue_client(ca, host, validity);
    REQUIRE(pair);
    REQUIRE(write_key_pair(*pair, path_ + "/" + file + ".crt", path_ + "/" + file + ".key"));
  }
  std::string path_;
};

class TempState {
 public:
  TempState() {
    char pattern[] = "/tmp/hostmedic-fleet-XXXXXX";
    path_ = ::mkdtemp(pattern);
  }
  ~TempState() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline AggregatorOptions options_for(const TempState& state) {
  AggregatorOptions options;
  options.ca = Site::get() / "tls/ca.crt";
  options.certificate = Site::get() / "tls/server.crt";
  options.key = Site::get() / "tls/server.key";
  options.listen_port = options.page_port = 0;
  options.state_dir = state.path();
  options.body_limit = kib(256);
  options.page_hosts = {"hostmedic.example"};
  return options;
}

// One request on a connection of its own. files empty: plain text.
inline Result<HttpResponse> send(boost::asio::io_context& io, std::uint16_t port, const std::optional<TlsFiles>& files,
                                 HttpRequest request) {
  HttpClientOptions options;
  options.host = "127.0.0.1";
  options.port = port;
  if (files) {
    auto tls = TlsContext::client(*files);
    REQUIRE(tls);
    options.tls = *tls;
  }
  HttpClient client(io.get_executor(), options);
  std::optional<Result<HttpResponse>> answer;
  std::exception_ptr thrown;
  auto work = [&]() -> boost::asio::awaitable<void> { answer = co_await client.send(request); };
  boost::asio::co_spawn(io, work(), [&](std::exception_ptr error) { thrown = error; });
  io.restart();
  const MonoTime end = mono_now() + std::chrono::seconds(60);
  while (!answer && !thrown && mono_now() < end) io.run_one_for(std::chrono::milliseconds(100));
  if (thrown) std::rethrow_exception(thrown);
  REQUIRE(answer);
  return std::move(*answer);
}

inline HttpRequest post(const std::string& target, std::string body,
                        const std::string& type = "application/x-protobuf") {
  HttpRequest request;
  request.method = "POST";
  request.target = target;
  request.headers = {{"Content-Type", type}};
  request.body = std::move(body);
  return request;
}

// A server in the same loop as its clients.
class Running {
 public:
  explicit Running(const TempState& state) {
    auto started = Aggregator::start(io_, options_for(state));
    REQUIRE_MESSAGE(started, (started ? "" : started.error().message()));
    aggregator_ = std::move(*started);
  }
  ~Running() {
    aggregator_->stop();
    io_.restart();
    io_.run_for(std::chrono::seconds(10));
  }
  Result<HttpResponse> agent(const std::optional<TlsFiles>& files, HttpRequest request) {
    return send(io_, aggregator_->otlp_port(), files, std::move(request));
  }
  HttpResponse get(const std::string& target, const std::string& host = "", const std::string& method = "GET") {
    HttpRequest request;
    request.method = method;
    request.target = target;
    if (!host.empty()) request.headers.push_back({"Host", host});
    auto answer = send(io_, aggregator_->page_port(), std::nullopt, request);
    REQUIRE(answer);
    return *answer;
  }
  HttpResponse say(const std::string& target, const std::string& body, const std::string& type = "application/json") {
    auto answer = send(io_, aggregator_->page_port(), std::nullopt, post(target, body, type));
    REQUIRE(answer);
    return *answer;
  }
  boost::json::object json(const std::string& target) {
    const HttpResponse answer = get(target);
    REQUIRE_MESSAGE(answer.status == 200, answer.body);
    return boost::json::parse(answer.body).as_object();
  }
  Aggregator& aggregator() { return *aggregator_; }

 private:
  boost::asio::io_context io_{1};
  std::unique_ptr<Aggregator> aggregator_;
};

inline Incident incident_of(const std::string& id, std::uint32_t revision, IncidentState state) {
  Incident incident;
  incident.id = id;
  incident.revision = revision;
  incident.state = state;
  incident.root = {EntityKind::service, "nginx.service"};
  incident.kind = "service.failed";
  incident.severity = Severity::error;
  incident.summary = "nginx.service failed <script>alert(1)</script>";
  incident.fault_at = wall_from_ns(1'764'000'000'000'000'000);
  incident.opened_at = incident.fault_at + std::chrono::milliseconds(400);
  if (state == IncidentState::resolved) incident.closed_at = incident.fault_at + std::chrono::seconds(2);
  return incident;
}

inline std::string logs_body(const std::string& host, const std::vector<Incident>& incidents) {
  OtlpLogsRequest request;
  OtlpResourceLogs resource;
  resource.attributes = {
      {"host.name", host}, {"host.id", std::string("machine-") + host}, {"service.version", std::string("0.1.0")}};
  resource.scopes.push_back({"hostmedic", "0.1.0", {}});
  for (const Incident& incident : incidents) {
    OtlpLogRecord record;
    record.time_unix_nano = 1'764'000'000'000'000'000;
    record.event_name = "hostmedic.incident.updated";
    record.body = incident.summary;
    record.attributes = {{"log.record.uid", incident.id + "." + std::to_string(incident.revision)},
                         {"hostmedic.incident.record", to_json(incident)}};
    resource.scopes[0].items.push_back(std::move(record));
  }
  request.resources.push_back(std::move(resource));
  return encode_request(request);
}

}  // namespace hostmedic::test
