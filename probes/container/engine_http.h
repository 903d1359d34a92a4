// SPDX-License-Identifier: Apache-2.0
// GET over a Unix socket, for the API of a container engine. HTTP/1.0, so that an answer ends with its connection and
// is never chunked. Blocks up to the deadline: for a worker's thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic::container {

struct HttpHead {
  int status = 0;
  std::size_t size = 0;  // where the body begins
};
// nullopt: there is more to come. malformed: no HTTP, a head of more than kMostHead, or a chunked body. Pure.
Result<std::optional<HttpHead>> parse_http_head(std::string_view text);
inline constexpr std::size_t kMostHead = 16 << 10;

// The body of a 200 answer, at most kMostJson bytes. not_found: 404; denied: no right to the socket.
Result<std::string> http_get(const std::string& socket, const std::string& target, MonoTime deadline);

// An answer without an end: the head was read, `begun` is what followed it so far. The descriptor does not block.
struct HttpStream {
  Fd fd;
  std::string begun;
};
Result<HttpStream> http_stream(const std::string& socket, const std::string& target, MonoTime deadline);

}  // namespace hostmedic::container
