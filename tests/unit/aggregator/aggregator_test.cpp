// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/aggregator.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/unit/aggregator/aggregator_support.h"

using namespace hostmedic;
using namespace hostmedic::test;

namespace {
const TlsFiles web1() { return Site::get().client("web1"); }
std::string json_logs(const std::string& host) {
  return R"({"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":")" + host +
         R"("}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1764000000000000000","body":{"stringValue":"hi"}}]}]}]})";
}

// The whole program in a child, told apart by its ports, so that it can be killed.
class ChildAggregator {
 public:
  explicit ChildAggregator(const TempState& state) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    child_ = ::fork();
    if (child_ == 0) {
      boost::asio::io_context io{1};
      auto started = Aggregator::start(io, options_for(state));
      if (!started) ::_exit(1);
      const std::uint16_t ports[2] = {(*started)->otlp_port(), (*started)->page_port()};
      if (::write(ends[1], ports, sizeof ports) != sizeof ports) ::_exit(1);
      io.run();
      ::_exit(0);
    }
    ::close(ends[1]);
    REQUIRE(::read(ends[0], ports_, sizeof ports_) == sizeof ports_);
    ::close(ends[0]);
  }
  ~ChildAggregator() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  std::uint16_t otlp_port() const { return ports_[0]; }
  std::uint16_t page_port() const { return ports_[1]; }

 private:
  pid_t child_ = -1;
  std::uint16_t ports_[2] = {};
};
}  // namespace

TEST_CASE("incidents arrive over mutual TLS, once, however often they are sent, and over restarts") {
  TempState state;
  const std::string body =
      logs_body("web1", {incident_of("aa01", 1, IncidentState::open), incident_of("aa01", 2, IncidentState::resolved),
                         incident_of("bb02", 1, IncidentState::escalated)});
  for (int round = 0; round < 2; ++round) {
    Running server(state);
    for (int i = 0; i < 2; ++i) {
      const auto answer = server.agent(web1(), post("/v1/logs", body));
      REQUIRE(answer);
      CHECK(answer->status == 200);
      CHECK(answer->content_type == "application/x-protobuf");
      CHECK(decode_export_answer(answer->body)->rejected == 0);
    }
    const auto list = server.json("/api/incidents").at("incidents").as_array();
    REQUIRE(list.size() == 2);
    CHECK(list[0].at("host").as_string() == "web1");
    const auto detail = server.json("/api/incidents/aa01?host=web1");
    CHECK(detail.at("incident").at("revision").as_int64() == 2);
    CHECK(detail.at("incident").at("state").as_string() == "resolved");
    const std::string metrics = server.get("/metrics").body;
    CHECK(metrics.find("hostmedic_aggregator_log_records 3\n") != std::string::npos);
    CHECK(metrics.find(round == 0 ? "{result=\"duplicate\"} 3\n" : "{result=\"duplicate\"} 6\n") != std::string::npos);
  }
}

TEST_CASE("kill -9 between the answer and the next request loses nothing and repeats nothing") {
  TempState state;
  boost::asio::io_context io{1};
  for (std::uint32_t round = 1; round <= 3; ++round) {
    const ChildAggregator server(state);
    // The sender repeats all that it ever sent, as after a lost answer.
    for (std::uint32_t revision = 1; revision <= round; ++revision) {
      const auto answer =
          send(io, server.otlp_port(), web1(),
               post("/v1/logs", logs_body("web1", {incident_of("aa01", revision, IncidentState::open)})));
      REQUIRE(answer);
      CHECK(answer->status == 200);
    }
  }
  Running server(state);
  CHECK(server.json("/api/incidents/aa01").at("incident").at("revision").as_int64() == 3);
  CHECK(server.get("/metrics").body.find("hostmedic_aggregator_log_records 3\n") != std::string::npos);
  CHECK(server.json("/api/hosts").at("hosts").as_array().size() == 1);
}

