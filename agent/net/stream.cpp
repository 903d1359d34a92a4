// SPDX-License-Identifier: Apache-2.0
#include "agent/net/stream.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/errc.hpp>

#include "agent/net/deadline.h"

namespace hostmedic {
namespace {
constexpr std::size_t kLingerBytes = 8u << 20;
}

Stream::Stream(boost::asio::ip::tcp::socket socket, std::unique_ptr<Channel> channel)
    : socket_(std::move(socket)), channel_(std::move(channel)) {
  boost::system::error_code error;
  // A socket that refuses these is already dead and says so at the first step.
  socket_.non_blocking(true, error);
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), error);
  const auto peer = socket_.remote_endpoint(error);
  if (!error) peer_address_ = peer.address().to_string();
}

void Stream::close() {
  boost::system::error_code ignored;  // closed either way
  socket_.close(ignored);
}

std::string Stream::explain(boost::system::error_code error) const {
  const bool ours = error == boost::asio::error::connection_reset || error == boost::system::errc::protocol_error;
  if (ours && !channel_->error_text().empty()) return channel_->error_text();
  if (error == boost::asio::error::eof) return "peer closed the connection";
  return error.message();
}

boost::asio::awaitable<void> Stream::linger(Duration most) {
  boost::system::error_code ignored;  // the peer may be gone already
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  const Deadline deadline(get_executor(), most, [this] { close(); });
  std::array<char, 4096> waste;
  for (std::size_t taken = 0; taken < kLingerBytes;) {
    const auto buffer = boost::asio::buffer(waste);
    auto [error, size] = co_await socket_.async_read_some(buffer, boost::asio::as_tuple(boost::asio::use_awaitable));
    if (error) break;
    taken += size;
  }
  close();
}

boost::system::error_code Stream::to_code(StepNeed need) {
  switch (need) {
    case StepNeed::nothing:
    case StepNeed::readable:
    case StepNeed::writable: return {};
    case StepNeed::ended: return boost::asio::error::eof;
    case StepNeed::truncated: return boost::asio::error::connection_reset;
    case StepNeed::failed: break;
  }
  return boost::system::errc::make_error_code(boost::system::errc::protocol_error);
}

}  // namespace hostmedic
