// SPDX-License-Identifier: Apache-2.0
// HTTP messages as plain values, without the library that reads and writes them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/net/certificate.h"

namespace hostmedic {

struct HttpHeader {
  std::string name, value;
};

// Empty if there is none. Names compare without case.
std::string_view find_header(const std::vector<HttpHeader>& headers, std::string_view name);

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, as on the wire
  std::vector<HttpHeader> headers;
  std::string body;  // a server has unpacked it already
  // Filled by a server.
  std::string peer_address;
  std::shared_ptr<const CertificateInfo> peer_certificate;  // null without TLS or without a client certificate

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type;  // empty: no such header
  std::vector<HttpHeader> headers;
  std::string body;

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
};

}  // namespace hostmedic