TEST_CASE("a heartbeat makes a host known, with its last values") {
  TempState state;
  Running server(state);
  OtlpMetricsRequest request;
  OtlpResourceMetrics resource;
  resource.attributes = {{"host.name", std::string("db1")}, {"service.version", std::string("0.1.0")}};
  OtlpMetric metric;
  metric.name = "hostmedic.agent.memory.usage";
  metric.unit = "By";
  metric.points.push_back({{}, 0, 1'764'000'000'000'000'000, 12345.0});
  resource.scopes.push_back({"hostmedic", "0.1.0", {metric}});
  request.resources.push_back(resource);
  const auto answer = server.agent(Site::get().client("db1"), post("/v1/metrics", encode_request(request)));
  REQUIRE(answer);
  CHECK(answer->status == 200);
  const auto hosts = server.json("/api/hosts").at("hosts").as_array();
  REQUIRE(hosts.size() == 1);
  CHECK(hosts[0].at("name").as_string() == "db1");
  CHECK(hosts[0].at("state").as_string() == "up");
  CHECK(hosts[0].at("version").as_string() == "0.1.0");
  CHECK(hosts[0].at("fingerprint").as_string().size() == 64);
  CHECK(hosts[0].at("metrics").as_array().at(0).at("value").as_double() == 12345.0);
}

TEST_CASE("a host cannot speak for another") {
  TempState state;
  Running server(state);
  const auto answer =
      server.agent(web1(), post("/v1/logs", logs_body("db1", {incident_of("aa01", 1, IncidentState::open)})));
  REQUIRE(answer);
  CHECK(answer->status == 403);
  CHECK(decode_rpc_status(answer->body)->message.find("db1") != std::string::npos);
  CHECK(server.json("/api/hosts").at("hosts").as_array().empty());
}

TEST_CASE("refused with the right answer, and the next good request is served") {
  TempState state;
  Running server(state);
  const auto status = [&](HttpRequest request) {
    const auto answer = server.agent(web1(), std::move(request));
    REQUIRE(answer);
    return answer->status;
  };
  CHECK(status(post("/v1/logs", "x", "text/plain")) == 415);
  CHECK(status(post("/v1/logs", "x", "")) == 415);
  CHECK(status(post("/v1/logs", "this is no protobuf")) == 400);
  CHECK(status(post("/v1/logs", "{\"resourceLogs\":", "application/json")) == 400);
  CHECK(status(post("/v1/metrics", std::string("\x0a\xff\xff\xff", 4))) == 400);
  CHECK(status(post("/v1/traces", "")) == 404);
  HttpRequest get;
  get.target = "/v1/logs";
  CHECK(status(get) == 405);
  HttpRequest packed = post("/v1/logs", "not gzip");
  packed.headers.push_back({"Content-Encoding", "gzip"});
  CHECK(status(packed) == 400);
  const auto large = server.agent(web1(), post("/v1/logs", std::string(400 << 10, 'x')));
  if (large) CHECK(large->status == 413);
  CHECK(status(post("/v1/logs", logs_body("web1", {incident_of("aa01", 1, IncidentState::open)}))) == 200);
}

TEST_CASE("who has no certificate of the authority gets nothing, and the others go on") {
  TempState state;
  Running server(state);
  const std::string body = logs_body("web1", {incident_of("aa01", 1, IncidentState::open)});
  TlsFiles none = web1();
  none.certificate = none.key = "";
  TlsFiles stranger = Site::get().client("stranger");
  TlsFiles expired = Site::get().client("expired");
  for (const TlsFiles& files : {none, stranger, expired}) {
    const auto answer = server.agent(files, post("/v1/logs", body));
    CHECK_FALSE(answer);
  }
  CHECK_FALSE(server.agent(std::nullopt, post("/v1/logs", body)));
  CHECK(server.json("/api/hosts").at("hosts").as_array().empty());
  CHECK(server.agent(web1(), post("/v1/logs", body))->status == 200);
}

