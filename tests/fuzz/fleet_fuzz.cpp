// SPDX-License-Identifier: Apache-2.0
// What comes to the aggregator, behind TLS and HTTP: OTLP from agents, requests to its page. Input: byte 0 selects: the
// body of logs or metrics, as protobuf or as JSON, a request to the page (target, then Host header, each ended by a
// line end), a request for leave to act, or the answer that an agent gets to one, the plans that wait on a host, a word
// on one of them, or the words that the host gets. What must hold: every request has an answer of a status that is in
// the protocol, JSON where JSON is promised, and no answer says what was not meant for a page.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/aggregator/page.h"
#include "agent/aggregator/receiver.h"
#include "agent/base/host_identity.h"
#include "agent/daemon/lease_keeper.h"
#include "agent/daemon/proposal_keeper.h"
#include "agent/net/otlp.h"
#include "agent/record/record_json.h"
#include "support.h"

using namespace hostmedic;
using fuzz::check;

namespace {

struct World {
  boost::asio::io_context io{1};
  FleetStore store = std::move(*FleetStore::open(":memory:"));
  StoreThread thread;
  WaitingPlans waiting;
  Receiver receiver{store, thread, {}, waiting};
  AggregatorOptions options;
  Page page{options, store, thread, receiver, waiting};
  std::uint64_t runs = 0;

  template <class Handler>
  HttpResponse ask(Handler& handler, const HttpRequest& request) {
    std::optional<HttpResponse> answer;
    auto work = [&]() -> boost::asio::awaitable<void> { answer = co_await handler.handle(request); };
    boost::asio::co_spawn(io, work(), [](std::exception_ptr thrown) { check(thrown == nullptr); });
    io.restart();
    io.run();
    check(answer.has_value());
    return std::move(*answer);
  }
};

HttpRequest post(const char* target, bool json, std::string_view body) {
  HttpRequest request;
  request.method = "POST";
  request.target = target;
  request.headers = {{"Content-Type", json ? "application/json" : "application/x-protobuf"}};
  request.body = body;
  auto certificate = std::make_shared<CertificateInfo>();
  certificate->common_name = "web1";
  certificate->fingerprint = std::string(64, 'a');
  request.peer_certificate = std::move(certificate);
  return request;
}

void check_answer(const HttpResponse& answer) {
  constexpr unsigned kKnown[] = {200, 400, 403, 404, 405, 415, 503};
  check(std::find(std::begin(kKnown), std::end(kKnown), answer.status) != std::end(kKnown));
  // Nothing of what was sent may become a header.
  for (const HttpHeader& header : answer.headers) check(header.value.find_first_of("\r\n") == std::string::npos);
  if (answer.content_type.starts_with("application/json"))
    check(parse_json(answer.body, answer.body.size()).has_value());
}

std::string plans() {
  Proposal proposal;
  proposal.incident_id = "0123456789abcdef";
  proposal.order.key = "0123456789abcdef01234567";
  proposal.order.plan.action = "service.restart";
  proposal.order.plan.target = {EntityKind::service, "nginx.service"};
  return proposals_body({proposal}, [](const Proposal&) { return std::string("not of ada"); });
}

SignedWord word() {
  SignedWord word;
  word.host_id = host_identity().id;
  word.host_name = host_identity().name;
  word.incident_id = "0123456789abcdef";
  word.key = "0123456789abcdef01234567";
  word.signer = std::string(64, 'a');
  word.signature = "3045";
  return word;
}

std::string logs() {
  Incident incident;
  incident.id = "0123456789abcdef";
  incident.revision = 1;
  incident.root = {EntityKind::service, "nginx.service"};
  incident.kind = "service.failed";
  OtlpLogRecord record;
  record.time_unix_nano = 1'764'000'000'000'000'000;
  record.event_name = "hostmedic.incident.updated";
  record.attributes = {{"log.record.uid", std::string("u")}, {"hostmedic.incident.record", to_json(incident)}};
  OtlpResourceLogs resource;
  resource.attributes = {{"host.name", std::string("web1")}, {"host.id", std::string("m")}};
  resource.scopes.push_back({"hostmedic", "0.1.0", {record}});
  return encode_request(OtlpLogsRequest{{resource}, 0});
}

}  // namespace

