// SPDX-License-Identifier: Apache-2.0
// Against a real aggregator over TLS on loopback.
#include "agent/daemon/proposal_keeper.h"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "agent/base/host_identity.h"
#include "tests/unit/aggregator/aggregator_support.h"

using namespace hostmedic;
using namespace std::chrono_literals;
using test::Site;

namespace {

Proposal proposal(const std::string& incident, char key) {
  Proposal proposal;
  proposal.incident_id = incident;
  proposal.order.key = std::string(24, key);
  proposal.order.plan.action = "service.restart";
  proposal.order.plan.target = {EntityKind::service, "nginx.service"};
  return proposal;
}

struct Host {
  boost::asio::io_context io{1};
  test::TempState state;
  std::unique_ptr<Aggregator> aggregator;
  std::vector<SignedWord> heard;
  ProposalKeeper keeper{io.get_executor(), [this](const SignedWord& word) { heard.push_back(word); }};
  MonoTime now = mono_now();

  Host() {
    auto started = Aggregator::start(io, test::options_for(state));
    REQUIRE(started);
    aggregator = std::move(*started);
    UpstreamConfig upstream;
    upstream.url = "https://127.0.0.1:" + std::to_string(aggregator->otlp_port());
    const TlsFiles files = Site::get().client("web1");
    upstream.ca = files.authority;
    upstream.certificate = files.certificate;
    upstream.key = files.key;
    keeper.connect(upstream);
  }
  ~Host() {
    aggregator->stop();
    io.restart();
    io.run_for(10s);
  }
  HttpResponse page(HttpRequest request) {
    auto answer = test::send(io, aggregator->page_port(), std::nullopt, std::move(request));
    REQUIRE(answer);
    return *answer;
  }
  std::size_t shown() {
    HttpRequest request;
    request.target = "/api/proposals";
    return boost::json::parse(page(request).body).at("proposals").as_array().size();
  }
  // The next time that it may ask; waits for what comes of it.
  void tell(const std::vector<Proposal>& waiting, const std::function<bool()>& until) {
    now += ProposalKeeper::kPause;
    keeper.every_second(now, waiting);
    keeper.every_second(now, waiting);  // one request at a time
    const MonoTime end = mono_now() + 30s;
    io.restart();
    while (!until() && mono_now() < end) io.run_one_for(20ms);
    CHECK(until());
  }
};

}  // namespace

TEST_CASE("plans are shown while they wait, and what is said of them comes back once") {
  Host host;
  const std::vector<Proposal> waiting{proposal("0011", 'a')};
  host.tell(waiting, [&] { return host.shown() == 1; });

  SignedWord word;
  word.host_id = host_identity().id;
  word.host_name = host_identity().name;
  word.incident_id = "0011";
  word.key = std::string(24, 'a');
  word.signature = "3045";
  CHECK(host.page(test::post(
                      "/api/words",
                      boost::json::serialize(boost::json::object{{"host", "web1"}, {"word", to_json_object(word)}}),
                      "application/json"))
            .status == 200);
  host.tell(waiting, [&] { return host.heard.size() == 1; });
  CHECK(host.heard.front().signature == "3045");

  SUBCASE("a word that was looked at is not looked at again; why it was not taken is shown") {
    host.keeper.refused(word, make_error(ErrorCode::denied, "not of ada"));
    const auto told = [&] {
      HttpRequest request;
      request.target = "/api/proposals";
      return host.page(request).body.find("not of ada") != std::string::npos;
    };
    host.tell(waiting, told);
    CHECK(host.heard.size() == 1);
  }
  SUBCASE("one that nobody could look at is given again") {
    host.keeper.refused(word, make_error(ErrorCode::timeout, "the actuator does not answer"));
    host.tell(waiting, [&] { return host.heard.size() == 2; });
  }
  host.tell({}, [&] { return host.shown() == 0; });
}

TEST_CASE("without an aggregator nobody is asked") {
  boost::asio::io_context io{1};
  ProposalKeeper keeper(io.get_executor(), [](const SignedWord&) { CHECK(false); });
  keeper.connect({});
  keeper.every_second(mono_now(), {proposal("0011", 'a')});
  CHECK(io.run_for(100ms) == 0);
}

TEST_CASE("as many plans are told as fit") {
  const auto none = [](const Proposal&) { return std::string(); };
  std::vector<Proposal> many(100, proposal("0011", 'a'));
  CHECK(boost::json::parse(proposals_body(many, none)).at("proposals").as_array().size() == ProposalKeeper::kMostShown);
  for (Proposal& one : many) {
    one.order.plan.what = one.order.plan.command = one.order.plan.undo = std::string(4000, 'x');
    one.others.assign(8, one.order);
  }
  const std::string body = proposals_body(many, none);
  CHECK(body.size() < ProposalKeeper::kMostBody + 1000);
  const std::size_t told = boost::json::parse(body).at("proposals").as_array().size();
  CHECK_MESSAGE((told > 1 && told < ProposalKeeper::kMostShown), told);
}

TEST_CASE("an answer that is none gives no words") {
  CHECK(words_of(R"({"words":[]})"));
  for (const char* text : {"", "[]", "{}", R"({"words":1})", R"({"words":[{}]})"}) CHECK_FALSE(words_of(text));
  std::string many = R"({"words":[)";
  for (std::size_t i = 0; i <= ProposalKeeper::kMostWords; ++i) many += "0,";
  CHECK(words_of(many + "0]}").error().code == ErrorCode::limit);
}