TEST_CASE("leave to act is granted to the host of the certificate, and what is no question is refused") {
  TempState state;
  Running server(state);
  const auto ask = [&](const std::string& host, const std::string& body) {
    const auto answer = server.agent(Site::get().client(host), post("/v1/leases", body, "application/json"));
    REQUIRE(answer);
    return *answer;
  };
  const std::string question = R"({"action":"service.restart","entity":"service:nginx.service","seconds":180})";
  const auto granted = boost::json::parse(ask("web1", question).body);
  CHECK(granted.at("granted").as_bool());
  CHECK(granted.at("seconds").as_int64() == 180);
  const auto refused = boost::json::parse(ask("db1", question).body);
  CHECK_FALSE(refused.at("granted").as_bool());
  CHECK(refused.at("text").as_string() == "1 of 1 hosts at work: web1 (service.restart on service:nginx.service)");
  CHECK(ask("db1", R"({"release":true})").status == 200);  // of its own, which it has not
  CHECK_FALSE(boost::json::parse(ask("db1", question).body).at("granted").as_bool());
  CHECK(ask("web1", R"({"release":true})").status == 200);
  CHECK(boost::json::parse(ask("db1", question).body).at("granted").as_bool());

  for (const char* wrong :
       {"", "[]", "{}", R"({"action":"a","entity":"","seconds":1})", R"({"action":"a","entity":"b","seconds":301})",
        R"({"action":"a","entity":"b","seconds":0})", R"({"action":"a","entity":"b","seconds":"1"})"})
    CHECK_MESSAGE(ask("web1", wrong).status == 400, wrong);
  CHECK(ask("web1", "{\"action\":\"" + std::string(4096, 'a') + "\"}").status == 400);
  const auto stranger = server.agent(Site::get().client("stranger"), post("/v1/leases", question, "application/json"));
  CHECK_FALSE(stranger);
}

TEST_CASE("JSON is taken and answered as JSON; records without uid are known by their content") {
  TempState state;
  Running server(state);
  for (int i = 0; i < 2; ++i) {
    const auto answer = server.agent(web1(), post("/v1/logs", json_logs("web1"), "Application/JSON; charset=utf-8"));
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->content_type == "application/json");
  }
  CHECK(server.get("/metrics").body.find("hostmedic_aggregator_log_records 1\n") != std::string::npos);
}

TEST_CASE("a bad incident record is rejected alone") {
  TempState state;
  Running server(state);
  Incident bad = incident_of("../../etc", 1, IncidentState::open);
  const auto answer =
      server.agent(web1(), post("/v1/logs", logs_body("web1", {bad, incident_of("aa01", 1, IncidentState::open)})));
  REQUIRE(answer);
  CHECK(answer->status == 200);
  const auto partial = decode_export_answer(answer->body);
  REQUIRE(partial);
  CHECK(partial->rejected == 1);
  CHECK(partial->message.find("not an identifier") != std::string::npos);
  CHECK(server.json("/api/incidents").at("incidents").as_array().size() == 1);
}

TEST_CASE("the page: assets, headers, names, read only") {
  TempState state;
  Running server(state);
  const HttpResponse index = server.get("/");
  CHECK(index.status == 200);
  CHECK(index.content_type == "text/html; charset=utf-8");
  CHECK(index.body.starts_with("<!doctype html>"));
  CHECK(index.header("content-security-policy").find("default-src 'self'") != std::string_view::npos);
  CHECK(index.header("content-security-policy").find("frame-ancestors 'none'") != std::string_view::npos);
  CHECK(index.header("x-content-type-options") == "nosniff");
  CHECK(server.get("/app.js").body.find("innerHTML") == std::string::npos);
  CHECK(server.get("/style.css").content_type == "text/css; charset=utf-8");
  CHECK(server.get("/healthz").body == "ok\n");
  CHECK(server.get("/nothing").status == 404);
  CHECK(server.get("/../etc/passwd").status == 404);
  CHECK(server.get("/", "", "POST").status == 405);
  CHECK(server.get("/", "", "DELETE").status == 405);
  CHECK(server.get("/", "evil.example").status == 403);
  CHECK(server.get("/api/incidents", "evil.example:8320").status == 403);
  CHECK(server.get("/", "localhost:8320").status == 200);
  CHECK(server.get("/", "[::1]:8320").status == 200);
  CHECK(server.get("/", "hostmedic.example").status == 200);
}

