// SPDX-License-Identifier: Apache-2.0
// Where the configured upstream is and how it is reached: mutual TLS with the files that the configuration names.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <string>

#include "agent/config/agent_config.h"
#include "agent/net/http_client.h"

namespace hostmedic {

struct Upstream {
  HttpClientOptions client;
  std::string path_prefix;  // put before a path; empty or "/something"
};

// An error names the URL or the file that is wrong.
Result<Upstream> reach(const UpstreamConfig& config);

// For questions that are rare and small: an answer of at most `most` bytes, and kAnswerWithin for each part of the
// exchange: name and connection, TLS, answer.
inline constexpr Duration kAnswerWithin = std::chrono::seconds(3);
Result<Upstream> reach_for_questions(const UpstreamConfig& config, Bytes most);
// One question, JSON both ways, over a connection of its own.
boost::asio::awaitable<Result<HttpResponse>> post_json(boost::asio::any_io_executor executor, Upstream upstream,
                                                       std::string path, std::string body);

}  // namespace hostmedic