std::vector<std::string> hm_fuzz_seeds() {
  const OtlpMetric gauge{"system.uptime", "", "s", OtlpMetricKind::gauge, false, true, {{{}, 0, 2, 0.5}}};
  const OtlpResourceMetrics metrics{{{"host.name", std::string("web1")}}, "", {{"hostmedic", "1", {gauge}}}};
  std::vector<std::string> seeds = {
      std::string(1, 0) + logs(), std::string(1, 1) + encode_request(OtlpMetricsRequest{{metrics}, 0}),
      std::string(1, 2) + R"({"resourceLogs":[{"resource":{"attributes":[{"key":"host.name","value":{"stringValue":)"
                          R"("web1"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1"}]}]}]})",
      std::string(1, 3) + R"({"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":)"
                          R"([{"asDouble":1}]}}]}]}]})"};
  seeds.push_back(std::string(1, 5) + R"({"action":"service.restart","entity":"service:nginx.service","seconds":180})");
  seeds.push_back(std::string(1, 5) + R"({"release":true})");
  seeds.push_back(std::string(1, 6) + R"({"granted":true,"seconds":180,"text":"0 of 1 hosts at work"})");
  seeds.push_back(std::string(1, 7) + plans());
  const boost::json::object said = to_json_object(word());
  seeds.push_back(std::string(1, 8) + boost::json::serialize(boost::json::object{{"host", "web1"}, {"word", said}}));
  seeds.push_back(std::string(1, 9) + boost::json::serialize(boost::json::object{{"words", {said}}}));
  for (const char* target :
       {"/", "/api/proposals", "/api/hosts",
        "/api/incidents?host=web1&state=unresolved&limit=10&before=1764000000000000000",
        "/api/incidents/0123456789abcdef?host=web%311", "/metrics", "/healthz", "/app.js", "/../etc/passwd"})
    seeds.push_back(std::string(1, 4) + target + "\nlocalhost:8320\n");
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::optional<World> world;
  if (!world || world->runs++ % 20000 == 19999) world.emplace();  // the store grows with what is good
  fuzz::Input input(data, size);
  const std::uint8_t selected = input.byte() % 10;
  if (selected < 4) {
    const char* target = selected % 2 == 0 ? "/v1/logs" : "/v1/metrics";
    check_answer(world->ask(world->receiver, post(target, selected >= 2, input.rest())));
    return 0;
  }
  if (selected == 5) {
    check_answer(world->ask(world->receiver, post("/v1/leases", true, input.rest())));
    return 0;
  }
  if (selected == 6) {
    HttpResponse response;
    response.body = input.rest();
    const LeaseAnswer answer = lease_answer(response);
    check(answer.lasts >= Duration{} && answer.lasts <= LeaseKeeper::kLasts &&
          answer.granted == (answer.lasts > Duration{}));
    return 0;
  }
  if (selected == 7) {
    check_answer(world->ask(world->receiver, post("/v1/proposals", true, input.rest())));
    return 0;
  }
  if (selected == 8) {
    HttpRequest said = post("/api/words", true, input.rest());
    said.headers.push_back({"Host", "localhost:8320"});
    check_answer(world->ask(world->page, said));
    return 0;
  }
  if (selected == 9) {
    const auto words = words_of(input.rest());
    if (!words) return 0;
    check(words->size() <= ProposalKeeper::kMostWords);
    for (const SignedWord& one : *words) {
      const auto again = word_from_value(to_json_object(one));
      check(again.has_value() && word_text(*again) == word_text(one));
    }
    return 0;
  }
  HttpRequest request;
  request.target = input.until('\n');
  request.headers = {{"Host", std::string(input.until('\n'))}};
  check_answer(world->ask(world->page, request));
  return 0;
}
