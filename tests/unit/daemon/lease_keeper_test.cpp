// SPDX-License-Identifier: Apache-2.0
// Against a real aggregator over TLS on loopback.
#include "agent/daemon/lease_keeper.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "tests/unit/aggregator/aggregator_support.h"

using namespace hostmedic;
using namespace std::chrono_literals;
using test::Site;

namespace {

struct Asker {
  boost::asio::io_context& io;
  std::vector<LeaseAnswer> answers;
  LeaseKeeper keeper{io.get_executor(), [this](const LeaseAnswer& answer) { answers.push_back(answer); }};
  MonoTime now = mono_now();

  Asker(boost::asio::io_context& io_in, const std::string& host, std::uint16_t port) : io(io_in) {
    UpstreamConfig upstream;
    upstream.url = "https://127.0.0.1:" + std::to_string(port);
    const TlsFiles files = Site::get().client(host);
    upstream.ca = files.authority;
    upstream.certificate = files.certificate;
    upstream.key = files.key;
    keeper.connect(upstream);
  }
  void wait(Duration longest, std::size_t answers_wanted) {
    const MonoTime end = mono_now() + longest;
    io.restart();
    while (answers.size() < answers_wanted && mono_now() < end) io.run_one_for(20ms);
  }
  // Until there is an answer to the question.
  LeaseAnswer ask() {
    Order order;
    order.plan.action = "service.restart";
    order.plan.target = {EntityKind::service, "nginx.service"};
    now += LeaseKeeper::kPause;
    const std::size_t before = answers.size();
    keeper.ask(order, now);
    keeper.ask(order, now);  // one at a time
    wait(30s, before + 1);
    REQUIRE(answers.size() == before + 1);
    return answers.back();
  }
};

struct Fleet {
  boost::asio::io_context io{1};
  test::TempState state;
  std::unique_ptr<Aggregator> aggregator;
  Fleet() {
    auto started = Aggregator::start(io, test::options_for(state));
    REQUIRE(started);
    aggregator = std::move(*started);
  }
  ~Fleet() {
    aggregator->stop();
    io.restart();
    io.run_for(10s);
  }
};

}  // namespace

TEST_CASE("leave is asked for, held while something is done, given back, and then another's") {
  Fleet fleet;
  Asker web(fleet.io, "web1", fleet.aggregator->otlp_port()), database(fleet.io, "db1", fleet.aggregator->otlp_port());
  const LeaseAnswer granted = web.ask();
  CHECK_MESSAGE(granted.granted, granted.text);
  CHECK(granted.lasts == LeaseKeeper::kLasts);
  const LeaseAnswer refused = database.ask();
  CHECK_FALSE(refused.granted);
  CHECK(refused.text.find("web1") != std::string::npos);

  // It is renewed before it ends, and only then.
  web.keeper.every_second(mono_now() + 30s, true);
  web.wait(100ms, 2);
  CHECK(web.answers.size() == 1);
  web.keeper.every_second(mono_now() + LeaseKeeper::kLasts - 30s, true);
  web.wait(30s, 2);
  REQUIRE(web.answers.size() == 2);
  CHECK(web.answers.back().granted);

  web.keeper.every_second(mono_now(), false);
  CHECK(web.answers.size() == 2);
  web.keeper.every_second(mono_now() + LeaseKeeper::kIdle, false);
  REQUIRE(web.answers.size() == 3);
  CHECK(web.answers.back().lasts == Duration{});
  const MonoTime end = mono_now() + 30s;
  while (!database.ask().granted && mono_now() < end) {
  }
  CHECK(database.answers.back().granted);
}

TEST_CASE("who cannot be asked has not granted it, and why is said") {
  boost::asio::io_context io{1};
  Asker nobody(io, "web1", 1);
  CHECK_FALSE(nobody.ask().granted);
  CHECK(nobody.answers.back().text.find("refused") != std::string::npos);
  nobody.keeper.connect({});
  CHECK_FALSE(nobody.ask().granted);
  CHECK(nobody.answers.back().text == "no aggregator is configured");
  UpstreamConfig wrong;
  wrong.url = "http://plain";
  nobody.keeper.connect(wrong);
  CHECK_FALSE(nobody.ask().granted);
  CHECK(nobody.answers.back().text.find("not like https") != std::string::npos);
}
