// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/lease_keeper.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/daemon/upstream.h"
#include "agent/record/record_json.h"

namespace hostmedic {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kMostText = 300;

LeaseAnswer refusal(const std::string& why) { return {false, {}, printable(why, kMostText)}; }

}  // namespace

LeaseAnswer lease_answer(const HttpResponse& response) {
  if (response.status != 200) return refusal(strf("HTTP status %u: ", response.status) + response.body);
  const auto parsed = parse_json(response.body);
  const json::object* const said = parsed ? parsed->if_object() : nullptr;
  const json::value* const granted = said != nullptr ? said->if_contains("granted") : nullptr;
  if (granted == nullptr || !granted->is_bool()) return refusal("the answer is not one to a request for leave");
  LeaseAnswer answer;
  if (const json::value* text = said->if_contains("text"); text != nullptr && text->is_string())
    answer.text = printable(text->get_string(), kMostText);
  const json::value* const seconds = said->if_contains("seconds");
  if (!granted->get_bool() || seconds == nullptr || !seconds->is_int64() || seconds->get_int64() <= 0) return answer;
  answer.granted = true;
  answer.lasts = LeaseKeeper::kLasts;
  if (seconds->get_int64() < std::chrono::duration_cast<std::chrono::seconds>(answer.lasts).count())
    answer.lasts = std::chrono::seconds(seconds->get_int64());
  return answer;
}

struct LeaseKeeper::Core {
  asio::any_io_executor executor;
  Answered answered;
  std::optional<Upstream> upstream;
  std::string why_not = "no aggregator is configured";
  bool busy = false;
  MonoTime not_before;
  json::object asked;             // what the leave is for, and is renewed for
  std::optional<MonoTime> until;  // while one is held
  std::optional<MonoTime> idle_since;

  void begin(const std::shared_ptr<Core>& self, json::object body, MonoTime now);
  asio::awaitable<LeaseAnswer> post(json::object body);
  void take(const LeaseAnswer& answer);
};

void LeaseKeeper::Core::begin(const std::shared_ptr<Core>& self, json::object body, MonoTime now) {
  busy = true;
  not_before = now + kPause;
  const auto exchange = [](std::shared_ptr<Core> core, json::object sent) -> asio::awaitable<void> {
    const LeaseAnswer answer = co_await core->post(std::move(sent));
    core->busy = false;
    core->take(answer);
  };
  asio::co_spawn(executor, exchange(self, std::move(body)), asio::detached);
}

asio::awaitable<LeaseAnswer> LeaseKeeper::Core::post(json::object body) {
  if (!upstream) co_return refusal(why_not);
  const auto response = co_await post_json(executor, *upstream, "/v1/leases", json::serialize(body));
  if (!response) co_return refusal(response.error().message());
  co_return lease_answer(*response);
}

void LeaseKeeper::Core::take(const LeaseAnswer& answer) {
  until.reset();
  idle_since.reset();
  if (answer.granted) until = mono_now() + answer.lasts;
  if (answered) answered(answer);
}

LeaseKeeper::LeaseKeeper(asio::any_io_executor executor, Answered answered) : core_(std::make_shared<Core>()) {
  core_->executor = std::move(executor);
  core_->answered = std::move(answered);
}

LeaseKeeper::~LeaseKeeper() { core_->answered = nullptr; }

void LeaseKeeper::connect(const UpstreamConfig& config) {
  core_->upstream.reset();
  core_->why_not = "no aggregator is configured";
  if (config.url.empty()) return;
  auto upstream = reach_for_questions(config, kib(16));
  if (!upstream) {
    core_->why_not = upstream.error().message();
    return;
  }
  core_->upstream = std::move(*upstream);
}

void LeaseKeeper::ask(const Order& order, MonoTime now) {
  if (core_->busy || now < core_->not_before) return;
  core_->asked = {{"action", order.plan.action},
                  {"entity", to_string(order.plan.target)},
                  {"seconds", std::chrono::duration_cast<std::chrono::seconds>(kLasts).count()}};
  core_->begin(core_, core_->asked, now);
}

void LeaseKeeper::every_second(MonoTime now, bool at_work) {
  Core& core = *core_;
  if (core.busy || !core.until) return;
  if (at_work) {
    core.idle_since.reset();
    if (*core.until - now < kRenew && now >= core.not_before) core.begin(core_, core.asked, now);
    return;
  }
  if (!core.idle_since) core.idle_since = now;
  if (now - *core.idle_since < kIdle) return;
  core.until.reset();
  if (core.answered) core.answered({true, Duration{}, "given back"});
  // Its answer tells nothing new: what is not given back ends by itself.
  const auto release = [](std::shared_ptr<Core> self) -> asio::awaitable<void> {
    json::object body;
    body["release"] = true;
    (void)co_await self->post(std::move(body));
    self->busy = false;
  };
  core.busy = true;
  asio::co_spawn(core.executor, release(core_), asio::detached);
}

}  // namespace hostmedic
