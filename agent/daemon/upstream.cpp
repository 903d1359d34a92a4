// SPDX-License-Identifier: Apache-2.0
#include "agent/daemon/upstream.h"

#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/base/version.h"

namespace hostmedic {
namespace {

// "https://host:port/prefix"; IPv6 literals in brackets.
Result<Upstream> parse_url(std::string_view url) {
  const Error wrong = make_error(ErrorCode::malformed, "'" + printable(url, 200) + "' is not like https://host:4318");
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) return wrong;
  url.remove_prefix(kScheme.size());
  Upstream upstream;
  const auto slash = url.find('/');
  if (slash != std::string_view::npos && slash + 1 < url.size()) upstream.path_prefix = url.substr(slash);
  std::string_view authority = url.substr(0, slash);
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.ends_with(']')) return wrong;
  const auto port = parse_u64(authority.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535) return wrong;
  upstream.client.port = static_cast<std::uint16_t>(*port);
  authority = authority.substr(0, colon);
  if (authority.starts_with('[') && authority.ends_with(']')) authority = authority.substr(1, authority.size() - 2);
  if (authority.empty()) return wrong;
  upstream.client.host = authority;
  return upstream;
}

}  // namespace

Result<Upstream> reach(const UpstreamConfig& config) {
  auto upstream = parse_url(config.url);
  if (!upstream) return upstream;
  auto tls = TlsContext::client({.authority = config.ca, .certificate = config.certificate, .key = config.key});
  if (!tls) return std::move(tls).error();
  upstream->client.tls = *tls;
  return upstream;
}

Result<Upstream> reach_for_questions(const UpstreamConfig& config, Bytes most) {
  auto upstream = reach(config);
  if (!upstream) return upstream;
  HttpClientOptions& client = upstream->client;
  client.connect_timeout = client.handshake_timeout = client.request_timeout = kAnswerWithin;
  client.response_limit = most;
  return upstream;
}

boost::asio::awaitable<Result<HttpResponse>> post_json(boost::asio::any_io_executor executor, Upstream upstream,
                                                       std::string path, std::string body) {
  HttpClient client(std::move(executor), std::move(upstream.client));
  HttpRequest request;
  request.method = "POST";
  request.target = upstream.path_prefix + path;
  request.headers = {{"Content-Type", "application/json"}, {"User-Agent", "hostmedic/" + version()}};
  request.body = std::move(body);
  auto response = co_await client.send(request);
  client.close();
  co_return response;
}

}  // namespace hostmedic
