// SPDX-License-Identifier: Apache-2.0
// http, https, tcp and tls: all are the beginning of a conversation over HTTP.
#include <boost/asio/this_coro.hpp>

#include "agent/base/clock.h"
#include "agent/check/ask.h"
#include "agent/net/http_client.h"

namespace hostmedic {
namespace {

constexpr std::string_view kSystemAuthorities[] = {
    "/etc/ssl/certs/ca-certificates.crt",  // Debian
    "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora and its kin
};
constexpr Duration kReread = std::chrono::hours(1);

bool encrypted(const Target& target) {
  return target.scheme == Target::Scheme::https || target.scheme == Target::Scheme::tls;
}
bool is_http(const Target& target) {
  return target.scheme == Target::Scheme::http || target.scheme == Target::Scheme::https;
}

void take_response(const Result<HttpResponse>& response, std::size_t most_body, Answer& ret_answer) {
  if (!response) {
    ret_answer = unanswered(response.error());
    return;
  }
  ret_answer.reached = true;
  ret_answer.status = static_cast<int>(response->status);
  ret_answer.body = response->body.substr(0, most_body);
}

}  // namespace

Answer failed(std::string reason) {
  Answer answer;
  answer.reason = std::move(reason);
  return answer;
}

Answer unanswered(const Error& error) {
  Answer answer = failed(error.message());
  answer.silent = error.code == ErrorCode::timeout;
  return answer;
}

Result<std::shared_ptr<const TlsContext>> Authorities::get(const std::string& file) {
  const MonoTime now = mono_now();
  if (const auto known = read_.find(file); known != read_.end() && now - known->second.at < kReread)
    return known->second.context;
  TlsFiles files;
  files.authority = file;
  Result<std::shared_ptr<const TlsContext>> made =
      make_error(ErrorCode::not_found, "this host has no list of authorities");
  if (!file.empty()) made = TlsContext::client(files);
  for (const std::string_view system : kSystemAuthorities) {
    if (made || !file.empty()) break;
    files.authority = system;
    made = TlsContext::client(files);
  }
  if (made) read_[file] = {*made, now};
  return made;
}

boost::asio::awaitable<Answer> ask_connection(const Question& question, const Target& target,
                                              Authorities& authorities) {
  HttpClientOptions options;
  options.host = target.host;
  options.port = target.port;
  options.connect_timeout = options.handshake_timeout = options.request_timeout = question.timeout;
  if (encrypted(target)) {
    auto context = authorities.get(question.ca);
    if (!context) co_return failed(context.error().message());
    options.tls = std::move(*context);
  }
  const auto executor = co_await boost::asio::this_coro::executor;
  HttpClient client(executor, std::move(options));
  Answer answer;
  if (is_http(target)) {
    HttpRequest request;
    request.target = target.rest;
    request.headers = {{"User-Agent", "hostmedic-check"}, {"Accept", "*/*"}, {"Connection", "close"}};
    const auto response = co_await client.send(request);
    take_response(response, question.most_body, answer);
  } else {
    const Status connected = co_await client.connect();
    answer.reached = static_cast<bool>(connected);
    if (!connected) answer = unanswered(connected.error());
  }
  if (const auto certificate = client.peer_certificate()) answer.certificate_ends = certificate->not_after;
  co_return answer;
}

}  // namespace hostmedic
