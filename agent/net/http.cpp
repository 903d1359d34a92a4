// SPDX-License-Identifier: Apache-2.0
#include "agent/net/http.h"

#include <strings.h>

namespace hostmedic {

std::string_view find_header(const std::vector<HttpHeader>& headers, std::string_view name) {
  for (const HttpHeader& header : headers)
    if (header.name.size() == name.size() && ::strncasecmp(header.name.data(), name.data(), name.size()) == 0)
      return header.value;
  return {};
}

}  // namespace hostmedic
