// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/receiver.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "agent/aggregator/translate.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/net/otlp_json.h"
#include "agent/record/record.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace {
using boost::asio::awaitable;

constexpr std::string_view kProtobuf = "application/x-protobuf", kJson = "application/json";
constexpr std::uint64_t kLinesPerMinute = 30;
constexpr int kRpcInvalidArgument = 3, kRpcPermissionDenied = 7, kRpcUnavailable = 14;  // google.rpc.Code

// An incident's record is the largest text there is.
OtlpLimits limits() {
  OtlpLimits limits;
  limits.text_bytes = kMostRecordBytes;
  return limits;
}

struct LeaseRequest {
  bool release = false;
  FleetLease lease;  // without times
  std::chrono::seconds lasts{};
};

Result<LeaseRequest> lease_request(const HttpRequest& request) {
  constexpr std::size_t kMostBody = 2048, kMostText = 256;
  const auto parsed = parse_json(request.body, kMostBody);
  if (!parsed) return parsed.error();
  const boost::json::object* const said = parsed->if_object();
  if (said == nullptr) return make_error(ErrorCode::malformed, "not an object");
  LeaseRequest asked;
  asked.lease.host = request.peer_certificate->common_name;
  if (const auto* release = said->if_contains("release"); release != nullptr && release->is_bool()) {
    asked.release = release->get_bool();
    return asked;
  }
  for (const auto& [name, text] :
       {std::pair("action", &asked.lease.action), std::pair("entity", &asked.lease.entity)}) {
    const auto* value = said->if_contains(name);
    if (value == nullptr || !value->is_string() || value->get_string().empty())
      return make_error(ErrorCode::malformed, std::string(name) + ": expected a text");
    *text = printable(value->get_string(), kMostText);
  }
  const auto* seconds = said->if_contains("seconds");
  const auto most = std::chrono::duration_cast<std::chrono::seconds>(FleetStore::kLongestLease).count();
  if (seconds == nullptr || !seconds->is_int64() || seconds->get_int64() < 1 || seconds->get_int64() > most)
    return make_error(ErrorCode::malformed, strf("seconds: expected 1 to %lld", static_cast<long long>(most)));
  asked.lasts = std::chrono::seconds(seconds->get_int64());
  return asked;
}

// Without parameters and in lower case.
std::string media_type(const HttpRequest& request) {
  std::string type(trim(request.header("content-type").substr(0, 200)));
  type = std::string(trim(type.substr(0, type.find(';'))));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return type;
}

HttpResponse answered(const OtlpAnswer& answer, bool json, std::string_view rejected_key) {
  HttpResponse response;
  response.content_type = json ? kJson : kProtobuf;
  response.body = json ? encode_answer_json(answer, rejected_key) : encode_export_answer(answer);
  return response;
}

HttpResponse status_response(unsigned status, int rpc_code, const std::string& why, bool json) {
  HttpResponse response;
  response.status = status;
  response.content_type = json ? kJson : kProtobuf;
  const OtlpStatus body{rpc_code, why};
  response.body = json ? encode_status_json(body) : encode_rpc_status(body);
  return response;
}

std::string sender_text(const HttpRequest& request) {
  std::string text = request.peer_address;
  if (request.peer_certificate) text += " (" + request.peer_certificate->common_name + ")";
  return text;
}
}  // namespace

void Receiver::note(std::string line) {
  const MonoTime now = mono_now();
  if (now - minute_ >= std::chrono::minutes(1)) {
    if (lines_ > kLinesPerMinute)
      log_warning(
          strf("%llu further refusals were not logged", static_cast<unsigned long long>(lines_ - kLinesPerMinute)));
    minute_ = now;
    lines_ = 0;
  }
  if (++lines_ <= kLinesPerMinute) log_warning(line);
}

HttpResponse Receiver::refuse(const HttpRequest& request, unsigned status, std::string_view why, bool json) {
  ++stats_.refused;
  const std::string text = printable(why, 400);
  note(strf("refused %u: ", status) + sender_text(request) + ": " + printable(request.target, 100) + ": " + text);
  return status_response(status, status == 403 ? kRpcPermissionDenied : kRpcInvalidArgument, text, json);
}

// The sender keeps what it sent and comes again.
HttpResponse Receiver::unavailable(const Error& error, bool json) {
  ++stats_.failed;
  store_error_ = error.message();
  note("cannot store: " + store_error_);
  HttpResponse response = status_response(503, kRpcUnavailable, "cannot store at the moment", json);
  response.headers.push_back({"Retry-After", "10"});
  return response;
}

