// SPDX-License-Identifier: Apache-2.0
#include "agent/aggregator/hosts.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "agent/base/text.h"
#include "agent/net/http_client.h"
#include "agent/record/record_json.h"

namespace hostmedic {

namespace {
constexpr std::size_t kMostAnswer = 32 << 20;

std::string text_at(const boost::json::object& row, std::string_view name) {
  const boost::json::value* value = row.if_contains(name);
  if (value == nullptr || !value->is_string()) return "";
  return printable({value->get_string().data(), value->get_string().size()}, 128);
}
std::int64_t integer_at(const boost::json::object& row, std::string_view name) {
  const boost::json::value* value = row.if_contains(name);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}
}  // namespace

Result<std::string> hosts_table(const std::string& answer) {
  const Result<boost::json::value> document = parse_json(answer, kMostAnswer);
  if (!document) return document.error();
  const boost::json::object* top = document->if_object();
  const boost::json::value* list = top == nullptr ? nullptr : top->if_contains("hosts");
  if (list == nullptr || !list->is_array()) return make_error(ErrorCode::malformed, "the answer has no list of hosts");
  std::size_t width = 4;
  for (const boost::json::value& one : list->get_array())
    if (one.is_object()) width = std::max(width, text_at(one.get_object(), "name").size());
  const int column = static_cast<int>(width);
  std::string out =
      strf("%-*s  %-6s  %-12s  %4s  %-10s  %s\n", column, "HOST", "STATE", "SEEN", "OPEN", "VERSION", "MAY ACT");
  for (const boost::json::value& one : list->get_array()) {
    if (!one.is_object()) continue;
    const boost::json::object& row = one.get_object();
    const std::int64_t age = integer_at(*top, "now_unix_nano") - integer_at(row, "last_seen_unix_nano");
    const std::string seen = format_duration(Duration(std::max<std::int64_t>(age, 0))) + " ago";
    std::string line =
        strf("%-*s  %-6s  %-12s  %4lld  %-10s  ", column, text_at(row, "name").c_str(), text_at(row, "state").c_str(),
             seen.c_str(), static_cast<long long>(integer_at(row, "open_incidents")), text_at(row, "version").c_str());
    if (const boost::json::value* lease = row.if_contains("lease"); lease != nullptr && lease->is_object())
      line += text_at(lease->get_object(), "action") + " on " + text_at(lease->get_object(), "entity");
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

Result<std::string> ask_hosts(const std::string& page_address, std::uint16_t page_port, bool json) {
  HttpClientOptions options;
  options.host = page_address;
  options.port = page_port;
  options.response_limit = Bytes{kMostAnswer};
  HttpRequest request;
  request.target = "/api/hosts";
  auto answer = send_and_wait(options, request);
  if (!answer) return std::move(answer.error()).in("the aggregator does not answer (is it running?)");
  if (answer->status != 200) return make_error(ErrorCode::io, strf("the aggregator answers %u", answer->status));
  if (json) return answer->body + "\n";
  return hosts_table(answer->body);
}

}  // namespace hostmedic
