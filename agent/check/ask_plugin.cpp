// SPDX-License-Identifier: Apache-2.0
// exec: the name goes to the plug-ins' socket, behind which the service manager starts one in a sandbox; what it prints
// comes back, and a last line with its exit code (run_plugin.h).
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "agent/base/parse.h"
#include "agent/base/text.h"
#include "agent/check/ask.h"
#include "agent/check/run_plugin.h"
#include "agent/net/deadline.h"

namespace hostmedic {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Stream = asio::local::stream_protocol;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

Answer judge(std::string text) {
  const std::size_t last = text.rfind(kPluginEnd);
  const bool line = last != std::string::npos && (last == 0 || text[last - 1] == '\n');
  const auto code = line ? parse_u64(trim(std::string_view(text).substr(last + kPluginEnd.size()))) : parse_u64("");
  if (!code) return failed("the plug-in was ended before it finished");
  Answer answer;
  answer.status = static_cast<int>(std::min<std::uint64_t>(*code, 255));
  answer.reached = answer.status == 0;
  text.resize(last);
  if (!answer.reached) {
    const std::string_view said = trim(text);
    answer.reason = strf("exit code %d", answer.status);
    if (!said.empty()) answer.reason += ": " + printable(said.substr(said.rfind('\n') + 1), 200);
  }
  answer.body = std::move(text);
  return answer;
}

}  // namespace

asio::awaitable<Answer> ask_plugin(const Question& question, const Target& target, const std::string& path) {
  const auto executor = co_await asio::this_coro::executor;
  auto socket = std::make_shared<Stream::socket>(executor);
  const Deadline deadline(executor, question.timeout, [socket] {
    error_code ignored;  // closed either way
    socket->close(ignored);
  });
  auto [connect_error] = co_await socket->async_connect(Stream::endpoint(path), kTuple);
  if (connect_error) co_return failed("no plug-ins here: " + path + ": " + connect_error.message());
  const std::string request = target.rest + "\n";
  auto [write_error, written] = co_await asio::async_write(*socket, asio::buffer(request), kTuple);
  if (write_error) co_return failed(write_error.message());
  std::string text;
  auto [read_error, size] =
      co_await asio::async_read(*socket, asio::dynamic_buffer(text, question.most_body + 64), kTuple);
  if (deadline.expired()) co_return unanswered(make_error(ErrorCode::timeout, "no answer in time"));
  if (read_error && read_error != asio::error::eof) co_return failed(read_error.message());
  co_return judge(std::move(text));
}

}  // namespace hostmedic