TEST_CASE("the JSON: filters, pages, bad parameters") {
  TempState state;
  Running server(state);
  std::vector<Incident> incidents;
  for (int i = 0; i < 5; ++i) {
    Incident incident = incident_of("id" + std::to_string(i), 1, i % 2 ? IncidentState::resolved : IncidentState::open);
    incident.opened_at += std::chrono::seconds(i);
    incidents.push_back(incident);
  }
  REQUIRE(server.agent(web1(), post("/v1/logs", logs_body("web1", incidents))));
  const auto page = server.json("/api/incidents?limit=2");
  REQUIRE(page.at("incidents").as_array().size() == 2);
  CHECK(page.at("incidents").as_array()[0].at("id").as_string() == "id4");
  const std::string before(page.at("next_before").as_string().c_str());
  const auto next = server.json("/api/incidents?limit=50&before=" + before);
  CHECK(next.at("incidents").as_array().size() == 3);
  CHECK(next.at("next_before").is_null());
  CHECK(server.json("/api/incidents?state=resolved").at("incidents").as_array().size() == 2);
  CHECK(server.json("/api/incidents?state=unresolved").at("incidents").as_array().size() == 3);
  CHECK(server.json("/api/incidents?host=db1").at("incidents").as_array().empty());
  CHECK(server.json("/api/incidents?host=web%31").at("incidents").as_array().size() == 5);
  for (const char* bad : {"state=x", "limit=0", "limit=1001", "limit=-1", "before=now", "what=1", "host=%zz"}) {
    const HttpResponse answer = server.get(std::string("/api/incidents?") + bad);
    CHECK(answer.status == 400);
    CHECK(answer.body.find("\"error\"") != std::string::npos);
  }
  CHECK(server.get("/api/incidents/none").status == 404);
  CHECK(server.get("/api/incidents/id1?host=db1").status == 404);
}

TEST_CASE("a suspicion is shown but counted as none that calls for a human, until it is confirmed") {
  TempState state;
  Running server(state);
  Incident suspicion = incident_of("aa01", 1, IncidentState::open);
  suspicion.suspicion = true;
  suspicion.flaps = 3;
  suspicion.candidates = {{suspicion.root, 0.9, "it failed first"}};
  suspicion.affected = {{{EntityKind::service, "app.service"}, "service:app.service > service:nginx.service", "slow"}};
  suspicion.changes = {{suspicion.root, suspicion.fault_at, "package nginx was upgraded", 0.8}};
  suspicion.context = {{"maintenance", ""}};
  REQUIRE(server.agent(web1(), post("/v1/logs", logs_body("web1", {suspicion}))));
  const auto metrics = [&] { return server.get("/metrics").body; };
  CHECK(metrics().find("\nhostmedic_aggregator_open_incidents 0\n") != std::string::npos);
  CHECK(metrics().find("\nhostmedic_aggregator_suspicions 1\n") != std::string::npos);
  CHECK(server.json("/api/hosts").at("hosts").at(0).at("open_incidents").as_int64() == 0);
  const auto row = server.json("/api/incidents").at("incidents").at(0);
  CHECK(row.at("suspicion").as_bool());
  CHECK(row.at("flaps").as_int64() == 3);
  const auto whole = server.json("/api/incidents/aa01").at("incident");
  CHECK(whole.at("candidates").at(0).at("why") == "it failed first");
  CHECK(whole.at("affected").at(0).at("path") == "service:app.service > service:nginx.service");
  CHECK(whole.at("changes").at(0).at("text") == "package nginx was upgraded");
  CHECK(whole.at("context").at(0).at("what") == "maintenance");
  suspicion.suspicion = false;
  suspicion.revision = 2;
  REQUIRE(server.agent(web1(), post("/v1/logs", logs_body("web1", {suspicion}))));
  CHECK(metrics().find("\nhostmedic_aggregator_open_incidents 1\n") != std::string::npos);
  CHECK(metrics().find("\nhostmedic_aggregator_suspicions 0\n") != std::string::npos);
}

TEST_CASE("a port in use and a missing certificate are errors at start") {
  TempState state;
  Running server(state);
  boost::asio::io_context io{1};
  AggregatorOptions options = options_for(state);
  TempState other;
  options.state_dir = other.path();
  options.listen_port = server.aggregator().otlp_port();
  CHECK_FALSE(Aggregator::start(io, options));
  options.listen_port = 0;
  options.certificate = "/nonexistent/server.crt";
  const auto started = Aggregator::start(io, options);
  REQUIRE_FALSE(started);
  CHECK(started.error().message().find("/nonexistent/server.crt") != std::string::npos);
}
