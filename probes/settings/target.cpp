// SPDX-License-Identifier: Apache-2.0
#include "probes/settings/target.h"

#include <algorithm>

#include "agent/base/parse.h"
#include "agent/base/text.h"

namespace hostmedic {
namespace {

constexpr std::size_t kMostUrl = 1024, kMostName = 64, kMostHost = 253;

struct Form {
  std::string_view prefix;
  Target::Scheme scheme;
  std::uint16_t port;  // when none is named; 0: one must be
};
constexpr Form kForms[] = {
    {"http://", Target::Scheme::http, 80}, {"https://", Target::Scheme::https, 443}, {"tcp://", Target::Scheme::tcp, 0},
    {"tls://", Target::Scheme::tls, 0},    {"dns://", Target::Scheme::dns, 53},
};

Error expected(std::string_view what) { return make_error(ErrorCode::malformed, "expected " + std::string(what)); }

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  return !text.empty() && std::ranges::all_of(text, fits) && text.front() != '.' && text.front() != '-';
}

// HOST, HOST:PORT or [ADDRESS]:PORT.
Status parse_authority(std::string_view text, std::uint16_t port, Target& ret_target) {
  std::string_view host = text, number;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return expected("']' after an IPv6 address");
    host = text.substr(1, end - 1);
    number = text.substr(end + 1);
    if (host.empty() || host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos)
      return expected("an IPv6 address between brackets");
  } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    number = text.substr(colon);
  }
  if (!text.starts_with('[') && !host.empty() && (!is_name(host) || host.size() > kMostHost))
    return expected("a host name or address");
  if (!number.empty()) {
    const auto parsed = number.starts_with(':') ? parse_u64(number.substr(1)) : parse_u64("");
    if (!parsed || *parsed == 0 || *parsed > 65535) return expected("a port from 1 to 65535");
    port = static_cast<std::uint16_t>(*parsed);
  }
  if (port == 0) return expected("a port, as in tcp://db.example:5432");
  ret_target.host = host;
  ret_target.port = port;
  return ok();
}

}  // namespace

Result<Target> parse_target(std::string_view url) {
  constexpr std::string_view kWanted = "http://, https://, tcp://, tls://, dns:// or exec:";
  const auto printable_ascii = [](char c) { return c > ' ' && c < 0x7f; };
  if (url.size() > kMostUrl || !std::ranges::all_of(url, printable_ascii))
    return expected("at most 1024 printable characters");
  Target target;
  if (url.starts_with("exec:")) {
    target.scheme = Target::Scheme::exec;
    target.rest = url.substr(5);
    if (!is_name(target.rest) || target.rest.size() > kMostName)
      return expected("the name of a plug-in, as in exec:raid");
    return target;
  }
  const auto form = std::ranges::find_if(kForms, [&](const Form& each) { return url.starts_with(each.prefix); });
  if (form == std::end(kForms)) return expected(kWanted);
  target.scheme = form->scheme;
  const std::string_view after = url.substr(form->prefix.size());
  const std::size_t slash = std::min(after.find('/'), after.size());
  if (after.substr(0, slash).find('@') != std::string_view::npos) return expected("an address without a user");
  if (auto status = parse_authority(after.substr(0, slash), form->port, target); !status)
    return std::move(status).error();
  target.rest = after.substr(slash);
  const bool dns = target.scheme == Target::Scheme::dns;
  const bool web = target.scheme == Target::Scheme::http || target.scheme == Target::Scheme::https;
  if (target.host.empty() && !dns) return expected("a host");
  if (dns) {
    if (!target.rest.empty()) target.rest.erase(0, 1);
    if (!is_name(target.rest) || target.rest.size() > kMostHost)
      return expected("a name to look up, as in dns://192.0.2.1/www.example");
  } else if (web && target.rest.empty()) {
    target.rest = "/";
  } else if (!web && !target.rest.empty()) {
    return expected("nothing after the port");
  }
  return target;
}

}  // namespace hostmedic
