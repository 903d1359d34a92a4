// SPDX-License-Identifier: Apache-2.0
// One request to the API of a container engine over its Unix socket. HTTP/1.0, so that an answer ends with its
// connection and is never in pieces. Blocks up to the deadline.
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace hostmedic {

inline constexpr std::size_t kMostEngineAnswer = 1 << 20;  // bytes, with its head

struct EngineAnswer {
  int status = 0;
  std::string body;
};

// A whole answer, as it was received up to its end. malformed: no HTTP, cut off, or in pieces. Pure.
Result<EngineAnswer> parse_engine_answer(std::string_view text);

// method: "GET", "POST"; target: "/containers/web/json", of validated parts only. Errors: unsupported (nobody listens
// there), denied, timeout, limit, malformed.
Result<EngineAnswer> ask_engine(const std::string& socket, std::string_view method, const std::string& target,
                                MonoTime deadline);

}  // namespace hostmedic
