// SPDX-License-Identifier: Apache-2.0
// dns: a question to one name server, or to whatever the host itself asks.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <random>

#include "agent/check/ask.h"
#include "agent/net/deadline.h"
#include "probes/endpoint/dns_message.h"

namespace hostmedic {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

// As getaddrinfo() finds it. A resolver that hangs leaves its thread behind; the caller has stopped waiting by then.
asio::awaitable<Answer> ask_host(const Target& target) {
  asio::ip::tcp::resolver resolver(co_await asio::this_coro::executor);
  auto [error, results] = co_await resolver.async_resolve(target.rest, "", kTuple);
  if (error) co_return failed(error.message());
  Answer answer;
  answer.reached = true;
  co_return answer;
}

Answer judge(std::string_view bytes, std::uint16_t id) {
  const auto reply = decode_dns_reply(bytes, id);
  if (!reply) return failed(reply.error().message());
  if (reply->code != 0) return failed(std::string(dns_code_text(reply->code)));
  if (reply->answers == 0 && !reply->truncated) return failed("the name has no address");
  Answer answer;
  answer.reached = true;
  return answer;
}

}  // namespace

asio::awaitable<Answer> ask_name(const Question& question, const Target& target) {
  if (target.host.empty()) co_return co_await ask_host(target);
  error_code error;
  const auto address = asio::ip::make_address(target.host, error);
  if (error) co_return failed("the server must be an address, not a name");
  const auto id = static_cast<std::uint16_t>(std::random_device{}());
  const auto query = encode_dns_query(id, target.rest);
  if (!query) co_return failed(query.error().message());
  const auto executor = co_await asio::this_coro::executor;
  auto socket = std::make_shared<udp::socket>(executor);
  const Deadline deadline(executor, question.timeout, [socket] {
    error_code ignored;  // closed either way
    socket->close(ignored);
  });
  socket->open(address.is_v6() ? udp::v6() : udp::v4(), error);
  // Connected, so that an answer comes from that server only and a closed port is told.
  if (!error) socket->connect(udp::endpoint(address, target.port), error);
  if (error) co_return failed(error.message());
  auto [send_error, sent] = co_await socket->async_send(asio::buffer(*query), kTuple);
  if (send_error) co_return failed(send_error.message());
  std::string bytes(1500, '\0');
  auto [receive_error, size] = co_await socket->async_receive(asio::buffer(bytes), kTuple);
  if (deadline.expired()) co_return unanswered(make_error(ErrorCode::timeout, "no answer in time"));
  if (receive_error) co_return failed(receive_error.message());
  co_return judge(std::string_view(bytes).substr(0, size), id);
}

}  // namespace hostmedic
