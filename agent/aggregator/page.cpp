// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/page.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <functional>

#include "agent/aggregator/api.h"
#include "agent/aggregator/exposition.h"
#include "agent/base/clock.h"
#include "agent/base/log.h"
#include "agent/base/text.h"
#include "agent/console/assets.h"
#include "agent/record/json_fields.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace {
using boost::asio::awaitable;

constexpr std::string_view kWords = "/api/words";
constexpr std::string_view kIncident = "/api/incidents/";
constexpr std::string_view kLoopbackNames[] = {"localhost", "127.0.0.1", "[::1]"};

HttpResponse plain(unsigned status, std::string body, std::string_view type) {
  HttpResponse response;
  response.status = status;
  response.content_type = type;
  response.body = std::move(body);
  return response;
}

HttpResponse error_response(unsigned status, const std::string& what) {
  return plain(status, boost::json::serialize(boost::json::object{{"error", printable(what, 400)}}),
               "application/json");
}

unsigned status_of(ErrorCode code) {
  if (code == ErrorCode::not_found) return 404;
  if (code == ErrorCode::malformed || code == ErrorCode::limit) return 400;
  return 503;
}

HttpResponse json_response(const Result<std::string>& body) {
  if (!body) return error_response(status_of(body.error().code), body.error().message());
  return plain(200, *body, "application/json");
}

void add_security_headers(HttpResponse& response) {
  response.headers.push_back(
      {"Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"});
  response.headers.push_back({"X-Content-Type-Options", "nosniff"});
  response.headers.push_back({"X-Frame-Options", "DENY"});
  response.headers.push_back({"Referrer-Policy", "no-referrer"});
  response.headers.push_back({"Cross-Origin-Resource-Policy", "same-origin"});
  response.headers.push_back({"Cache-Control", "no-store"});
}
}  // namespace

// A page of a stranger must not read this one by pointing its own name at the loopback address.
bool Page::host_allowed(std::string_view header) const {
  std::string_view name = header;
  const auto colon = name.rfind(':');
  if (colon != std::string_view::npos && !name.ends_with(']')) name = name.substr(0, colon);
  for (const std::string_view known : kLoopbackNames)
    if (name == known) return true;
  for (const std::string& known : options_.page_hosts)
    if (name == known) return true;
  return false;
}

awaitable<HttpResponse> Page::handle(const HttpRequest& request) {
  HttpResponse response;
  if (!host_allowed(request.header("host"))) {
    response = error_response(403, "this name is not served here; add it to page_hosts");
  } else if (request.method == "POST" && request.target == kWords) {
    response = hear(request);
  } else if (request.method != "GET") {
    response = error_response(405, "read only");
    response.headers.push_back({"Allow", "GET"});
  } else {
    response = co_await route(request);
  }
  add_security_headers(response);
  co_return response;
}

// Whose word it is only the host can tell, which knows the certificates; here it is kept until the host asks.
HttpResponse Page::hear(const HttpRequest& request) {
  if (request.header("content-type") != "application/json") return error_response(415, "not application/json");
  const auto body = parse_json(request.body, 4096);
  if (!body) return error_response(400, body.error().message());
  std::string host;
  SignedWord word;
  JsonFields fields(*body, "");
  fields.text("host", host, 64);
  fields.nested("word", word, word_from_value);
  const auto read = fields.finish(std::move(word));
  if (!read) return error_response(400, read.error().message());
  const Status said = waiting_.say(host, *read, mono_now());
  if (!said) return error_response(status_of(said.error().code), said.error().message());
  log_notice("a plan of " + host + " is " + (read->approves ? "approved" : "rejected") +
             " from afar; the host will look whose word it is");
  return plain(200, "{}", "application/json");
}

awaitable<HttpResponse> Page::route(const HttpRequest& request) {
  const Result<Target> target = parse_target(request.target);
  if (!target) co_return error_response(400, target.error().message());
  const std::string& path = target->path;
  for (const ConsoleAsset& asset : console_assets())
    if (asset.path == path) co_return plain(200, std::string(asset.body), asset.content_type);
  const WallTime now = wall_now();
  if (path == "/api/hosts") {
    auto job = [this, now] { return hosts_json(store_, now, options_.silent_after); };
    const Result<std::string> body = co_await thread_.run(std::move(job));
    co_return json_response(body);
  }
  if (path == "/api/incidents") {
    auto job = [this, now, target = *target] { return incidents_json(store_, target, now); };
    const Result<std::string> body = co_await thread_.run(std::move(job));
    co_return json_response(body);
  }
  if (path.starts_with(kIncident)) {
    auto job = [this, now, target = *target] {
      return incident_json(store_, target.path.substr(kIncident.size()), target, now);
    };
    const Result<std::string> body = co_await thread_.run(std::move(job));
    co_return json_response(body);
  }
  if (path == "/api/proposals") co_return plain(200, waiting_.list_json(mono_now(), now), "application/json");
  if (path == "/healthz") {
    if (receiver_.store_error().empty()) co_return plain(200, "ok\n", "text/plain; charset=utf-8");
    co_return plain(503, "cannot store: " + receiver_.store_error() + "\n", "text/plain; charset=utf-8");
  }
  if (path == "/metrics") {
    auto job = [this] { return store_.counts(); };
    const Result<FleetCounts> counts = co_await thread_.run(std::move(job));
    if (!counts) co_return error_response(503, counts.error().message());
    co_return plain(200, exposition(*counts, receiver_.stats()), "text/plain; version=0.0.4; charset=utf-8");
  }
  co_return error_response(404, "no such page");
}

}  // namespace hostmedic
