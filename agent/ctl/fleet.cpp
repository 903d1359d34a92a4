// SPDX-License-Identifier: Apache-2.0
#include "agent/ctl/fleet.h"

#include <boost/json/serialize.hpp>
#include <chrono>
#include <thread>

#include "agent/base/file.h"
#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/net/digest.h"
#include "agent/net/http_client.h"
#include "agent/net/signature.h"
#include "agent/record/record.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace json = boost::json;

namespace {

constexpr std::size_t kMostAnswer = 80 << 20;  // somewhat more than all plans that the aggregator keeps
constexpr Duration kPatience = std::chrono::seconds(20), kLookEvery = std::chrono::milliseconds(500);

Result<json::object> talk(const std::string& address, HttpRequest request) {
  const auto colon = address.rfind(':');
  const auto port = parse_u64(colon == std::string::npos ? "" : address.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535)
    return make_error(ErrorCode::malformed, "'" + printable(address, 100) + "' is not like 127.0.0.1:8320");
  HttpClientOptions options;
  options.host = address.substr(0, colon);
  if (options.host.starts_with('[') && options.host.ends_with(']'))
    options.host = options.host.substr(1, options.host.size() - 2);
  options.port = static_cast<std::uint16_t>(*port);
  options.response_limit = Bytes{kMostAnswer};
  const auto answer = send_and_wait(options, request);
  if (!answer) return answer.error();
  auto body = parse_json(answer->body, kMostAnswer);
  if (!body) return std::move(body).error();
  if (!body->is_object()) return make_error(ErrorCode::malformed, "the answer is not an object");
  if (answer->status == 200) return std::move(body->get_object());
  return make_error(answer->status == 404 ? ErrorCode::not_found : ErrorCode::conflict,
                    text_at(body->get_object(), "error") + strf(" (HTTP %u)", answer->status));
}

Failure failure_of_fleet(const Error& error, const std::string& address) {
  return {error.code == ErrorCode::not_found || error.code == ErrorCode::conflict ? Exit::negative : Exit::unavailable,
          "the aggregator at " + printable(address, 100) + ": " + error.message(),
          "its page listens on its own host alone; from elsewhere: ssh -L 8320:127.0.0.1:8320 AGGREGATOR"};
}

// What the host says of the plan now; nothing: it waits there no more.
Result<std::optional<std::string>> refusal_now(const std::string& address, const FleetPlan& plan) {
  HttpRequest request;
  request.target = "/api/proposals";
  const auto answer = talk(address, request);
  if (!answer) return answer.error();
  for (const json::value& one : array_at(*answer, "proposals"))
    if (const json::object* row = one.if_object();
        row != nullptr && text_at(*row, "host") == plan.host && text_at(*row, "incident_id") == plan.plan.incident_id)
      return std::optional(text_at(*row, "refused"));
  return std::optional<std::string>();
}

Status sign(SignedWord& ret_word, const FleetWish& wish, WallTime now) {
  const auto certificate = read_file(wish.certificate, kib(64));
  if (!certificate) return certificate.error();
  const auto who = describe_certificate(wish.certificate);
  if (!who) return who.error();
  const auto key = read_file(wish.key, kib(64));
  if (!key) return key.error();
  ret_word.signer = who->fingerprint;
  auto signature = sign_text(word_text(ret_word), *key);
  if (!signature) return std::move(signature).error().in(wish.key);
  ret_word.signature = *std::move(signature);
  // As the host will look at it: a key of another certificate, or one that is over, is better told here.
  const auto seen = who_signed({word_text(ret_word), ret_word.signer, ret_word.signature}, *certificate, now);
  if (!seen) return Error(seen.error()).in(wish.key + " with " + wish.certificate);
  return ok();
}

}  // namespace

Ask ask_fleet(const std::string& address) {
  return [address](const json::object&) -> Result<json::object> {
    HttpRequest request;
    request.target = "/api/proposals";
    auto answer = talk(address, request);
    if (!answer) return std::move(answer.error()).in("the aggregator at " + address);
    (*answer)["ok"] = true;
    return answer;
  };
}

Exit say_from_afar(Context& context, const FleetWish& wish, const FleetPlan& plan, SignedWord word) {
  auto digest = sha256_hex(to_json(plan.plan.order.plan));
  if (!digest) return fail(context, {Exit::unavailable, digest.error().message(), ""});
  word.host_id = plan.host_id;
  word.host_name = plan.host_name;
  word.incident_id = plan.plan.incident_id;
  word.key = plan.plan.order.key;
  word.plan = *std::move(digest);
  word.until = context.look.now + kWordLife;
  if (const Status made = sign(word, wish, context.look.now); !made)
    return fail(context,
                {Exit::usage, made.error().message(), "a key and its certificate: hostmedic-aggregator approver NAME"});
  HttpRequest request;
  request.method = "POST";
  request.target = "/api/words";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = json::serialize(json::object{{"host", plan.host}, {"word", to_json_object(word)}});
  if (const auto told = talk(wish.address, request); !told)
    return fail(context, failure_of_fleet(told.error(), wish.address));
  const auto until = std::chrono::steady_clock::now() + kPatience;
  std::string refused = plan.plan.refused;
  while (std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kLookEvery);
    const auto seen = refusal_now(wish.address, plan);
    if (!seen) return fail(context, failure_of_fleet(seen.error(), wish.address));
    if (!*seen) {
      say(context, (word.approves ? "Approved: " : "Rejected: ") + printable(plan.plan.order.plan.what, 1024) + "\n" +
                       plan.host_name + " has taken it. Watch it there: hostmedic explain " + word.incident_id);
      return Exit::fine;
    }
    refused = **seen;
    if (!refused.empty() && refused != plan.plan.refused) break;
  }
  if (refused.empty())
    return fail(context, {Exit::unavailable, plan.host_name + " has not fetched the word yet",
                          "it holds until " + format_utc(word.until) + "; look: hostmedic list proposals --fleet " +
                              wish.address});
  return fail(context, {Exit::denied, plan.host_name + " did not take the word: " + refused, ""});
}

}  // namespace hostmedic