awaitable<HttpResponse> Receiver::handle(const HttpRequest& request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  const bool for_logs = path == "/v1/logs";
  const bool for_lease = path == "/v1/leases", for_plans = path == "/v1/proposals";
  if (!for_logs && !for_lease && !for_plans && path != "/v1/metrics") co_return refuse(request, 404, "no such path");
  if (request.method != "POST") {
    HttpResponse response = refuse(request, 405, "only POST");
    response.headers.push_back({"Allow", "POST"});
    co_return response;
  }
  const std::string type = media_type(request);
  if (type != kProtobuf && type != kJson)
    co_return refuse(request, 415, "content type is not protobuf or JSON: '" + type + "'");
  const bool json = type == kJson;
  if (request.peer_certificate == nullptr) co_return refuse(request, 403, "no client certificate", json);
  if (for_lease) co_return co_await lease(request);
  if (for_plans) co_return proposals(request);
  if (for_logs) co_return co_await logs(request, json);
  co_return co_await metrics(request, json);
}

awaitable<HttpResponse> Receiver::logs(const HttpRequest& request, bool json) {
  Result<OtlpLogsRequest> decoded =
      json ? decode_logs_json(request.body, limits()) : decode_logs(request.body, limits());
  if (!decoded) co_return refuse(request, 400, decoded.error().message(), json);
  Result<Translated<FleetLog>> rows = translate(*decoded, *request.peer_certificate);
  if (!rows) co_return refuse(request, 403, rows.error().message(), json);
  const OtlpAnswer answer = rows->answer;
  if (answer.rejected > 0)
    note(strf("%lld records rejected: ", static_cast<long long>(answer.rejected)) + sender_text(request) + ": " +
         answer.message);
  auto job = [this, rows = std::move(*rows), now = wall_now()] { return store_.add_logs(rows.sender, rows.rows, now); };
  const Result<FleetReceipt> receipt = co_await thread_.run(std::move(job));
  if (!receipt) co_return unavailable(receipt.error(), json);
  store_error_.clear();
  ++stats_.log_requests;
  stats_.stored += receipt->stored;
  stats_.duplicates += receipt->duplicates;
  stats_.rejected += static_cast<std::uint64_t>(answer.rejected);
  co_return answered(answer, json, "rejectedLogRecords");
}

awaitable<HttpResponse> Receiver::lease(const HttpRequest& request) {
  Result<LeaseRequest> asked = lease_request(request);
  if (!asked) co_return refuse(request, 400, asked.error().message(), true);
  auto job = [this, asked = *asked, now = wall_now()]() -> Result<LeaseDecision> {
    if (asked.release) {
      Status ended = store_.end_lease(asked.lease.host);
      if (!ended) return std::move(ended.error());
      return LeaseDecision{false, "given back"};
    }
    FleetLease lease = asked.lease;
    lease.granted_at = now;
    lease.until = now + asked.lasts;
    return store_.ask_lease(lease, lease_limits_);
  };
  const Result<LeaseDecision> decision = co_await thread_.run(std::move(job));
  if (!decision) co_return unavailable(decision.error(), true);
  store_error_.clear();
  if (!asked->release) {
    ++(decision->granted ? stats_.leases_granted : stats_.leases_refused);
    log_notice((decision->granted ? "lease granted to " : "lease refused to ") + sender_text(request) + ": " +
               asked->lease.action + " on " + asked->lease.entity + ": " + decision->text);
  }
  boost::json::object answer{{"granted", decision->granted}, {"text", decision->text}};
  if (decision->granted) answer["seconds"] = asked->lasts.count();
  HttpResponse response;
  response.content_type = kJson;
  response.body = boost::json::serialize(answer);
  co_return response;
}

HttpResponse Receiver::proposals(const HttpRequest& request) {
  const auto words = waiting_.told(request.peer_certificate->common_name, request.body, mono_now());
  if (!words) return refuse(request, 400, words.error().message(), true);
  boost::json::array list;
  for (const SignedWord& word : *words) list.push_back(to_json_object(word));
  HttpResponse response;
  response.content_type = kJson;
  response.body = boost::json::serialize(boost::json::object{{"words", std::move(list)}});
  return response;
}

awaitable<HttpResponse> Receiver::metrics(const HttpRequest& request, bool json) {
  Result<OtlpMetricsRequest> decoded =
      json ? decode_metrics_json(request.body, limits()) : decode_metrics(request.body, limits());
  if (!decoded) co_return refuse(request, 400, decoded.error().message(), json);
  Result<Translated<FleetMetric>> rows = translate(*decoded, *request.peer_certificate);
  if (!rows) co_return refuse(request, 403, rows.error().message(), json);
  const OtlpAnswer answer = rows->answer;
  auto job = [this, rows = std::move(*rows), now = wall_now()] {
    return store_.add_metrics(rows.sender, rows.rows, now);
  };
  const Status stored = co_await thread_.run(std::move(job));
  if (!stored) co_return unavailable(stored.error(), json);
  store_error_.clear();
  ++stats_.metric_requests;
  co_return answered(answer, json, "rejectedDataPoints");
}

}  // namespace hostmedic
